/**
 * The accept set of Ed25519, pinned: every combination of edge encodings of A and R with signatures that satisfy the cofactored equation, and
 * often the cofactorless one, gets the same verdict from both back ends, and it is the verdict of the written profile (`ed25519-profile.ts`).
 */

import { createPublicKey, verify } from 'node:crypto'
import { ed25519 } from '@noble/curves/ed25519.js'
import { sha512 } from '@noble/hashes/sha2.js'
import { describe, expect, test } from 'vitest'
import { createBackend as createNobleBackend } from '../src/primitives-noble.ts'
import { createBackend as createNodeBackend } from '../src/primitives-node.ts'

type Point = InstanceType<typeof ed25519.Point>

const { BASE, ZERO, Fn } = ed25519.Point
const P = 2n ** 255n - 19n
const L = Fn.ORDER
const node = createNodeBackend()
const noble = createNobleBackend()

const number = (bytes: Uint8Array) => bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n)
const bytes = (value: bigint) => Uint8Array.from({ length: 32 }, (_, at) => Number((value >> BigInt(8 * at)) & 0xffn))
const withSign = (y: bigint, sign: number) => bytes(y | (BigInt(sign) << 255n))

/** All eight points of small order, from one of order 8. */
const ORDER_8 = ed25519.Point.fromHex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05')
const torsion = Array.from({ length: 8 }, (_, times) => (times === 0 ? ZERO : ORDER_8.multiplyUnsafe(BigInt(times))))

/** An encoding with what is known of its point: the discrete logarithm of its prime-order part. `log` undefined: the bytes are no point. */
interface Encoding {
  readonly bytes: Uint8Array
  readonly point: Point | undefined
  readonly log: bigint
  readonly isCanonical: boolean
  readonly isSmallOrder: boolean
}

function encodings(log: bigint): Encoding[] {
  const list: Encoding[] = []
  for (const small of torsion) {
    const mixed = BASE.multiplyUnsafe(log).add(small)
    list.push({ bytes: mixed.toBytes(), point: mixed, log, isCanonical: true, isSmallOrder: false })
    list.push({ bytes: small.toBytes(), point: small, log: 0n, isCanonical: true, isSmallOrder: true })
  }
  // x = 0 with a sign bit, and every y from p to 2^255 - 1.
  for (const y of [1n, P - 1n]) {
    const point = y === 1n ? ZERO : (torsion[4] as Point)
    list.push({ bytes: withSign(y, 1), point, log: 0n, isCanonical: false, isSmallOrder: true })
  }
  for (let y = P; y < 2n ** 255n; y++) {
    for (const sign of [0, 1]) {
      const encoded = withSign(y, sign)
      let point: Point | undefined
      try {
        point = ed25519.Point.fromBytes(encoded, true)
      } catch {
        point = undefined
      }
      list.push({ bytes: encoded, point, log: 0n, isCanonical: false, isSmallOrder: point?.isSmallOrder() ?? false })
    }
  }
  return list
}

/** The profile, written a second time in plain arithmetic. */
function isInProfile(a: Encoding, r: Encoding, s: bigint, k: bigint): boolean {
  if (s >= L || !a.isCanonical || !r.isCanonical || a.isSmallOrder || r.isSmallOrder) return false
  const { point: pointA } = a
  const { point: pointR } = r
  if (pointA === undefined || pointR === undefined) return false
  return BASE.multiplyUnsafe(s).equals(pointR.add(pointA.multiplyUnsafe(k)))
}

const cryptoVerify = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) =>
  verify(
    null,
    message,
    createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(publicKey).toString('base64url') }, format: 'jwk' }),
    signature,
  )

describe('the Ed25519 accept set', () => {
  const keys = encodings(1234567890123456789n)
  const nonces = encodings(987654321987654321n)

  test('has every small-order point and every non-canonical encoding among its edges', () => {
    expect(new Set(torsion.map((point) => point.toHex())).size).toBe(8)
    expect(keys.filter(({ isSmallOrder, isCanonical }) => isSmallOrder && isCanonical)).toHaveLength(8)
    // y = p and p + 1 with either sign, and x = 0 with a sign for y = 1 and y = -1.
    expect(keys.filter(({ isSmallOrder, isCanonical }) => isSmallOrder && !isCanonical)).toHaveLength(6)
    expect(keys.filter(({ isCanonical }) => !isCanonical)).toHaveLength(40)
  })

  test('is the same in both back ends and is the written profile', { timeout: 120_000 }, () => {
    const verdicts = { all: 0, accepted: 0, cryptoAlone: 0, nobleAlone: 0, nobleMissing: 0 }
    for (const [keyAt, key] of keys.entries()) {
      for (const [nonceAt, nonce] of nonces.entries()) {
        // Every pair once would take minutes; edges meet all honest and mixed encodings, and each other on a diagonal.
        // Points of mixed order pass or fail with the message: several each. The other edges meet all of those, and each other on a diagonal.
        const isMixed = keyAt < 16 && nonceAt < 16
        if (keyAt >= 16 && nonceAt >= 16 && (keyAt + nonceAt) % 5 !== 0) continue
        for (let variant = 0; variant < (isMixed ? 6 : 1); variant++) {
          const message = Uint8Array.of(keyAt, nonceAt, variant)
          const k = Fn.create(number(sha512(Uint8Array.of(...nonce.bytes, ...key.bytes, ...message))))
          const s = Fn.create(nonce.log + k * key.log)
          for (const scalar of [s, s + L]) {
            const signature = Uint8Array.of(...nonce.bytes, ...bytes(scalar))
            const expected = isInProfile(key, nonce, scalar, k)
            const answers = [node.verifyEd25519(key.bytes, message, signature), noble.verifyEd25519(key.bytes, message, signature)]
            const what = `A ${Buffer.from(key.bytes).toString('hex')} signature ${Buffer.from(signature).toString('hex')}`
            expect(answers, what).toEqual([expected, expected])
            const isNobleAlone = ed25519.verify(signature, message, key.bytes, { zip215: false })
            verdicts.all++
            verdicts.accepted += Number(expected)
            verdicts.cryptoAlone += Number(cryptoVerify(key.bytes, message, signature) && !expected)
            verdicts.nobleAlone += Number(isNobleAlone && !expected)
            verdicts.nobleMissing += Number(expected && !isNobleAlone)
          }
        }
      }
    }
    console.log(
      `Ed25519 edges: ${verdicts.all} signatures, ${verdicts.accepted} accepted by both back ends; by itself node:crypto accepts ${verdicts.cryptoAlone} more, noble (strict) ${verdicts.nobleAlone} more`,
    )
    // Without the pre-checks and without our own equation the libraries would disagree with the profile, or this test would prove nothing. What
    // `node:crypto` accepts by itself differs between Node 22 and 24, with the same OpenSSL 3.5.8: pinned for 20, 22 and 24, so that a change is seen.
    const major = Number(process.versions.node.split('.')[0])
    expect(verdicts.cryptoAlone).toBe(major < 24 ? 159 : 0)
    expect(verdicts.nobleAlone).toBeGreaterThan(50)
    expect(verdicts.nobleMissing).toBe(0)
    expect({ all: verdicts.all, accepted: verdicts.accepted }).toEqual({ all: 6272, accepted: 51 })
  })
})
