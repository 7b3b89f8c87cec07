import { OckamError } from '@ockam/core'

/** Codes thrown by `@ockam/credentials`. */
export type CredentialsErrorCode =
  /** An argument has the wrong type or range. */
  | 'credentials/invalid-argument'
  /** The bytes or the text are not a credential. */
  | 'credentials/invalid-credential'
  /** The credential is signed in the name of an issuer that is not among the authorities. */
  | 'credentials/untrusted-issuer'
  /** The history of the issuer is not known here. */
  | 'credentials/unknown-issuer'
  /** The issuer does not attest the key that signed the credential, or not any more, or for something else. */
  | 'credentials/invalid-issuer-key'
  /** The signature does not hold. */
  | 'credentials/invalid-signature'
  /** The credential is of another subject than expected, or of none. */
  | 'credentials/wrong-subject'
  /** The credential names a change of its subject that is not known here, or not the latest where that is asked for. */
  | 'credentials/unknown-subject-change'
  /** The credential reaches beyond the validity of the key that signed it. */
  | 'credentials/outside-key-validity'
  /** The credential is over. */
  | 'credentials/expired'
  /** The credential is from the future. */
  | 'credentials/not-yet-valid'
  /** Nothing is known of the subject that a credential is to be issued to. */
  | 'credentials/unknown-subject'
  /** Getting a credential took too long. */
  | 'credentials/timeout'
  /** The source of credentials was closed. */
  | 'credentials/closed'

export function credentialsError(code: CredentialsErrorCode, message: string, cause?: unknown): OckamError<CredentialsErrorCode> {
  return new OckamError(code, message, cause === undefined ? undefined : { cause })
}
