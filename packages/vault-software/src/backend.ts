/**
 * What the two back ends have in common: `primitives-node.ts` (node:crypto) and `primitives-noble.ts` (noble, everywhere else). The import
 * condition `#primitives` chooses one; both give the same answers, which the tests prove on random input and on every edge encoding.
 *
 * Everything here is internal. Arguments have been checked by the caller: right types, right lengths.
 */

import type { AeadAlgorithm, AeadJob, SigningKeyType } from '@ockam/core'

export type PrivateKeyType = SigningKeyType | 'x25519'

/** A private key in use. There is no way to read the secret back: what is persisted is sealed before it gets here. */
export interface PrivateKey {
  readonly type: PrivateKeyType
  /** `ed25519`, `x25519`: 32 bytes. `p256`: 65 bytes, uncompressed. */
  readonly publicKey: Uint8Array<ArrayBuffer>
  /** Signing keys only. P-256 signatures have low s. */
  sign(message: Uint8Array): Uint8Array<ArrayBuffer>
  /** X25519 keys only. Undefined when the result is all zero. */
  dh(publicKey: Uint8Array): Uint8Array<ArrayBuffer> | undefined
  /** Wipes the secret, or drops it where only the garbage collector can. */
  destroy(): void
}

/**
 * AEAD under explicit 96-bit nonces: what counter keys, REKEY and records at rest are made of, and the entry through which test vectors with
 * arbitrary nonces run.
 */
export interface NonceCipher {
  /** Writes `length + 16` bytes. */
  seal(
    out: Uint8Array,
    outAt: number,
    input: Uint8Array,
    inAt: number,
    length: number,
    nonce: Uint8Array,
    aad: Uint8Array | undefined,
  ): void
  /** Writes `length - 16` bytes, but only when the tag verifies: false leaves `out` untouched. `length` is at least 16. */
  open(
    out: Uint8Array,
    outAt: number,
    input: Uint8Array,
    inAt: number,
    length: number,
    nonce: Uint8Array,
    aad: Uint8Array | undefined,
  ): boolean
  /** The plaintext as an array that is all of its memory; undefined when the tag does not verify. `length` is at least 16. */
  openFresh(
    input: Uint8Array,
    inAt: number,
    length: number,
    nonce: Uint8Array,
    aad: Uint8Array | undefined,
  ): Uint8Array<ArrayBuffer> | undefined
  destroy(): void
}

/** A cipher that gains from having many messages at once. Nonces count up from the given one in their last eight bytes, big-endian. */
export interface BatchNonceCipher extends NonceCipher {
  /** Longest plaintext in bytes that gains; longer ones cost what they cost alone. */
  readonly longestInBatch: number
  sealMany(slab: Uint8Array, jobs: readonly AeadJob[], nonce: Uint8Array): void
  /** Fills in a verdict for each job; where it is false the range of the plaintext is zero. Any lengths. */
  openMany(slab: Uint8Array, jobs: readonly AeadJob[], nonce: Uint8Array, verdicts: boolean[]): void
}

/** Parameters of RFC 7914; memory is `128 * r * 2^costLog2` bytes. */
export interface ScryptParameters {
  readonly costLog2: number
  readonly r: number
  readonly p: number
}

export interface Backend {
  readonly name: 'node' | 'noble'
  /** @param secret 32 bytes, copied. For `p256` a scalar in range. */
  importKey(type: PrivateKeyType, secret: Uint8Array): PrivateKey
  /** A fresh X25519 key from the platform's own random source: the fastest way to one. */
  generateX25519(): PrivateKey
  /** The profile of `ed25519-profile.ts`. Any lengths; malformed is false. */
  verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean
  /** SHA-256 of the message, r and s in range, any s, uncompressed key on the curve. Any lengths; malformed is false. */
  verifyP256(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean
  /** @param key 32 bytes, copied. */
  cipher(algorithm: AeadAlgorithm, key: Uint8Array): NonceCipher
  sha256(data: Uint8Array): Uint8Array<ArrayBuffer>
  /** Memory that may hold anything, and is no part of larger memory. */
  allocateUnset(length: number): Uint8Array<ArrayBuffer>
  hkdfSha256(salt: Uint8Array, inputKey: Uint8Array, info: Uint8Array, length: number): Uint8Array<ArrayBuffer>
  /** Constant time. Equal lengths. */
  isEqual(a: Uint8Array, b: Uint8Array): boolean
  /** 32 bytes. */
  scrypt(password: Uint8Array, salt: Uint8Array, parameters: ScryptParameters): Promise<Uint8Array<ArrayBuffer>>
}
