/**
 * The back end for Node and what is compatible with it: `node:crypto`, that is OpenSSL, ten to thirty times faster than pure JavaScript.
 *
 * Keys are held as KeyObjects for as long as they live: importing a private key costs more than ten signatures, and raw key bytes handed to a
 * cipher cost 11 microseconds per call on Node 24. No `Buffer` leaves this back end: results are copied into arrays of their own.
 */

import {
  createHash,
  createSecretKey,
  diffieHellman,
  hash,
  hkdfSync,
  type KeyObject,
  scrypt,
  sign,
  timingSafeEqual,
  verify,
} from 'node:crypto'
import type { Backend, NonceCipher, PrivateKey, PrivateKeyType } from './backend.ts'
import { NodeCipher } from './cipher-node.ts'
import { hasStrictEncodings } from './ed25519-profile.ts'
import type { GcmEngine } from './gcm-engine-node.ts'
import { createCheckedEngine, GcmLadder } from './gcm-ladder-node.ts'
import { generateX25519KeyObject, importPrivateKeyObject, importPublicKeyObject, PublicKeyCache, rawPublicKey } from './key-object-node.ts'
import { toLowS } from './p256-scalar.ts'

/** Memory this small costs more to ask for in another way than to zero. */
const ZEROED_BELOW = 4096

export function createBackend(): Backend {
  const verifiers = new PublicKeyCache()
  /** Made when the first key needs it; null: this platform has none. */
  let engine: GcmEngine | null | undefined
  return {
    name: 'node',
    importKey(type, secret): PrivateKey {
      const key = importPrivateKeyObject(type, secret)
      return new NodePrivateKey(type, key, rawPublicKey(type, key))
    },
    generateX25519(): PrivateKey {
      const { privateKey, publicKey } = generateX25519KeyObject()
      return new NodePrivateKey('x25519', privateKey, publicKey)
    },
    verifyEd25519(publicKey, message, signature): boolean {
      if (!hasStrictEncodings(publicKey, signature)) return false
      const key = verifiers.get('ed25519', publicKey)
      return key !== undefined && verify(null, message, key, signature)
    },
    verifyP256(publicKey, message, signature): boolean {
      if (publicKey.length !== 65 || publicKey[0] !== 4 || signature.length !== 64) return false
      const key = verifiers.get('p256', publicKey)
      return key !== undefined && verify('sha256', message, { key, dsaEncoding: 'ieee-p1363' }, signature)
    },
    cipher(algorithm, secret): NonceCipher {
      const key = createSecretKey(secret)
      if (algorithm !== 'aes-256-gcm') return new NodeCipher(algorithm, key)
      engine ??= createCheckedEngine() ?? null
      return engine === null ? new NodeCipher(algorithm, key) : new GcmLadder(engine, key)
    },
    sha256,
    allocateUnset: (length) => (length < ZEROED_BELOW ? new Uint8Array(length) : new Uint8Array(Buffer.allocUnsafeSlow(length).buffer)),
    hkdfSha256: (salt, inputKey, info, length) => new Uint8Array(hkdfSync('sha256', createSecretKey(inputKey), salt, info, length)),
    isEqual: (a, b) => timingSafeEqual(a, b),
    scrypt: (password, salt, { costLog2, r, p }) =>
      new Promise((resolve, reject) => {
        scrypt(password, salt, 32, { N: 2 ** costLog2, r, p, maxmem: 256 * r * 2 ** costLog2 }, (error, derived) => {
          if (error === null) resolve(takeBytes(derived))
          else reject(error)
        })
      }),
  }
}

class NodePrivateKey implements PrivateKey {
  readonly type: PrivateKeyType
  readonly publicKey: Uint8Array<ArrayBuffer>
  #key: KeyObject | undefined

  constructor(type: PrivateKeyType, key: KeyObject, publicKey: Uint8Array<ArrayBuffer>) {
    this.type = type
    this.publicKey = publicKey
    this.#key = key
  }

  sign(message: Uint8Array): Uint8Array<ArrayBuffer> {
    const key = this.#key as KeyObject
    if (this.type === 'ed25519') return new Uint8Array(sign(null, message, key))
    const signature = new Uint8Array(sign('sha256', message, { key, dsaEncoding: 'ieee-p1363' }))
    toLowS(signature)
    return signature
  }

  dh(publicKey: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
    try {
      return takeBytes(diffieHellman({ privateKey: this.#key as KeyObject, publicKey: importPublicKeyObject('x25519', publicKey) }))
    } catch {
      // Types and lengths were checked, so what OpenSSL refuses is an all-zero result.
      return undefined
    }
  }

  destroy(): void {
    this.#key = undefined
  }
}

/** `crypto.hash` is the faster one-shot form; compatible runtimes may not have it. */
const sha256: Backend['sha256'] =
  typeof hash === 'function'
    ? (data) => new Uint8Array(hash('sha256', data, 'buffer'))
    : (data) => new Uint8Array(createHash('sha256').update(data).digest())

/** Copies a secret out of a Buffer and wipes the Buffer. */
function takeBytes(secret: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = Uint8Array.from(secret)
  secret.fill(0)
  return bytes
}
