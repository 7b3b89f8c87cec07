/** Puts issuing, verification and the store of attributes together from a vault, identities and a store. */

import {
  type Clock,
  type CredentialIssuers,
  type CredentialKeys,
  type CredentialVerifier,
  type Diagnostics,
  Identifier,
  memoryStore,
  type Store,
  silentDiagnostics,
  systemClock,
  type Vault,
} from '@ockam/core'
import { AttributeStore } from './attribute-store.ts'
import { credentialsError } from './error.ts'
import { type IssueOptions, issueCredential } from './issuing.ts'
import { PresentedCredentials } from './presented-credential.ts'
import {
  type SubjectChangePolicy,
  type VerificationServices,
  type VerifiedCredential,
  type VerifyOptions,
  verifyCredential,
} from './verification.ts'

const DEFAULT_MAX_ENTRIES = 10_000

export interface CreateCredentialsOptions {
  /** The vault that the identities were made with: it signs what own identities issue. */
  readonly vault: Pick<Vault, 'signing' | 'verifying' | 'primitives'>
  /** Who issuers and subjects are: `createIdentities()` of `@ockam/identity`. */
  readonly identities: CredentialKeys & CredentialIssuers
  /** Holds what is known of peers' attributes. Default: in memory. The caller closes it. */
  readonly store?: Store
  /** Default: the machine's. */
  readonly clock?: Pick<Clock, 'now'>
  /** Receives `credentials/credential-refused`, `credentials/attributes-evicted`. Default: nobody. */
  readonly diagnostics?: Diagnostics
  /** Which change of its subject a credential may name. Default `known`. */
  readonly subjectChange?: SubjectChangePolicy
  /** How many entries, one for each subject and authority, are kept at most. Default 10 000. */
  readonly maxAttributeEntries?: number
}

export interface Credentials {
  /**
   * Issues a credential: CBOR, to be handed to its subject by whatever way.
   * @throws {OckamError} `credentials/invalid-argument`, `credentials/unknown-subject`, `credentials/outside-key-validity`; `identity/unknown-identity` when
   * the issuer is not an own identity, `identity/expired`, `identity/key-missing`, and what vault and store throw.
   */
  issue(options: IssueOptions): Promise<Uint8Array<ArrayBuffer>>
  /**
   * Verifies a credential, and keeps nothing.
   * @param credential CBOR, or its hexadecimal text.
   * @throws {OckamError} with a `credentials/…` code that says precisely what is wrong, for local eyes only; and what the store throws.
   */
  verify(credential: Uint8Array | string, options: VerifyOptions): Promise<VerifiedCredential>
  /**
   * For secure channels: verifies what peers show and keeps what these authorities say.
   * @param options.authorities identifiers or their text, at least one. Their histories must be known: import them.
   * @throws {OckamError} `credentials/invalid-argument`, `core/invalid-identifier`
   */
  verifier(options: { readonly authorities: readonly (Identifier | string)[] }): CredentialVerifier
  /** What is known of subjects by now. */
  readonly attributes: AttributeStore
}

/** @throws {OckamError} `credentials/invalid-argument` */
export function createCredentials(options: CreateCredentialsOptions): Credentials {
  const { vault, identities, clock = systemClock, diagnostics = silentDiagnostics, subjectChange = 'known' } = options
  const maxEntries = options.maxAttributeEntries ?? DEFAULT_MAX_ENTRIES
  if (!Number.isSafeInteger(maxEntries) || maxEntries < 1)
    throw credentialsError('credentials/invalid-argument', `maxAttributeEntries must be a whole number, 1 or more; got ${maxEntries}.`)
  if (subjectChange !== 'known' && subjectChange !== 'latest')
    throw credentialsError('credentials/invalid-argument', `subjectChange must be 'known' or 'latest'; got ${String(subjectChange)}.`)
  const nowSeconds = (): number => Math.floor(clock.now() / 1000)
  const { signing, verifying, primitives } = vault
  const verification: VerificationServices = { verifying, primitives, identities, subjectChange, nowSeconds }
  const attributes = new AttributeStore({ store: options.store ?? memoryStore(), diagnostics, maxEntries, nowSeconds })
  return {
    issue: (issueOptions) => issueCredential(issueOptions, { signing, primitives, identities, nowSeconds }),
    verify: (credential, verifyOptions) => verifyCredential(credential, verifyOptions, verification),
    verifier: (verifierOptions) => {
      const authorities = verifierOptions.authorities.map((authority) => Identifier.from(authority))
      if (authorities.length === 0)
        throw credentialsError('credentials/invalid-argument', 'A verifier needs at least one authority whose credentials it accepts.')
      const verify = (credential: Uint8Array, subject: Identifier): Promise<VerifiedCredential> =>
        verifyCredential(credential, { subject, authorities }, verification)
      return new PresentedCredentials({ verify, attributes, diagnostics })
    },
    attributes,
  }
}
