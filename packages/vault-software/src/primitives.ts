/** `Primitives` of core over a back end: the argument checks, once for both. */

import { type AeadAlgorithm, type AeadKey, OckamError, type Primitives } from '@ockam/core'
import { requireBytes } from './argument.ts'
import type { Backend } from './backend.ts'
import { bigEndianCounter, type CounterWriter, createAeadKey, littleEndianCounter } from './counter-aead.ts'
import { vaultError } from './error.ts'

/** RFC 5869 section 2.3: 255 blocks of SHA-256. */
const HKDF_LIMIT = 255 * 32

/** Where AEAD keys may come from instead: a native accelerator, for example. */
export type AeadSource = Pick<Primitives, 'aeadKey'>

/** @param aead comes first for AEAD keys; the back end makes those of algorithms that it does not have. */
export function createPrimitives(backend: Backend, aead?: AeadSource): Primitives {
  if (aead !== undefined && typeof aead?.aeadKey !== 'function') {
    throw vaultError(
      'vault/invalid-argument',
      'aead must be an object with a function aeadKey, as nativeAead() of @ockam/aead-native gives it.',
    )
  }
  const makers: Record<AeadAlgorithm, (key: Uint8Array) => AeadKey> = {
    'aes-256-gcm': aeadMaker(backend, 'aes-256-gcm', bigEndianCounter),
    'chacha20-poly1305': aeadMaker(backend, 'chacha20-poly1305', littleEndianCounter),
  }
  return {
    sha256(data): Uint8Array<ArrayBuffer> {
      requireBytes('sha256: data', data)
      return backend.sha256(data)
    },
    hkdfSha256(salt, inputKey, info, length): Uint8Array<ArrayBuffer> {
      requireBytes('hkdfSha256: salt', salt)
      requireBytes('hkdfSha256: inputKey', inputKey)
      requireBytes('hkdfSha256: info', info)
      if (!Number.isInteger(length) || length < 1 || length > HKDF_LIMIT) {
        throw vaultError('vault/invalid-argument', `hkdfSha256: length must be from 1 to ${HKDF_LIMIT}, got ${length}.`)
      }
      return backend.hkdfSha256(salt, inputKey, info, length)
    },
    aeadKey(key, algorithm = 'aes-256-gcm'): AeadKey {
      requireBytes('aeadKey: key', key, 32)
      if (!Object.hasOwn(makers, algorithm)) throw vaultError('vault/unsupported', `There is no AEAD algorithm "${algorithm}" here.`)
      return (aead && keyOf(aead, key, algorithm)) ?? makers[algorithm](key)
    },
    isEqual(a, b): boolean {
      requireBytes('isEqual: a', a)
      requireBytes('isEqual: b', b)
      return a.length === b.length && backend.isEqual(a, b)
    },
    allocate(length, isOverwritten = false): Uint8Array<ArrayBuffer> {
      if (!Number.isSafeInteger(length) || length < 0) {
        throw vaultError('vault/invalid-argument', `allocate: length must be an integer of at least 0, got ${length}.`)
      }
      return isOverwritten ? backend.allocateUnset(length) : new Uint8Array(length)
    },
  }
}

/** Undefined when this source does not have the algorithm; whatever else goes wrong there is the caller's to know. */
function keyOf(aead: AeadSource, key: Uint8Array, algorithm: AeadAlgorithm): AeadKey | undefined {
  try {
    return aead.aeadKey(key, algorithm)
  } catch (error) {
    if (OckamError.is(error, 'vault/unsupported')) return undefined
    throw error
  }
}

function aeadMaker(backend: Backend, algorithm: AeadAlgorithm, writeCounter: CounterWriter): (key: Uint8Array) => AeadKey {
  const makeCipher = (key: Uint8Array) => backend.cipher(algorithm, key)
  return (key) => createAeadKey(makeCipher, key, writeCounter)
}
