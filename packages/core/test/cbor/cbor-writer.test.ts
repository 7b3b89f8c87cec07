import { describe, expect, test } from 'vitest'
import { CborWriter } from '../../src/cbor/index.ts'
import { hex, toHex } from '../hex.ts'

describe('every head is as short as it can be', () => {
  test.each([
    [23, '17'],
    [24, '1818'],
    [255, '18ff'],
    [256, '190100'],
    [65_535, '19ffff'],
    [65_536, '1a00010000'],
    [4_294_967_295, '1affffffff'],
    [4_294_967_296, '1b0000000100000000'],
    [Number.MAX_SAFE_INTEGER, '1b001fffffffffffff'],
  ])('%d, as a number and as a bigint', (value, digits) => {
    expect(toHex(new CborWriter().uint(value).finish())).toBe(digits)
    expect(toHex(new CborWriter().uint(BigInt(value)).finish())).toBe(digits)
    expect(toHex(new CborWriter().int(value).finish())).toBe(digits)
    const negative = (Number.parseInt(digits.slice(0, 2), 16) + 0x20).toString(16) + digits.slice(2)
    if (value < Number.MAX_SAFE_INTEGER) expect(toHex(new CborWriter().int(-1 - value).finish())).toBe(negative)
    expect(toHex(new CborWriter().int(-1n - BigInt(value)).finish())).toBe(negative)
  })

  test('strings and containers', () => {
    const writer = new CborWriter(1)
    expect(toHex(writer.bytes(new Uint8Array(23)).finish()).slice(0, 2)).toBe('57')
    expect(toHex(writer.bytes(new Uint8Array(24)).finish()).slice(0, 4)).toBe('5818')
    expect(toHex(writer.text('a'.repeat(255)).finish()).slice(0, 4)).toBe('78ff')
    expect(toHex(writer.text('é'.repeat(128)).finish()).slice(0, 6)).toBe('790100')
    expect(toHex(writer.array(65_536).finish())).toBe('9a00010000')
    expect(toHex(writer.map(24).finish())).toBe('b818')
  })
})

describe('what CBOR or a Rust node could not hold is refused at the sender', () => {
  test.each([
    ['a fraction', (writer: CborWriter) => writer.uint(1.5)],
    ['a number from 2^53', (writer: CborWriter) => writer.uint(2 ** 53)],
    ['NaN', (writer: CborWriter) => writer.uint(Number.NaN)],
    ['a negative for an unsigned integer', (writer: CborWriter) => writer.uint(-1)],
    ['a bigint over 64 bits', (writer: CborWriter) => writer.uint(2n ** 64n)],
    ['a bigint under 64 bits', (writer: CborWriter) => writer.int(-(2n ** 63n) - 1n)],
    ['a negative fraction', (writer: CborWriter) => writer.int(-0.5)],
    ['minus infinity', (writer: CborWriter) => writer.int(Number.NEGATIVE_INFINITY)],
    ['half of a surrogate pair', (writer: CborWriter) => writer.text('a\ud800')],
    ['a number as text', (writer: CborWriter) => writer.text(1 as unknown as string)],
    ['an array as bytes', (writer: CborWriter) => writer.bytes([1] as unknown as Uint8Array)],
    ['a negative count', (writer: CborWriter) => writer.array(-1)],
  ])('%s', (_, write) => {
    expect(() => write(new CborWriter())).toThrow(expect.objectContaining({ code: 'core/invalid-argument' }))
  })
})

test('every NaN is written as the one NaN', () => {
  const other = new DataView(hex('7ff8000000000001').buffer).getFloat64(0)
  expect(toHex(new CborWriter().float64(other).finish())).toBe('fb7ff8000000000000')
})

test('a finished writer keeps its room and none of what was written', () => {
  const writer = new CborWriter(2)
  const first = writer.text('a long enough text to grow twice').finish()
  expect(writer).toHaveLength(0)
  const second = writer.uint(7).finish()
  expect(toHex(second)).toBe('07')
  expect(first[0]).toBe(0x78)
  expect(first.buffer).not.toBe(second.buffer)
  expect(first.buffer.byteLength).toBe(first.length)
})

test('encoded items are spliced in as they are', () => {
  expect(toHex(new CborWriter().array(2).raw(hex('8101')).raw(hex('f6')).finish())).toBe('828101f6')
})
