/** The rules that recognise known differences, on the cases that fuzzing found them wrong for. No Rust node is asked. */

import { expect, test } from 'vitest'
import { array, bytes, encode, type Item, uint } from './fuzz/cbor-item.ts'
import type { Difference } from './fuzz/comparison.ts'
import { knownDifference } from './fuzz/known-difference.ts'

/** A history of one change: what is signed, and a signature. */
const historyOf = (signed: Uint8Array): Uint8Array => {
  const signature = array(uint(0), array(bytes(new Uint8Array(64).fill(0x85))))
  return encode(array(array(bytes(signed), signature)))
}

const signedWith = (length: number, ...behind: Item[]): Uint8Array => {
  const signed = (data: number): Uint8Array => encode(array(uint(1), uint(1), bytes(new Uint8Array(data)), ...behind))
  return signed(length - (signed(24).length - 24))
}

const refused = (input: Uint8Array): Difference => ({
  kind: 'identity',
  input,
  direction: 'stricter',
  ours: { refusal: 'Cannot read the signed data: expected an item but found tag (CBOR, byte 55).' },
  rust: { result: 'I' },
})

test('a tag behind what is signed is seen, also when that is as long as a key or a signature', () => {
  for (const length of [63, 64, 65, 66]) {
    const tag: Item = { kind: 'tag', value: 1n << 32n, item: uint(0) }
    const [tagged, ordinary] = [signedWith(length, tag), signedWith(length, uint(0))]
    expect([tagged.length, ordinary.length]).toEqual([length, length])
    expect(knownDifference(refused(historyOf(tagged)))?.id).toBe('skipped-items')
    expect(knownDifference(refused(historyOf(ordinary)))).toBeUndefined()
  }
})

test('heads wider than they need to be, and keys of two digits, hide no known difference', () => {
  const cases = [
    ['printed-policy', '8201818219000680', 'A policy in shorthand has a part of kind 6, which says nothing.', '60', 'policy-empty'],
    [
      'api-request',
      '11bf011ae0330f000b0202612f0b0404f5ff',
      'Cannot read the API request: the key 11 is given twice (CBOR, byte 13).',
      '841ae0330f00612ff6f4',
      'api-key-twice',
    ],
  ] as const
  for (const [kind, digits, refusal, result, id] of cases) {
    const input = Uint8Array.from(Buffer.from(digits, 'hex'))
    expect(knownDifference({ kind, input, direction: 'stricter', ours: { refusal }, rust: { result } })?.id).toBe(id)
  }
})
