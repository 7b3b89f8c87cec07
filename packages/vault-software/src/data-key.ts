/**
 * The data key of stored keys: made at random, wrapped under AES-256-GCM in a header, unwrapped again. The header's fields are the associated
 * data, so that none can be changed; the key that wraps comes from `protection.ts`.
 */

import type { Random } from '@ockam/core'
import type { Backend, NonceCipher } from './backend.ts'
import { vaultError } from './error.ts'
import { decodeHeader, encodeHeader, HEADER_AAD_LENGTH, type Header, NONCE_LENGTH, SALT_LENGTH, WRAPPED_KEY_AT } from './header.ts'
import { deriveWrappingKey, kindOf, type ProtectionKind, scryptParametersOf, type VaultProtection } from './protection.ts'

export interface Unlocked {
  /** As stored. */
  readonly header: Uint8Array
  readonly storeId: Uint8Array
  /** Under the data key. */
  readonly cipher: NonceCipher
}

const IN_WORDS: Record<ProtectionKind, string> = { none: 'no secret', passphrase: 'passphrase', 'wrapping-key': 'wrapping key' }

/** Makes a data key and the header that wraps it. Writes nothing. */
export async function lockNewDataKey(
  backend: Backend,
  random: Random,
  protection: VaultProtection,
  storeId: Uint8Array,
): Promise<Unlocked> {
  const fields: Header = {
    kind: kindOf(protection),
    storeId,
    parameters: scryptParametersOf(protection),
    salt: random.bytes(SALT_LENGTH),
    nonce: random.bytes(NONCE_LENGTH),
    wrappedKey: new Uint8Array(),
  }
  const header = encodeHeader(fields)
  const wrap = await wrapCipher(backend, protection, fields)
  const dataKey = random.bytes(32)
  wrap.seal(header, WRAPPED_KEY_AT, dataKey, 0, 32, fields.nonce, header.slice(0, HEADER_AAD_LENGTH))
  wrap.destroy()
  return { header, storeId, cipher: takeCipher(backend, dataKey) }
}

/** @throws {OckamError} `vault/unlock-failed`. */
export async function unlockDataKey(backend: Backend, protection: VaultProtection, header: Uint8Array): Promise<Unlocked> {
  const fields = decodeHeader(header)
  const [stored, given] = [IN_WORDS[fields.kind], IN_WORDS[kindOf(protection)]]
  // Also when the store has the weaker one: a store swapped for an unprotected one must not be taken for the protected one.
  if (stored !== given) {
    throw vaultError('vault/unlock-failed', `The stored keys are protected by ${stored}, but the vault was opened with ${given}.`)
  }
  const wrap = await wrapCipher(backend, protection, fields)
  const dataKey = new Uint8Array(32)
  const { wrappedKey } = fields
  const isRight = wrap.open(dataKey, 0, wrappedKey, 0, wrappedKey.length, fields.nonce, header.subarray(0, HEADER_AAD_LENGTH))
  wrap.destroy()
  if (!isRight) throw vaultError('vault/unlock-failed', `The stored keys do not open with this ${given}, or their header was altered.`)
  return { header, storeId: fields.storeId, cipher: takeCipher(backend, dataKey) }
}

async function wrapCipher(backend: Backend, protection: VaultProtection, { salt, parameters }: Header): Promise<NonceCipher> {
  return takeCipher(backend, await deriveWrappingKey(backend, protection, salt, parameters))
}

/** Takes over a key, and wipes the array it came in. */
function takeCipher(backend: Backend, key: Uint8Array): NonceCipher {
  const cipher = backend.cipher('aes-256-gcm', key)
  key.fill(0)
  return cipher
}
