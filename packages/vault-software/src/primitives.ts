/** `Primitives` of core over a back end: the argument checks, once for both. */

import type { AeadAlgorithm, AeadKey, Primitives } from '@ockam/core'
import { requireBytes } from './argument.ts'
import type { Backend } from './backend.ts'
import { bigEndianCounter, type CounterWriter, createAeadKey, littleEndianCounter } from './counter-aead.ts'
import { vaultError } from './error.ts'

/** RFC 5869 section 2.3: 255 blocks of SHA-256. */
const HKDF_LIMIT = 255 * 32

export function createPrimitives(backend: Backend): Primitives {
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
      return makers[algorithm](key)
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

function aeadMaker(backend: Backend, algorithm: AeadAlgorithm, writeCounter: CounterWriter): (key: Uint8Array) => AeadKey {
  const makeCipher = (key: Uint8Array) => backend.cipher(algorithm, key)
  return (key) => createAeadKey(makeCipher, key, writeCounter)
}
