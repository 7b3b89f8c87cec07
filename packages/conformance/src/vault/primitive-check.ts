/** Promises of `Primitives` without the AEAD: SHA-256 (FIPS 180-4), HKDF (RFC 5869), comparison, slabs. */

import type { Primitives } from '@ockam/core'
import type { ConformanceCheck } from '../check.ts'
import { assert, assertBytes, assertFails, assertPlainBytes } from './assertion.ts'
import { fromHex } from './hexadecimal.ts'
import { checkWith, slotOf, type VaultConformanceOptions } from './vault-under-test.ts'

/** FIPS 180-4 (examples of NIST), one and two blocks. */
const SHA256: readonly (readonly [string, string])[] = [
  ['', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
  ['abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
  ['abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq', '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1'],
]

/** RFC 5869 appendix A.1 to A.3: salt, input key, info, output. */
const HKDF: readonly (readonly [string, string, string, string])[] = [
  [
    '000102030405060708090a0b0c',
    '0b'.repeat(22),
    'f0f1f2f3f4f5f6f7f8f9',
    '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865',
  ],
  [
    countingHex(0x60, 0xaf),
    countingHex(0x00, 0x4f),
    countingHex(0xb0, 0xff),
    'b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87',
  ],
  ['', '0b'.repeat(22), '', '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8'],
]

export function primitiveChecks(options: VaultConformanceOptions): readonly ConformanceCheck[] {
  const check = (name: string, run: (primitives: Primitives) => void | Promise<void>): ConformanceCheck =>
    checkWith(options, name, (vault) => run(slotOf(vault, 'primitives')))
  return [
    check('sha256 gives the answers of FIPS 180-4', (primitives) => {
      for (const [text, digest] of SHA256)
        assertBytes(primitives.sha256(new TextEncoder().encode(text)), fromHex(digest), `SHA-256 of "${text}"`)
    }),
    check('hkdfSha256 gives the answers of RFC 5869', (primitives) => {
      for (const [salt, inputKey, info, output] of HKDF) {
        const actual = primitives.hkdfSha256(fromHex(salt), fromHex(inputKey), fromHex(info), output.length / 2)
        assertBytes(actual, fromHex(output), 'HKDF-SHA256')
      }
    }),
    check('hkdfSha256 takes an empty input key and gives up to 8160 bytes, no more', async (primitives) => {
      const none = new Uint8Array()
      const long = primitives.hkdfSha256(none, none, none, 8160)
      assertPlainBytes(long, 8160, 'the longest output')
      assertBytes(long.subarray(0, 64), primitives.hkdfSha256(none, none, none, 64), 'a shorter output is the beginning of a longer one')
      for (const length of [8161, -1, 1.5])
        await assertFails(() => primitives.hkdfSha256(none, none, none, length), 'vault/invalid-argument', `${length} bytes`)
    }),
    check('results are plain arrays of the caller, fresh each time', (primitives) => {
      const input = new Uint8Array(3)
      for (const make of [() => primitives.sha256(input), () => primitives.hkdfSha256(input, input, input, 32)]) {
        const first = make()
        assertPlainBytes(first, 32, 'a result')
        assert(first.buffer.byteLength === 32, 'a result shares its memory with nothing')
        const kept = first.slice()
        first.fill(0)
        assertBytes(make(), kept, 'writing to a result changes no later one')
      }
    }),
    check('isEqual compares content and length', (primitives) => {
      const bytes = Uint8Array.from({ length: 48 }, (_, at) => at)
      assert(primitives.isEqual(bytes, bytes.slice()), 'isEqual is true for equal content')
      assert(primitives.isEqual(new Uint8Array(), new Uint8Array()), 'isEqual is true for two empty arrays')
      assert(!primitives.isEqual(bytes, bytes.subarray(0, 47)), 'isEqual is false for different lengths')
      assert(!primitives.isEqual(new Uint8Array(), bytes), 'isEqual is false for empty and not empty')
      for (let at = 0; at < bytes.length; at++) {
        const other = bytes.slice()
        other[at] = (other[at] ?? 0) ^ 0x80
        assert(!primitives.isEqual(bytes, other), `isEqual notices a difference at ${at}`)
      }
    }),
    check('allocate gives zeroed slabs that share no memory', async (primitives) => {
      for (const length of [0, 1, 100, 65_536]) {
        const slab = primitives.allocate(length)
        assertPlainBytes(slab, length, 'a slab')
        assert(
          slab.every((byte) => byte === 0),
          'a slab is zeroed',
        )
        assert(slab.byteOffset === 0 && slab.buffer.byteLength === length, 'a slab is the whole of its memory')
        slab.fill(0xff)
        const other = primitives.allocate(length, true)
        assertPlainBytes(other, length, 'a slab to be overwritten')
        assert(other.byteOffset === 0 && other.buffer.byteLength === length, 'a slab to be overwritten is the whole of its memory')
        assert(other.buffer !== slab.buffer, 'a slab to be overwritten is memory of its own')
      }
      assert(
        primitives.allocate(100).every((byte) => byte === 0),
        'a new slab is not one that was written to',
      )
      await assertFails(() => primitives.allocate(-1), 'vault/invalid-argument', 'a negative length')
    }),
    check('sha256 and hkdfSha256 leave their input as it was', (primitives) => {
      const input = Uint8Array.from({ length: 64 }, (_, at) => at)
      const before = input.slice()
      primitives.sha256(input)
      primitives.hkdfSha256(input, input, input, 64)
      assertBytes(input, before, 'the input after use')
    }),
  ]
}

function countingHex(from: number, to: number): string {
  let text = ''
  for (let value = from; value <= to; value++) text += value.toString(16).padStart(2, '0')
  return text
}
