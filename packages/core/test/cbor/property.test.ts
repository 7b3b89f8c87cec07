import fc from 'fast-check'
import { expect, test } from 'vitest'
import { CborReader } from '../../src/cbor/index.ts'
import { OckamError } from '../../src/error.ts'
import { toHex } from '../hex.ts'
import { anyCborValue, encodeValue, readValue } from './cbor-value.ts'

test('what is written is read again, and written again byte for byte', () => {
  fc.assert(
    fc.property(anyCborValue, (value) => {
      const bytes = encodeValue(value)
      const reader = new CborReader(bytes)
      const read = readValue(reader)
      reader.finish()
      expect(toHex(encodeValue(read))).toBe(toHex(bytes))
    }),
    { numRuns: 300 },
  )
})

test('skipping passes over exactly what reading reads', () => {
  fc.assert(
    fc.property(anyCborValue, fc.uint8Array({ maxLength: 8 }), (value, rest) => {
      const bytes = encodeValue(value)
      const reader = new CborReader(Uint8Array.from([...bytes, ...rest]))
      expect(toHex(reader.rawItem())).toBe(toHex(bytes))
      expect(reader.position).toBe(bytes.length)
    }),
    { numRuns: 300 },
  )
})

test('random bytes make a reader throw nothing but an OckamError of its two codes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => throwsOnlyOurs(bytes)),
    { numRuns: 1000 },
  )
})

test('changed, cut and spliced encodings make a reader throw nothing but an OckamError of its two codes', () => {
  fc.assert(
    fc.property(
      anyCborValue,
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }),
      fc.nat(),
      (value, changes, cut) => {
        const bytes = encodeValue(value)
        for (const [at, byte] of changes) bytes[at % bytes.length] = byte
        throwsOnlyOurs(bytes)
        throwsOnlyOurs(bytes.subarray(0, cut % (bytes.length + 1)))
      },
    ),
    { numRuns: 500 },
  )
})

test('reading and skipping agree on what is well formed', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 }), (bytes) => {
      const reader = new CborReader(bytes)
      try {
        readValue(reader)
      } catch {
        return
      }
      const skipped = new CborReader(bytes)
      skipped.skip()
      expect(skipped.position).toBe(reader.position)
    }),
    { numRuns: 1000 },
  )
})

function throwsOnlyOurs(bytes: Uint8Array): void {
  for (const read of [(reader: CborReader) => readValue(reader), (reader: CborReader) => reader.skip()]) {
    try {
      read(new CborReader(bytes))
    } catch (error) {
      expect(OckamError.is(error, 'core/invalid-cbor', 'core/limit-exceeded'), String(error)).toBe(true)
    }
  }
}
