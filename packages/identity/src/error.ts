import { OckamError } from '@ockam/core'

/** Codes thrown by `@ockam/identity`. */
export type IdentityErrorCode =
  /** An argument has the wrong type or range. */
  | 'identity/invalid-argument'
  /** The bytes are not a change history, or break one of its rules. */
  | 'identity/invalid-history'
  /** A change of the history has a signature that does not hold. */
  | 'identity/invalid-signature'
  /** The history is of another identifier than expected. */
  | 'identity/unexpected-identifier'
  /** A newer history of this identity is known: the peer uses an old key. */
  | 'identity/older-history'
  /** Two different histories of one identifier exist: one of them is an attack, or a copied identity was rotated twice. */
  | 'identity/conflicting-history'
  /** The latest key of the identity is no longer, or not yet, valid. */
  | 'identity/expired'
  /** The bytes are not an attestation, or it breaks one of its rules. */
  | 'identity/invalid-attestation'
  /** The attestation is over, or from the future. */
  | 'identity/attestation-expired'
  /** This node neither owns nor knows the identity. */
  | 'identity/unknown-identity'
  /** The name belongs to another identity. */
  | 'identity/name-in-use'
  /** The vault no longer has the key of an own identity. */
  | 'identity/key-missing'
  /** Others changed the same record again and again; try once more. */
  | 'identity/contention'

export function identityError(code: IdentityErrorCode, message: string, cause?: unknown): OckamError<IdentityErrorCode> {
  return new OckamError(code, message, cause === undefined ? undefined : { cause })
}
