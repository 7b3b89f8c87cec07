/**
 * The rules of a credential. Source: the published Rust nodes' credential verification; what is stricter here is listed in the README.
 *
 * Order of work: what is cheap first (form, issuer, subject, times), then the issuer's key, the signature, and what is known of the subject. So what is of
 * no use in any case costs whoever sends it as much as whoever reads it.
 *
 * Only `true` is a yes of a vault: one of somebody else may answer with something that is neither, such as a promise or an object with details.
 */

import {
  type AttestedCredentialKey,
  type CredentialIssuers,
  Identifier,
  OckamError,
  type Primitives,
  type VerifyingVault,
} from '@ockam/core'
import type { Attributes } from './attributes.ts'
import { type Credential, type CredentialData, decodeCredential } from './credential.ts'
import { credentialsError } from './error.ts'

/** How far the clocks of honest parties may differ, in seconds. */
const CLOCK_DRIFT_SECONDS = 60

/**
 * Which change of its subject a credential may name. `known`: any of the history known here, or none; a credential outlives a rotation of its subject.
 * `latest`: the latest one. Of a subject whose history is not known here, `known` accepts what it cannot compare, and `latest` refuses it.
 */
export type SubjectChangePolicy = 'known' | 'latest'

export interface VerifyOptions {
  /** Whose credential it must be. */
  readonly subject: Identifier
  /** Who may have issued it. Their histories must be known here, in their latest form. */
  readonly authorities: readonly Identifier[]
}

/** What an accepted authority says about the subject. Times are whole seconds since 1970. */
export interface VerifiedCredential {
  readonly issuer: Identifier
  readonly subject: Identifier
  readonly attributes: Attributes
  readonly createdAt: number
  readonly expiresAt: number
}

export interface VerificationServices {
  readonly verifying: VerifyingVault
  readonly primitives: Primitives
  readonly identities: CredentialIssuers
  readonly subjectChange: SubjectChangePolicy
  /** Whole seconds since 1970. */
  readonly nowSeconds: () => number
}

/** See {@link Credentials.verify}. */
export async function verifyCredential(
  bytes: Uint8Array | string,
  { subject, authorities }: VerifyOptions,
  services: VerificationServices,
): Promise<VerifiedCredential> {
  if (!Identifier.is(subject) || !Array.isArray(authorities) || !authorities.every((authority) => Identifier.is(authority)))
    throw credentialsError('credentials/invalid-argument', 'The subject and the authorities of a verification are identifiers.')
  const credential = decodeCredential(bytes)
  const { data } = credential
  const claimed = claimedKey(credential, services.identities)
  if (!authorities.some((authority) => authority.equals(claimed.issuer)))
    throw credentialsError('credentials/untrusted-issuer', `${claimed.issuer} is not an authority whose credentials are accepted here.`)
  if (data.subject === undefined || !data.subject.equals(subject))
    throw credentialsError('credentials/wrong-subject', `The credential is of ${data.subject ?? 'nobody'}, not of ${subject}.`)
  checkTimes(data, claimed, services.nowSeconds())
  const key = await attestedKey(credential, services.identities)
  await checkSignature(credential, key, services)
  await checkSubjectChange(data, subject, services)
  return { issuer: key.issuer, subject, attributes: data.attributes, createdAt: data.createdAt, expiresAt: data.expiresAt }
}

/** What the attestation claims, with nothing proved. */
function claimedKey({ attestation }: Credential, identities: CredentialIssuers): AttestedCredentialKey {
  try {
    return identities.readCredentialKey(attestation)
  } catch (error) {
    throw issuerKeyError(error)
  }
}

async function attestedKey({ attestation }: Credential, identities: CredentialIssuers): Promise<AttestedCredentialKey> {
  try {
    return await identities.verifyCredentialKey(attestation)
  } catch (error) {
    throw issuerKeyError(error)
  }
}

/** Says in terms of the credential what is wrong with its issuer. What the store throws stays as it is. */
function issuerKeyError(error: unknown): unknown {
  if (OckamError.is(error, 'identity/unknown-identity'))
    return credentialsError('credentials/unknown-issuer', 'The history of the issuer is not known here: import it.', error)
  if (!OckamError.is(error) || !error.code.startsWith('identity/')) return error
  return credentialsError('credentials/invalid-issuer-key', 'The issuer does not attest the key that signed the credential.', error)
}

function checkTimes({ subject, createdAt, expiresAt }: CredentialData, key: AttestedCredentialKey, now: number): void {
  if (createdAt < key.createdAt || expiresAt > key.expiresAt)
    throw credentialsError(
      'credentials/outside-key-validity',
      `The credential of ${subject} reaches beyond the validity of the key that signed it.`,
    )
  if (createdAt > now + CLOCK_DRIFT_SECONDS)
    throw credentialsError(
      'credentials/not-yet-valid',
      `The credential of ${subject} is from the future (${isoTime(createdAt)}): compare the clocks of both machines.`,
    )
  if (expiresAt < now) throw credentialsError('credentials/expired', `The credential of ${subject} ended at ${isoTime(expiresAt)}.`)
}

async function checkSignature(
  { signed, signature, data }: Credential,
  { verifyingKey, issuer }: AttestedCredentialKey,
  { verifying, primitives }: VerificationServices,
): Promise<void> {
  const isValid = signature.type === verifyingKey.type && (await verifying.verify(verifyingKey, primitives.sha256(signed), signature))
  if (isValid !== true)
    throw credentialsError('credentials/invalid-signature', `The credential of ${data.subject} is not signed by the key ${issuer} attests.`)
}

async function checkSubjectChange(
  { subjectChangeHash }: CredentialData,
  subject: Identifier,
  { identities, primitives, subjectChange }: VerificationServices,
): Promise<void> {
  if (subjectChangeHash === undefined && subjectChange === 'known') return
  const known = await identities.changeHashes(subject)
  if (known === undefined && subjectChange === 'known') return
  const candidates = subjectChange === 'latest' ? (known?.slice(-1) ?? []) : (known ?? [])
  if (subjectChangeHash !== undefined && candidates.some((hash) => primitives.isEqual(hash, subjectChangeHash) === true)) return
  throw credentialsError(
    'credentials/unknown-subject-change',
    `The credential names a change of ${subject} that is not ${subjectChange === 'latest' ? 'the latest' : 'among those'} known here.`,
  )
}

function isoTime(seconds: number): string {
  return seconds < 8_640_000_000_000 ? new Date(seconds * 1000).toISOString() : `second ${seconds}`
}
