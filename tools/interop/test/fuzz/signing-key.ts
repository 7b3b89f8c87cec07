/** Keys and signatures of both types, deterministic and with nothing of ours in them; and keys and signatures that are odd on purpose. */

import { createHash, createPrivateKey, type KeyObject, sign as signWithNode } from 'node:crypto'
import { ed25519 } from '@noble/curves/ed25519.js'
import { p256 } from '@noble/curves/nist.js'
import { array, bytes, type Item, variant } from './cbor-item.ts'
import type { SeededRandom } from './random.ts'

export interface FuzzKey {
  /** As in CBOR: 0 Ed25519, 1 P-256. */
  readonly type: 0 | 1
  readonly secret: Uint8Array
  /** 32 bytes, or 65 for P-256. */
  readonly publicKey: Uint8Array
}

/** Making keys takes longer than using them. */
const KEYS_OF_EACH_TYPE = 24
const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex')
const keys: readonly (readonly FuzzKey[])[] = [0, 1].map((type) =>
  Array.from({ length: KEYS_OF_EACH_TYPE }, (_, at) => keyOf(type as 0 | 1, at)),
)
const handles = new Map<FuzzKey, KeyObject>()

function keyOf(type: 0 | 1, at: number): FuzzKey {
  // Any byte that is not ff in front keeps it below the order of P-256.
  const secret = new Uint8Array(32).fill(at + 1)
  return { type, secret, publicKey: type === 0 ? ed25519.getPublicKey(secret) : p256.getPublicKey(secret, false) }
}

/** One of a few keys, always the same. */
export const someKey = (random: SeededRandom, type: 0 | 1 = random.chance(3) ? 1 : 0): FuzzKey => random.pick(keys[type] ?? [])

export const sha256 = (value: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(value).digest())

/** What an identity signs: the hash of the data; P-256 hashes once more. */
export function sign(key: FuzzKey, signed: Uint8Array): Uint8Array {
  const hash = sha256(signed)
  if (key.type === 1) return p256.sign(sha256(hash), key.secret, { prehash: false, lowS: false })
  let handle = handles.get(key)
  if (handle === undefined) {
    handle = createPrivateKey({ key: Buffer.concat([PKCS8_ED25519, key.secret]), format: 'der', type: 'pkcs8' })
    handles.set(key, handle)
  }
  return new Uint8Array(signWithNode(null, hash, handle))
}

/** `[type, [bytes]]` */
export const typed = (type: number, value: Uint8Array): Item => variant(type, bytes(value))

const ED25519_ORDER = 2n ** 252n + 27742317777372353535851937790883648493n
const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
/** Encodings of points of small order, of y = p and p + 1, of x = 0 with a sign. */
export const ODD_POINTS = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000080',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a20532cfa39ccc64ec7fd7792ac037a',
  'ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
].map((hex) => Uint8Array.from(Buffer.from(hex, 'hex')))

/** The same signature in another form that some verifiers take for it, or one that none should take. */
export function oddSignature(random: SeededRandom, type: 0 | 1, signature: Uint8Array): Uint8Array {
  const out = Uint8Array.from(signature)
  switch (random.below(6)) {
    case 0:
      out[random.below(out.length)]! ^= 1 << random.below(8)
      return out
    case 1:
      return random.pick([new Uint8Array(64), out.fill(0, 0, 32), out.fill(0, 32), new Uint8Array(64).fill(0xff)])
    case 2:
      return random.chance(2) ? out.subarray(0, 63) : Uint8Array.from([...out, 0])
    case 3:
      if (type === 0) out.set(random.pick(ODD_POINTS))
      else out.set(bigEndian(P256_ORDER))
      return out
    default:
      // S + L for Ed25519; for P-256 the other of s and n - s, or s + n where it fits.
      if (type === 0) out.set(bigEndian(littleEndian(out.subarray(32)) + ED25519_ORDER).reverse(), 32)
      else {
        const s = BigInt(`0x${Buffer.from(out.subarray(32)).toString('hex')}`)
        out.set(bigEndian(random.chance(8) ? s + P256_ORDER : P256_ORDER - s), 32)
      }
      return out
  }
}

/** A key nobody should use, with a signature that a careless verifier takes for one of it. */
export function oddKey(random: SeededRandom, key: FuzzKey): { publicKey: Uint8Array; signature: Uint8Array } {
  const signature = new Uint8Array(64)
  if (key.type === 0) {
    // A point of small order as key, R of small order too, S = 0: for a verifier that takes such keys, this holds for whole classes of messages.
    const publicKey = random.pick(ODD_POINTS)
    signature.set(random.chance(2) ? publicKey : random.pick(ODD_POINTS))
    return { publicKey, signature }
  }
  const [x, y] = [key.publicKey.subarray(1, 33), key.publicKey.subarray(33)]
  const forms = [
    [2 + ((y[31] as number) & 1), ...x],
    [6 + ((y[31] as number) & 1), ...x, ...y],
    [4, ...y, ...x],
    [5, ...x, ...y],
    [0],
    [4, ...new Uint8Array(64)],
    [...x, ...y],
  ]
  return { publicKey: Uint8Array.from(random.pick(forms)), signature }
}

/** `[data, signature]`, the data in bytes. */
export const signedPair = (data: Uint8Array, ...signatures: Item[]): Item => array(bytes(data), ...signatures)

function littleEndian(value: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(value).reverse().toString('hex')}`)
}

/** 32 bytes. */
function bigEndian(value: bigint): Uint8Array {
  return Uint8Array.from(Buffer.from(BigInt.asUintN(256, value).toString(16).padStart(64, '0'), 'hex'))
}
