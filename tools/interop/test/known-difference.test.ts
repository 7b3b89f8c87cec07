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

test.each([63, 64, 65, 66])('a tag behind what is signed is seen, also when that has %i bytes, as keys and signatures have', (length) => {
  const tag: Item = { kind: 'tag', value: 1n << 32n, item: uint(0) }
  const [tagged, ordinary] = [signedWith(length, tag), signedWith(length, uint(0))]
  expect([tagged.length, ordinary.length]).toEqual([length, length])
  expect(knownDifference(refused(historyOf(tagged)))?.id).toBe('skipped-items')
  expect(knownDifference(refused(historyOf(ordinary)))).toBeUndefined()
})
