/**
 * Promises of `VerifyingVault`: known answers, and the edges where implementations differ. The Ed25519 edges were made from the secret 07…07 and
 * the message "edge"; OpenSSL 3.0 and noble-curves 2.4 by themselves disagree on three of them.
 */

import type { Signature, VerifyingKey } from '@ockam/core'
import type { ConformanceCheck } from '../check.ts'
import { assert, assertFails } from './assertion.ts'
import { fromHex } from './hexadecimal.ts'
import { checkWith, slotOf, type VaultConformanceOptions, type VaultUnderTest } from './vault-under-test.ts'

interface Answer {
  readonly what: string
  readonly key: string
  readonly message: Uint8Array
  readonly signature: string
}

/** RFC 8032 section 7.1, TEST 1 to 3. */
const ED25519_VALID: readonly Answer[] = [
  {
    what: 'RFC 8032 TEST 1',
    key: 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    message: new Uint8Array(),
    signature:
      'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  },
  {
    what: 'RFC 8032 TEST 2',
    key: '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    message: fromHex('72'),
    signature:
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  },
  {
    what: 'RFC 8032 TEST 3',
    key: 'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
    message: fromHex('af82'),
    signature:
      '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
  },
]

const EDGE_KEY = 'ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c'
const EDGE = new TextEncoder().encode('edge')
const BASE_POINT = '5866666666666666666666666666666666666666666666666666666666666666'
const S_ONE = '0100000000000000000000000000000000000000000000000000000000000000'

const ED25519_REFUSED: readonly Answer[] = [
  {
    what: 'S above the group order (malleable)',
    key: EDGE_KEY,
    message: EDGE,
    signature:
      'ef4f62f8479733ad879cfaced3c89a9c39dd4fc795ef2efa1c3eafe4d729a081d1f6ee16406fc91cca303a0499f03b205c1639743f9f4f7e3e08149f69352e1c',
  },
  {
    what: 'R of small order',
    key: EDGE_KEY,
    message: EDGE,
    signature:
      '0100000000000000000000000000000000000000000000000000000000000000ac008d005c0c4961497672ae7b6e04652b4be9a19eeab694b53921b72b296209',
  },
  { what: 'a key of small order', key: S_ONE, message: EDGE, signature: BASE_POINT + S_ONE },
  {
    what: 'a key that is not canonical (y = p + 1)',
    key: `ee${'ff'.repeat(30)}7f`,
    message: EDGE,
    signature: BASE_POINT + S_ONE,
  },
  {
    what: 'an R of mixed order that only a cofactored equation accepts',
    key: EDGE_KEY,
    message: EDGE,
    signature:
      'cdbc161be64c4302f56443ff29ccf36a2075be1a1fa67ff126b56315f5681c38674764b535d5455b50d5180ad9234e2634c5f3f390042f8b52ac31362c06a302',
  },
  {
    what: 'an R that is not canonical (x = 0 with a sign)',
    key: EDGE_KEY,
    message: EDGE,
    signature:
      '010000000000000000000000000000000000000000000000000000000000008018a0efa984e6daed1b6c0122c8752d10a3681d114f8dfdbeceadb3309b01e70d',
  },
  {
    what: 'an R that is not canonical (y = p + 1)',
    key: EDGE_KEY,
    message: EDGE,
    signature: `ee${'ff'.repeat(30)}7f87dc73806790fbd77743f9291d0114d21f4b6c55192056cf8d265341f6e98008`,
  },
]

/** RFC 6979 appendix A.2.5, SHA-256. The first has a high s, the second a low one. */
const P256_KEY =
  '0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb67903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299'
const P256_SAMPLE_R = 'efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716'
const P256_SAMPLE_HIGH_S = 'f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8'
const P256_SAMPLE_LOW_S = '0834e36ad29a83bf2bc9385e491d6099c8fdf9d1ed67aa7ea5f51f93782857a9'
const P256_ORDER = 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551'
const SAMPLE = new TextEncoder().encode('sample')
const P256_VALID: readonly Answer[] = [
  { what: 'RFC 6979 A.2.5 "sample" (high s)', key: P256_KEY, message: SAMPLE, signature: P256_SAMPLE_R + P256_SAMPLE_HIGH_S },
  { what: 'the same with s replaced by n - s', key: P256_KEY, message: SAMPLE, signature: P256_SAMPLE_R + P256_SAMPLE_LOW_S },
  {
    what: 'RFC 6979 A.2.5 "test"',
    key: P256_KEY,
    message: new TextEncoder().encode('test'),
    signature:
      'f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083',
  },
]
const ZERO = '00'.repeat(32)
const P256_REFUSED: readonly Answer[] = [
  { what: 'r of zero', key: P256_KEY, message: SAMPLE, signature: ZERO + P256_SAMPLE_LOW_S },
  { what: 's of zero', key: P256_KEY, message: SAMPLE, signature: P256_SAMPLE_R + ZERO },
  { what: 's of the group order', key: P256_KEY, message: SAMPLE, signature: P256_SAMPLE_R + P256_ORDER },
  { what: 'another message', key: P256_KEY, message: EDGE, signature: P256_SAMPLE_R + P256_SAMPLE_LOW_S },
  { what: 'a compressed key', key: `03${P256_KEY.slice(2, 66)}`, message: SAMPLE, signature: P256_SAMPLE_R + P256_SAMPLE_LOW_S },
  { what: 'a hybrid key (first byte 0x07)', key: `07${P256_KEY.slice(2)}`, message: SAMPLE, signature: P256_SAMPLE_R + P256_SAMPLE_LOW_S },
  { what: 'a point off the curve', key: `${P256_KEY.slice(0, -2)}98`, message: SAMPLE, signature: P256_SAMPLE_R + P256_SAMPLE_LOW_S },
  { what: 'the point at infinity', key: '00', message: SAMPLE, signature: P256_SAMPLE_R + P256_SAMPLE_LOW_S },
]

export function verifyingChecks(options: VaultConformanceOptions): readonly ConformanceCheck[] {
  return [
    checkWith(options, 'verify accepts the Ed25519 signatures of RFC 8032', (vault) => expectAll(vault, 'ed25519', ED25519_VALID, true)),
    checkWith(options, 'verify refuses Ed25519 edge encodings: strict profile', (vault) =>
      expectAll(vault, 'ed25519', ED25519_REFUSED, false),
    ),
    checkWith(options, 'verify accepts P-256 signatures of RFC 6979 with high and low s', (vault) =>
      expectAll(vault, 'p256', P256_VALID, true),
    ),
    checkWith(options, 'verify refuses P-256 scalars out of range and keys in other forms', (vault) =>
      expectAll(vault, 'p256', P256_REFUSED, false),
    ),
    checkWith(options, 'verify answers false when any bit of message, signature or key is flipped', refusesFlippedBits),
    checkWith(options, 'verify answers false for keys and signatures of wrong lengths', refusesWrongLengths),
    checkWith(options, 'verify fails with vault/type-mismatch when key and signature are of different types', refusesMixedTypes),
  ]
}

async function expectAll(vault: VaultUnderTest, type: 'ed25519' | 'p256', answers: readonly Answer[], verdict: boolean): Promise<void> {
  const verifying = slotOf(vault, 'verifying')
  for (const { what, key, message, signature } of answers) {
    const actual = await verifying.verify({ type, bytes: fromHex(key) }, message, { type, bytes: fromHex(signature) })
    assert(actual === verdict, `verify ${verdict ? 'accepts' : 'refuses'} ${what}`)
  }
}

interface Sample {
  readonly key: VerifyingKey
  readonly message: Uint8Array
  readonly signature: Signature
}

/** One of each type, in arrays of their own: checks change them. */
function samples(): readonly [Sample, Sample] {
  const [ed25519, p256] = [ED25519_VALID[2] as Answer, P256_VALID[2] as Answer]
  return [
    {
      key: { type: 'ed25519', bytes: fromHex(ed25519.key) },
      message: ed25519.message.slice(),
      signature: { type: 'ed25519', bytes: fromHex(ed25519.signature) },
    },
    {
      key: { type: 'p256', bytes: fromHex(p256.key) },
      message: p256.message.slice(),
      signature: { type: 'p256', bytes: fromHex(p256.signature) },
    },
  ]
}

async function refusesFlippedBits(vault: VaultUnderTest): Promise<void> {
  const verifying = slotOf(vault, 'verifying')
  for (const { key, message, signature } of samples()) {
    for (const part of [message, signature.bytes, key.bytes]) {
      // Every byte, a different bit in each: all positions without a thousand verifications.
      for (let at = 0; at < part.length; at++) {
        const bit = 1 << (at % 8)
        part[at] = (part[at] ?? 0) ^ bit
        assert(!(await verifying.verify(key, message, signature)), `verify refuses a ${key.type} signature with one bit flipped`)
        part[at] = (part[at] ?? 0) ^ bit
      }
    }
    assert(await verifying.verify(key, message, signature), 'verify keeps no state that a refused signature could change')
  }
}

async function refusesWrongLengths(vault: VaultUnderTest): Promise<void> {
  const verifying = slotOf(vault, 'verifying')
  for (const { key, message, signature } of samples()) {
    for (const bytes of [new Uint8Array(), signature.bytes.slice(0, -1), Uint8Array.of(...signature.bytes, 0)]) {
      assert(!(await verifying.verify(key, message, { type: key.type, bytes })), `verify refuses a signature of ${bytes.length} bytes`)
    }
    for (const bytes of [new Uint8Array(), key.bytes.slice(0, -1), Uint8Array.of(...key.bytes, 0)]) {
      assert(!(await verifying.verify({ type: key.type, bytes }, message, signature)), `verify refuses a key of ${bytes.length} bytes`)
    }
  }
}

async function refusesMixedTypes(vault: VaultUnderTest): Promise<void> {
  const verifying = slotOf(vault, 'verifying')
  const [ed25519, p256] = samples()
  await assertFails(
    () => verifying.verify(ed25519.key, ed25519.message, p256.signature),
    'vault/type-mismatch',
    'a P-256 signature by an Ed25519 key',
  )
  await assertFails(
    () => verifying.verify(p256.key, p256.message, ed25519.signature),
    'vault/type-mismatch',
    'an Ed25519 signature by a P-256 key',
  )
}
