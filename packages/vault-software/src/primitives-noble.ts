/**
 * The back end for every runtime: the audited noble libraries, pure JavaScript. Slower than `node:crypto` by an order of magnitude, and not
 * constant time beyond what its authors promise; the fallback and the cross-check, not the default where `node:crypto` exists.
 */

import { gcm } from '@noble/ciphers/aes.js'
import { chacha20poly1305 } from '@noble/ciphers/chacha.js'
import { ed25519, x25519 } from '@noble/curves/ed25519.js'
import { p256 } from '@noble/curves/nist.js'
import { hkdf } from '@noble/hashes/hkdf.js'
import { scryptAsync } from '@noble/hashes/scrypt.js'
import { sha256, sha512 } from '@noble/hashes/sha2.js'
import { type AeadAlgorithm, systemRandom } from '@ockam/core'
import type { Backend, NonceCipher, PrivateKey, PrivateKeyType } from './backend.ts'
import { hasStrictEncodings } from './ed25519-profile.ts'

export function createBackend(): Backend {
  return {
    name: 'noble',
    importKey: (type, secret) => new NoblePrivateKey(type, secret),
    generateX25519(): PrivateKey {
      const secret = systemRandom.bytes(32)
      const key = new NoblePrivateKey('x25519', secret)
      secret.fill(0)
      return key
    },
    verifyEd25519,
    verifyP256: (publicKey, message, signature) =>
      publicKey.length === 65 &&
      signature.length === 64 &&
      p256.verify(signature, message, publicKey, { prehash: true, lowS: false, format: 'compact' }),
    cipher: (algorithm, key) => new NobleCipher(algorithm, key),
    sha256: (data) => sha256(data),
    allocateUnset: (length) => new Uint8Array(length),
    hkdfSha256: (salt, inputKey, info, length) => hkdf(sha256, inputKey, salt, info, length),
    isEqual(a, b): boolean {
      let difference = 0
      for (let at = 0; at < a.length; at++) difference |= (a[at] ?? 0) ^ (b[at] ?? 0)
      return difference === 0
    },
    scrypt: (password, salt, { costLog2, r, p }) =>
      scryptAsync(password, salt, { N: 2 ** costLog2, r, p, dkLen: 32, maxmem: 256 * r * 2 ** costLog2 }),
  }
}

class NoblePrivateKey implements PrivateKey {
  readonly type: PrivateKeyType
  readonly publicKey: Uint8Array<ArrayBuffer>
  readonly #secret: Uint8Array<ArrayBuffer>

  constructor(type: PrivateKeyType, secret: Uint8Array) {
    this.type = type
    this.#secret = Uint8Array.from(secret)
    this.publicKey =
      type === 'ed25519'
        ? ed25519.getPublicKey(this.#secret)
        : type === 'p256'
          ? p256.getPublicKey(this.#secret, false)
          : x25519.getPublicKey(this.#secret)
  }

  sign(message: Uint8Array): Uint8Array<ArrayBuffer> {
    return this.type === 'ed25519'
      ? ed25519.sign(message, this.#secret)
      : p256.sign(message, this.#secret, { prehash: true, lowS: true, format: 'compact' })
  }

  dh(publicKey: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
    try {
      return x25519.getSharedSecret(this.#secret, publicKey)
    } catch {
      // Lengths were checked, so what noble refuses is an all-zero result.
      return undefined
    }
  }

  destroy(): void {
    this.#secret.fill(0)
  }
}

/** Rule 4 of the profile. noble's own `verify` multiplies by the cofactor, which node:crypto does not: the two would differ on mixed order. */
function verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (!hasStrictEncodings(publicKey, signature)) return false
  const received = signature.subarray(0, 32)
  let pointA: InstanceType<typeof ed25519.Point>
  try {
    pointA = ed25519.Point.fromBytes(publicKey, false)
  } catch {
    return false
  }
  const k = ed25519.Point.Fn.create(littleEndian(sha512.create().update(received).update(publicKey).update(message).digest()))
  const s = littleEndian(signature.subarray(32))
  const computed = ed25519.Point.BASE.multiplyUnsafe(s).subtract(pointA.multiplyUnsafe(k)).toBytes()
  return computed.every((byte, at) => byte === received[at])
}

function littleEndian(bytes: Uint8Array): bigint {
  let value = 0n
  for (let at = bytes.length - 1; at >= 0; at--) value = (value << 8n) | BigInt(bytes[at] ?? 0)
  return value
}

class NobleCipher implements NonceCipher {
  readonly #algorithm: typeof gcm | typeof chacha20poly1305
  readonly #key: Uint8Array<ArrayBuffer>

  constructor(algorithm: AeadAlgorithm, key: Uint8Array) {
    this.#algorithm = algorithm === 'aes-256-gcm' ? gcm : chacha20poly1305
    this.#key = Uint8Array.from(key)
  }

  seal(
    out: Uint8Array,
    outAt: number,
    input: Uint8Array,
    inAt: number,
    length: number,
    nonce: Uint8Array,
    aad: Uint8Array | undefined,
  ): void {
    out.set(this.#algorithm(this.#key, nonce, aad).encrypt(input.subarray(inAt, inAt + length)), outAt)
  }

  open(
    out: Uint8Array,
    outAt: number,
    input: Uint8Array,
    inAt: number,
    length: number,
    nonce: Uint8Array,
    aad: Uint8Array | undefined,
  ): boolean {
    const plaintext = this.openFresh(input, inAt, length, nonce, aad)
    if (plaintext === undefined) return false
    out.set(plaintext, outAt)
    return true
  }

  openFresh(
    input: Uint8Array,
    inAt: number,
    length: number,
    nonce: Uint8Array,
    aad: Uint8Array | undefined,
  ): Uint8Array<ArrayBuffer> | undefined {
    try {
      const plaintext = this.#algorithm(this.#key, nonce, aad).decrypt(input.subarray(inAt, inAt + length))
      return plaintext.buffer.byteLength === plaintext.length ? plaintext : Uint8Array.from(plaintext)
    } catch {
      // Lengths were checked, so what noble refuses is the tag.
      return undefined
    }
  }

  destroy(): void {
    this.#key.fill(0)
  }
}
