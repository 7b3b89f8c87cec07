/**
 * KeyObjects from raw keys and back. Private keys are imported as PKCS #8 (RFC 8410, RFC 5958), because those bytes can be wiped, which the
 * strings of a JWK cannot. Public keys are imported as JWK: ten times cheaper than DER on Node 20, and it takes raw coordinates.
 */

import { createPrivateKey, createPublicKey, generateKeyPairSync, type JsonWebKeyInput, type KeyObject } from 'node:crypto'
import type { PrivateKeyType } from './backend.ts'

/** What stands in front of the 32 secret bytes in PKCS #8. */
const PKCS8_PREFIX: Record<PrivateKeyType, Uint8Array> = {
  ed25519: fromHex('302e020100300506032b657004220420'),
  x25519: fromHex('302e020100300506032b656e04220420'),
  p256: fromHex('3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420'),
}

/** @param secret 32 bytes; the caller wipes its own array. */
export function importPrivateKeyObject(type: PrivateKeyType, secret: Uint8Array): KeyObject {
  const prefix = PKCS8_PREFIX[type]
  // Not from the pool of small Buffers, so that wiping it wipes all of it.
  const pkcs8 = Buffer.alloc(prefix.length + 32)
  pkcs8.set(prefix)
  pkcs8.set(secret, prefix.length)
  try {
    return createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })
  } finally {
    pkcs8.fill(0)
  }
}

export function generateX25519KeyObject(): { readonly privateKey: KeyObject; readonly publicKey: Uint8Array<ArrayBuffer> } {
  const { privateKey, publicKey } = generateKeyPairSync('x25519')
  return { privateKey, publicKey: fromBase64Url(publicKey.export({ format: 'jwk' }).x) }
}

/** The raw public half of a private key. */
export function rawPublicKey(type: PrivateKeyType, privateKey: KeyObject): Uint8Array<ArrayBuffer> {
  const { x, y } = createPublicKey(privateKey).export({ format: 'jwk' })
  if (type !== 'p256') return fromBase64Url(x)
  const point = new Uint8Array(65)
  point[0] = 4
  point.set(fromBase64Url(x), 1)
  point.set(fromBase64Url(y), 33)
  return point
}

/** @throws when a P-256 point is not on the curve; the caller checked the length. */
export function importPublicKeyObject(type: PrivateKeyType, bytes: Uint8Array): KeyObject {
  const key: JsonWebKeyInput['key'] =
    type === 'p256'
      ? { kty: 'EC', crv: 'P-256', x: toBase64Url(bytes, 1, 33), y: toBase64Url(bytes, 33, 65) }
      : { kty: 'OKP', crv: type === 'ed25519' ? 'Ed25519' : 'X25519', x: toBase64Url(bytes, 0, 32) }
  return createPublicKey({ key, format: 'jwk' })
}

/**
 * The most recently used verifying keys, imported: one peer's key verifies several signatures in a row. Bounded, because peers choose the keys.
 * Diffie-Hellman keys are not cached: nearly all of them are used once.
 */
export class PublicKeyCache {
  readonly #limit: number
  readonly #keys = new Map<string, KeyObject>()

  constructor(limit = 256) {
    this.#limit = limit
  }

  get size(): number {
    return this.#keys.size
  }

  /** Undefined when the bytes are no key; such bytes are not remembered. */
  get(type: 'ed25519' | 'p256', bytes: Uint8Array): KeyObject | undefined {
    const name = `${type}:${toBase64Url(bytes, 0, bytes.length)}`
    let key = this.#keys.get(name)
    if (key === undefined) {
      try {
        key = importPublicKeyObject(type, bytes)
      } catch {
        return undefined
      }
    } else {
      this.#keys.delete(name)
    }
    this.#keys.set(name, key)
    if (this.#keys.size > this.#limit) {
      for (const oldest of this.#keys.keys()) {
        this.#keys.delete(oldest)
        break
      }
    }
    return key
  }
}

function toBase64Url(bytes: Uint8Array, from: number, to: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('base64url')
}

function fromBase64Url(text: string | undefined): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.from(text ?? '', 'base64url'))
}

function fromHex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'hex'))
}
