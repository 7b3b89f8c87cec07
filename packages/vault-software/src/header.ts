/**
 * The header of a vault in a store: which protection, with which parameters, and the wrapped data key. 102 bytes, all fields fixed:
 *
 *   0 "OCKV" | 4 version 1 | 5 protection | 6 store id (16) | 22 scrypt log2 N, r, p (3) | 25 reserved 0 | 26 salt (16) | 42 nonce (12)
 *   | 54 data key under AES-256-GCM (32 + 16), associated data = bytes 0 to 41
 *
 * This module knows the layout and its bounds; it derives and decrypts nothing.
 */

import type { ScryptParameters } from './backend.ts'
import { vaultError } from './error.ts'
import { areParametersAcceptable, type ProtectionKind } from './protection.ts'

export interface Header {
  readonly kind: ProtectionKind
  /** 16 random bytes that bind records to this vault. */
  readonly storeId: Uint8Array
  /** Undefined unless the kind is `passphrase`. */
  readonly parameters: ScryptParameters | undefined
  readonly salt: Uint8Array
  readonly nonce: Uint8Array
  /** The 32-byte data key and its tag; all zero in a header still to be sealed. */
  readonly wrappedKey: Uint8Array
}

export const STORE_ID_LENGTH = 16
export const SALT_LENGTH = 16
export const NONCE_LENGTH = 12
export const WRAPPED_KEY_AT = 54
/** How many bytes from the beginning are associated data of the wrapped key. */
export const HEADER_AAD_LENGTH = 42

const LENGTH = 102
const MAGIC = [0x4f, 0x43, 0x4b, 0x56, 1]
const KINDS: readonly ProtectionKind[] = ['none', 'passphrase', 'wrapping-key']

export function encodeHeader({ kind, storeId, parameters, salt, nonce, wrappedKey }: Header): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(LENGTH)
  bytes.set(MAGIC)
  bytes[5] = KINDS.indexOf(kind)
  bytes.set(storeId, 6)
  if (parameters !== undefined) bytes.set([parameters.costLog2, parameters.r, parameters.p], 22)
  bytes.set(salt, 26)
  bytes.set(nonce, 42)
  bytes.set(wrappedKey, WRAPPED_KEY_AT)
  return bytes
}

/** @throws {OckamError} `vault/unlock-failed` unless every field is in its bounds. The views share memory with `bytes`. */
export function decodeHeader(bytes: Uint8Array): Header {
  const kind = KINDS[bytes[5] ?? KINDS.length]
  const [costLog2 = 0, r = 0, p = 0, reserved = 0] = bytes.subarray(22, 26)
  const isKnown = bytes.length === LENGTH && MAGIC.every((byte, at) => bytes[at] === byte) && kind !== undefined && reserved === 0
  if (!isKnown) {
    throw vaultError(
      'vault/unlock-failed',
      'The header of the stored keys is damaged or from a newer version. Restore the store from a backup.',
    )
  }
  const parameters = kind === 'passphrase' ? { costLog2, r, p } : undefined
  if (parameters === undefined ? (costLog2 | r | p) !== 0 : !areParametersAcceptable(parameters)) {
    throw vaultError(
      'vault/unlock-failed',
      `The header of the stored keys demands scrypt parameters out of bounds: 2^${costLog2}, ${r}, ${p}.`,
    )
  }
  return {
    kind,
    storeId: bytes.subarray(6, 22),
    parameters,
    salt: bytes.subarray(26, 42),
    nonce: bytes.subarray(42, 54),
    wrappedKey: bytes.subarray(WRAPPED_KEY_AT),
  }
}
