/** The codes this package throws: those of a vault, each documented in `docs/errors.md`. No message ever holds key bytes. */

import { OckamError, type OckamErrorOptions } from '@ockam/core'

export type NativeAeadErrorCode =
  /** The accelerator does not run here, or does not have that algorithm. */
  | 'vault/unsupported'
  /** The AEAD key was destroyed. */
  | 'vault/unknown-key'
  /** An argument has the wrong type, length or range. */
  | 'vault/invalid-argument'

/** An error of this package. */
export function nativeAeadError(code: NativeAeadErrorCode, message: string, options?: OckamErrorOptions): OckamError<NativeAeadErrorCode> {
  return new OckamError(code, message, options)
}
