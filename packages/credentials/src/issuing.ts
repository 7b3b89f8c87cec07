/**
 * Issuing: the issuer's credential key signs what it says about a subject. The times lie inside those of the key, also when the clock was set back or more
 * was asked for, because verifiers refuse what does not.
 */

import { type CredentialIssuers, type CredentialKeys, Identifier, type Primitives, type SigningVault } from '@ockam/core'
import { type AttributeValues, toAttributes } from './attributes.ts'
import { encodeCredential, encodeCredentialData, MAX_CREDENTIAL_BYTES } from './credential.ts'
import { credentialsError } from './error.ts'

/** Rust authorities give 30 days. There is no revocation but the end, so this is shorter. */
const DEFAULT_VALIDITY_MS = 24 * 3600 * 1000
/** Members of a project, for Rust nodes. */
const DEFAULT_SCHEMA = 1

export interface IssueOptions {
  /** An own identity. */
  readonly issuer: Identifier
  /** An own or known identity: the credential names its latest change. */
  readonly subject: Identifier
  readonly attributes: AttributeValues
  /** From now. Default one day; cut to the validity of the issuer's key. */
  readonly validForMs?: number
  /** Default 1. */
  readonly schema?: number | bigint
}

export interface IssuingServices {
  readonly signing: SigningVault
  readonly primitives: Pick<Primitives, 'sha256'>
  readonly identities: CredentialKeys & Pick<CredentialIssuers, 'changeHashes'>
  /** Whole seconds since 1970. */
  readonly nowSeconds: () => number
}

/** See {@link Credentials.issue}. */
export async function issueCredential(options: IssueOptions, services: IssuingServices): Promise<Uint8Array<ArrayBuffer>> {
  const { issuer, subject, validForMs = DEFAULT_VALIDITY_MS } = options
  if (!Identifier.is(issuer) || !Identifier.is(subject))
    throw credentialsError('credentials/invalid-argument', 'The issuer and the subject of a credential are identifiers.')
  if (!(validForMs >= 1000 && validForMs <= Number.MAX_SAFE_INTEGER))
    throw credentialsError('credentials/invalid-argument', `validForMs must be at least 1000; got ${validForMs}.`)
  const attributes = toAttributes(options.attributes, options.schema ?? DEFAULT_SCHEMA)
  const { signing, primitives, identities, nowSeconds } = services
  const hashes = await identities.changeHashes(subject)
  if (hashes === undefined)
    throw credentialsError('credentials/unknown-subject', `The history of the subject ${subject} is not known: import it first.`)
  const key = await identities.credentialKey(issuer)
  const createdAt = Math.max(nowSeconds(), key.createdAt)
  const expiresAt = Math.min(createdAt + Math.floor(validForMs / 1000), key.expiresAt)
  if (createdAt >= expiresAt)
    throw credentialsError('credentials/outside-key-validity', `The key of the issuer ${issuer} ends now: rotate the identity.`)
  const signed = encodeCredentialData({ subject, subjectChangeHash: hashes.at(-1), attributes, createdAt, expiresAt })
  const signature = await signing.sign(key.signingKey, primitives.sha256(signed))
  const credential = encodeCredential(signed, signature, key.attestation)
  if (credential.length > MAX_CREDENTIAL_BYTES) {
    throw credentialsError(
      'credentials/invalid-argument',
      `The attributes make a credential of ${credential.length} bytes; at most ${MAX_CREDENTIAL_BYTES} are allowed.`,
    )
  }
  return credential
}
