/** The codes this package throws, each documented in `docs/errors.md`. No message and no cause ever holds key bytes. */

import { OckamError, type OckamErrorOptions } from '@ockam/core'

export type VaultErrorCode =
  /** This vault has no keys of that type, or does not know that algorithm. */
  | 'vault/unsupported'
  /** The handle is not from this vault, its key was deleted, or the AEAD key was destroyed. */
  | 'vault/unknown-key'
  /** The verifying key and the signature are of different types. */
  | 'vault/type-mismatch'
  /** A public key is malformed, or leads to an all-zero Diffie-Hellman result. */
  | 'vault/invalid-key'
  /** An argument has the wrong type, length or range. */
  | 'vault/invalid-argument'
  /** The vault was closed. */
  | 'vault/closed'
  /** The stored keys cannot be unlocked: wrong passphrase or wrapping key, other protection than expected, or an altered header. */
  | 'vault/unlock-failed'
  /** A stored key is not what was written: altered, truncated, or moved from another place. */
  | 'vault/corrupt-record'
  /** The stored keys were given another protection while this vault was open: open it again. */
  | 'vault/conflict'

/** An error of this package. */
export function vaultError(code: VaultErrorCode, message: string, options?: OckamErrorOptions): OckamError<VaultErrorCode> {
  return new OckamError(code, message, options)
}
