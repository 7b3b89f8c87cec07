/** Attributes: what they are made of, how they are ordered, and what policies see of them. */

import { CborReader, CborWriter } from '@ockam/core/cbor'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type AttributeValues, type Attributes, readAttributes, textAttributes, toAttributes, writeAttributes } from '../src/attributes.ts'
import { hex, toHex, utf8 } from './hex.ts'

function encoded(attributes: Attributes): Uint8Array {
  const writer = new CborWriter()
  writeAttributes(writer, attributes)
  return writer.finish()
}

const decoded = (bytes: Uint8Array): Attributes => readAttributes(new CborReader(bytes))

describe('encoding', () => {
  test('sorts names by their bytes, the shorter of two first, as a Rust node does', () => {
    const attributes = toAttributes({ b: '2', aa: '1', a: '0', ä: '3' }, 1)
    expect(toHex(encoded(attributes))).toBe('8201a4' + '41614130' + '4261614131' + '41624132' + '42c3a44133')
  })

  test('keeps every schema of 64 bits', () => {
    expect(toHex(encoded(toAttributes({}, 2n ** 64n - 1n)))).toBe('821bffffffffffffffffa0')
    expect(toHex(encoded(toAttributes({}, 0)))).toBe('8200a0')
  })

  test('and decoding are each other’s reverse, whatever the bytes', () => {
    const attribute = fc.record({ name: fc.uint8Array({ maxLength: 40 }), value: fc.uint8Array({ maxLength: 40 }) })
    const list = fc.uniqueArray(attribute, { maxLength: 12, selector: ({ name }) => toHex(name) })
    fc.assert(
      fc.property(list, fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (entries, schema) => {
        const bytes = encoded(toAttributes(entries, schema))
        const again = decoded(bytes)
        expect(again.schema).toBe(schema)
        const sorted = [...entries].sort((left, right) => Buffer.compare(left.name, right.name))
        expect(again.entries.map(({ name, value }) => [toHex(name), toHex(value)])).toEqual(
          sorted.map(({ name, value }) => [toHex(name), toHex(value)]),
        )
        expect(encoded(again)).toEqual(bytes)
      }),
      { numRuns: 200 },
    )
  })
})

describe('what is given', () => {
  test.each<[string, AttributeValues, number | bigint]>([
    ['a value that is no text', { role: 7 as unknown as string }, 1],
    ['half of a surrogate pair', { role: '\ud800' }, 1],
    ['half of a surrogate pair in a name', { '\udc00': '' }, 1],
    ['a list of texts', [{ name: 'role', value: 'x' }] as never, 1],
    ['a name twice', [1, 2].map((n) => ({ name: utf8('a'), value: Uint8Array.of(n) })), 1],
    ['nothing', undefined as never, 1],
    ['a schema below zero', {}, -1],
    ['a schema that is no whole number', {}, 1.5],
    ['a schema of 65 bits', {}, 2n ** 64n],
  ])('is refused when it is %s', (_, values, schema) => {
    expect(() => toAttributes(values, schema)).toThrow(expect.objectContaining({ code: 'credentials/invalid-argument' }))
  })

  test('is copied', () => {
    const value = Uint8Array.of(1)
    const attributes = toAttributes([{ name: utf8('a'), value }], 1)
    value[0] = 2
    expect(attributes.entries[0]?.value).toEqual(Uint8Array.of(1))
  })

  test('may have any name, also such as objects have of themselves', () => {
    const values = JSON.parse('{"__proto__":"1","constructor":"2"}') as Record<string, string>
    expect(textAttributes(decoded(encoded(toAttributes(values, 1))))).toEqual(
      new Map([
        ['__proto__', '1'],
        ['constructor', '2'],
      ]),
    )
  })
})

describe('text', () => {
  test('is what is UTF-8, name and value; the rest stays bytes', () => {
    const attributes = decoded(hex('8201a4 41614131 41ff4132 416241ff 43efbbbf4133'))
    expect(attributes.entries).toHaveLength(4)
    // A byte order mark is a character like any other, or two names would become one.
    expect(textAttributes(attributes)).toEqual(
      new Map([
        ['a', '1'],
        ['\ufeff', '3'],
      ]),
    )
  })
})
