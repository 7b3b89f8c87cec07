import fc from 'fast-check'
import { expect, test } from 'vitest'
import { toByteText, toHex } from '../src/index.ts'

test('bytes are written as two lower-case digits each, however many there are', () => {
  expect(toHex(new Uint8Array())).toBe('')
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 100 }), fc.uint8Array({ minLength: 500, maxLength: 1600 })), (bytes) => {
      expect(toHex(bytes)).toBe(Buffer.from(bytes).toString('hex'))
    }),
  )
  expect(toHex(new Uint8Array(300_000).fill(0xa5))).toBe('a5'.repeat(300_000))
})

test('text of bytes has one character for each, however many there are', () => {
  expect(toByteText(new Uint8Array())).toBe('')
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 100 }), fc.uint8Array({ minLength: 1000, maxLength: 3100 })), (bytes) => {
      expect(toByteText(bytes)).toBe(Buffer.from(bytes).toString('latin1'))
    }),
  )
})
