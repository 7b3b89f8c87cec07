import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Address, OckamError, systemRandom } from '../src/index.ts'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

describe('Address', () => {
  // Encodings made with minicbor 0.24.4, the codec of the Rust nodes.
  test('encodes as the Rust nodes do', () => {
    expect(hex(Address.local('echo').encoded)).toBe('8200446563686f')
    expect(hex(Address.parse('1#localhost:4000').encoded)).toBe('82014e6c6f63616c686f73743a34303030')
    expect(hex(Address.local('00112233445566778899aabbccddeeff').encoded).slice(0, 8)).toBe('82005820')
    expect(hex(Address.of(200, new Uint8Array(300)).encoded).slice(0, 12)).toBe('8218c859012c')
  })

  test('prints its type always and reads it back', () => {
    expect(String(Address.parse('echo'))).toBe('0#echo')
    expect(String(Address.parse('5#/run/a.sock'))).toBe('5#/run/a.sock')
    expect(JSON.stringify({ a: Address.local('echo') })).toBe('{"a":"0#echo"}')
    expect(Address.parse('0#echo').equals(Address.local('echo'))).toBe(true)
    expect(Address.local(Uint8Array.of(0xff, 0x00)).toString()).toBe('0#0xff00')
  })

  test('refuses a second number sign, a type that is no byte, and too many bytes', () => {
    for (const text of ['1#2#x', '256#x', '-1#x', 'x#y', '#y', '1e1#x']) {
      expect(() => Address.parse(text), text).toThrowError(expect.objectContaining({ code: 'core/invalid-address' }))
    }
    expect(() => Address.of(1.5, 'x')).toThrow(OckamError)
    expect(() => Address.local(new Uint8Array(65_536))).toThrow(OckamError)
    expect(Address.local(new Uint8Array(65_535)).value).toHaveLength(65_535)
  })

  test('keeps its own copy of the bytes it was made from, and hands out copies', () => {
    const name = new TextEncoder().encode('echo')
    const address = Address.local(name)
    name.fill(0)
    address.value.fill(0)
    expect(address.name).toBe('echo')
  })

  test('makes random addresses of 32 hexadecimal digits', () => {
    const address = Address.random(systemRandom)
    expect(address.name).toMatch(/^[0-9a-f]{32}$/)
    expect(address.equals(Address.random(systemRandom))).toBe(false)
  })

  test('has one key for equal addresses and different keys for different ones', () => {
    const part = fc.tuple(fc.integer({ min: 0, max: 255 }), fc.uint8Array({ maxLength: 300 }))
    fc.assert(
      fc.property(part, part, ([typeA, valueA], [typeB, valueB]) => {
        const a = Address.of(typeA, valueA)
        const b = Address.of(typeB, valueB)
        const isSame = typeA === typeB && hex(valueA) === hex(valueB)
        expect(a.key === b.key).toBe(isSame)
        expect(a.equals(b)).toBe(isSame)
        expect(hex(a.value)).toBe(hex(valueA))
      }),
    )
  })
})
