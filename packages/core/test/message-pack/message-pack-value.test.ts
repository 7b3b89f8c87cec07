import fc from 'fast-check'
import { Packr } from 'msgpackr'
import { describe, expect, test } from 'vitest'
import { OckamError } from '../../src/error.ts'
import { decodeMessagePack, encodeMessagePack, scanMessagePack } from '../../src/message-pack/index.ts'
import { hex, toHex } from '../hex.ts'

const invalid: unknown = expect.objectContaining({ name: 'OckamError', code: 'core/invalid-message-pack' })
const overLimit: unknown = expect.objectContaining({ name: 'OckamError', code: 'core/limit-exceeded' })
const roundTrip = (value: unknown): unknown => decodeMessagePack(encodeMessagePack(value))

describe('the format (github.com/msgpack/msgpack, spec.md)', () => {
  test.each([
    ['c0', null],
    ['c2', false],
    ['c3', true],
    ['00', 0],
    ['7f', 127],
    ['e0', -32],
    ['ccff', 255],
    ['cdffff', 65_535],
    ['ceffffffff', 4_294_967_295],
    ['d080', -128],
    ['d18000', -32_768],
    ['d280000000', -2_147_483_648],
    ['cb3ff8000000000000', 1.5],
    ['a3616263', 'abc'],
    ['a2c3bc', 'ü'],
    ['c403010203', hex('010203')],
    ['90', []],
    ['9301a16103', [1, 'a', 3]],
    ['80', {}],
    ['81a16101', { a: 1 }],
    ['82a161a0a16291c0', { a: '', b: [null] }],
  ])('%s is read and written', (digits, value) => {
    expect(decodeMessagePack(hex(digits))).toEqual(value)
    expect(toHex(encodeMessagePack(value))).toBe(digits)
  })

  test.each([
    ['cc01', 1],
    ['d0ff', -1],
    ['ca3fc00000', 1.5],
    ['cf0000000000000001', 1n],
    ['cfffffffffffffffff', 2n ** 64n - 1n],
    ['d3ffffffffffffffff', -1n],
    ['d38000000000000000', -(2n ** 63n)],
    ['d90161', 'a'],
    ['da000161', 'a'],
    ['db0000000161', 'a'],
    ['c50001ff', hex('ff')],
    ['c600000001ff', hex('ff')],
    ['dc000101', [1]],
    ['dd0000000101', [1]],
    ['de0001a16101', { a: 1 }],
    ['df00000001a16101', { a: 1 }],
  ])('%s, as others write it, is read', (digits, value) => {
    expect(decodeMessagePack(hex(digits))).toEqual(value)
  })
})

describe('attacks: refused before decoding', () => {
  test.each([
    ['the key __proto__', '81a95f5f70726f746f5f5f81a161c3'],
    ['the key __proto__ deep inside', '9181a16181a95f5f70726f746f5f5f80'],
    ['the key __proto__ with a longer head', '81d9095f5f70726f746f5f5f80'],
    ['the same key twice', '82a16101a16102'],
    ['the same key twice, written differently', '82a16101d9016102'],
    ['the same key twice, deep inside', '9182a16101a16102'],
    ['a key that is a number', '810101'],
    ['a key that is bytes', '81c4016101'],
    ['a key that is a map', '818001'],
    ['extension types of one byte', 'd40000'],
    ['a record definition of msgpackr', 'd5720001'],
    ['a timestamp', 'd6ff00000000'],
    ['extension types of 2', 'd5010000'],
    ['extension types of 8', 'd7010000000000000000'],
    ['extension types of 16', `d801${'00'.repeat(16)}`],
    ['extension types of any length', 'c7010100'],
    ['extension types of any length, 16 bits', 'c800010100'],
    ['extension types of any length, 32 bits', 'c9000000010100'],
    ['the unused type', 'c1'],
    ['text that is not UTF-8', 'a2c328'],
    ['text with an encoded surrogate', 'a3eda080'],
    ['a key that is not UTF-8', '81a2c32801'],
    ['text that begins with a byte order mark, which msgpackr drops', 'a4efbbbf61'],
    ['bytes after the value', '0000'],
    ['a second value', '9001'],
    ['nothing', ''],
    ['a cut number', 'cd00'],
    ['a cut float', 'cb000000'],
    ['a cut string', 'a261'],
    ['a cut array', '9201'],
    ['a cut map', '81a161'],
    ['a cut length', 'db0000'],
  ])('%s', (_, digits) => {
    expect(() => decodeMessagePack(hex(digits))).toThrow(invalid)
  })

  test.each(['dbffffffff', 'c6ffffffff', 'ddffffffff', 'dfffffffff', 'df80000000', 'd9ff', 'daffff', '9f', '8f'])(
    'a string, array or map header of %s followed by nothing',
    (digits) => {
      const before = process.memoryUsage()
      expect(() => decodeMessagePack(hex(digits))).toThrow(invalid)
      const after = process.memoryUsage()
      expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(1 << 20)
      expect(after.heapUsed - before.heapUsed).toBeLessThan(16 << 20)
    },
  )

  test('many headers of large arrays, each within what is left', () => {
    const bomb = new Uint8Array(40_000).fill(0x00)
    for (let i = 0; i < 30; i++) bomb.set([0xdc, 0x80, 0x00], 3 * i)
    expect(() => decodeMessagePack(bomb)).toThrow(OckamError)
  })

  test('nesting ends at 32', () => {
    for (const opening of ['91', '81a161']) {
      expect(() => decodeMessagePack(hex(`${opening.repeat(32)}00`))).not.toThrow()
      expect(() => decodeMessagePack(hex(`${opening.repeat(33)}00`))).toThrow(overLimit)
      expect(() => decodeMessagePack(hex(`${opening.repeat(100_000)}00`))).toThrow(overLimit)
    }
    expect(() => decodeMessagePack(hex('919100'), { maxDepth: 1 })).toThrow(overLimit)
  })

  test('values and bytes are counted', () => {
    expect(decodeMessagePack(hex('93010203'), { maxItems: 4 })).toEqual([1, 2, 3])
    expect(() => decodeMessagePack(hex('93010203'), { maxItems: 3 })).toThrow(overLimit)
    expect(() => decodeMessagePack(hex('81a16101'), { maxItems: 2 })).toThrow(overLimit)
    expect(() => decodeMessagePack(hex('93010203'), { maxLength: 3 })).toThrow(overLimit)
    expect(() => decodeMessagePack(hex(`dd00011170${'00'.repeat(70_000)}`))).toThrow(overLimit)
  })

  test('nothing is carried from one message to the next', () => {
    const records = new Packr({ useRecords: true, structures: [] })
    const withRecord = new Uint8Array(records.pack([{ a: 1 }, { a: 2 }]))
    expect(() => decodeMessagePack(withRecord)).toThrow(OckamError)
    expect(decodeMessagePack(hex('40'))).toBe(64)
    expect(decodeMessagePack(hex('9140'))).toEqual([64])
  })

  test('an error tells the offset and never the bytes', () => {
    expect(() => decodeMessagePack(hex('aa6d79736563726574'))).toThrow('Cannot read a MessagePack body: the bytes end too early (byte 1).')
  })
})

describe('what arrives is plain and its own', () => {
  test('objects have no prototype, so that no key means anything', () => {
    const value = decodeMessagePack(hex('83a8746f537472696e6701ab636f6e7374727563746f7280ae6861734f776e50726f706572747902')) as object
    expect(Object.getPrototypeOf(value)).toBeNull()
    expect(Object.getPrototypeOf(Reflect.get(value, 'constructor'))).toBeNull()
    expect(Object.keys(value)).toEqual(['toString', 'constructor', 'hasOwnProperty'])
    expect(({} as { a?: unknown }).a).toBeUndefined()
  })

  test('bytes are copied, and never Buffers', () => {
    const input = Buffer.from('91c403010203', 'hex')
    const [bytes] = decodeMessagePack(input) as [Uint8Array]
    input.fill(0)
    expect(toHex(bytes)).toBe('010203')
    expect(Buffer.isBuffer(bytes)).toBe(false)
    expect(bytes.buffer.byteLength).toBe(3)
  })

  test('the input is left as it was', () => {
    const input = hex('81a16101')
    decodeMessagePack(input)
    expect(Object.keys(input)).toEqual(['0', '1', '2', '3'])
  })

  test('encoded bytes are fresh, and never a Buffer', () => {
    const first = encodeMessagePack([1])
    const second = encodeMessagePack([2])
    expect(Buffer.isBuffer(first)).toBe(false)
    expect(first.buffer.byteLength).toBe(2)
    expect([...first, ...second]).toEqual([0x91, 1, 0x91, 2])
  })
})

describe('what cannot arrive as it is sent is refused at the sender, by its place', () => {
  class Reading {
    celsius = 21
  }
  test.each([
    ['a date', { at: new Date(0) }, "The body's at is a Date"],
    ['a class instance', [new Reading()], "The body's 0 is a Reading"],
    ['a map', { a: new Map() }, "The body's a is a Map"],
    ['a function', { a: { b: () => 1 } }, "The body's a.b is function"],
    ['a symbol', Symbol('x'), 'The body is symbol'],
    ['undefined alone', undefined, 'The body is undefined'],
    ['undefined in an array', [1, undefined], "The body's 1 is undefined"],
    ['an integer over 64 bits', { n: 2n ** 64n }, "The body's n is an integer over 64 bits"],
    ['an integer under 64 bits', -(2n ** 63n) - 1n, 'The body is an integer over 64 bits'],
    ['half of a surrogate pair', 'a\ud800', 'half of a surrogate pair'],
    ['a byte order mark in front', '\ufeffa', 'byte order mark'],
    ['a typed array of other numbers', [new Float32Array(1)], "The body's 0 is a Float32Array"],
    ['an own key __proto__', JSON.parse('{"a":{"__proto__":1}}'), 'the key __proto__'],
  ])('%s', (_, value, message) => {
    expect(() => encodeMessagePack(value)).toThrow(invalid)
    expect(() => encodeMessagePack(value)).toThrow(message)
  })

  test('a value that contains itself', () => {
    const loop: unknown[] = []
    loop.push(loop)
    expect(() => encodeMessagePack(loop)).toThrow(overLimit)
  })

  test('more than the limits of the receiver', () => {
    expect(() => encodeMessagePack(new Array(70_000).fill(0))).toThrow(overLimit)
    expect(() => encodeMessagePack([1, 2], { maxItems: 2 })).toThrow(overLimit)
    expect(() => encodeMessagePack(new Uint8Array(100), { maxLength: 100 })).toThrow(overLimit)
  })
})

test('properties that are undefined are left out; keys that mean something to msgpackr mean nothing', () => {
  expect(roundTrip({ a: 1, b: undefined })).toEqual({ a: 1 })
  const value = { constructor: 'x', toJSON: 'y', size: 1, length: 2, '': 4, valueOf: null }
  expect(roundTrip(value)).toEqual(value)
  expect(roundTrip(Object.create(null))).toEqual({})
})

const anyPlain = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 6 },
    fc.constant(null),
    fc.boolean(),
    fc.double().filter((value) => !Object.is(value, -0)),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
    fc.string({ unit: 'binary', maxLength: 90 }).filter((text) => !text.startsWith('\ufeff')),
    fc.uint8Array({ maxLength: 300 }),
    fc.array(tie('value'), { maxLength: 40 }),
    fc.dictionary(
      fc.string({ maxLength: 40 }).filter((key) => key !== '__proto__'),
      tie('value'),
      { maxKeys: 20 },
    ),
  ),
})).value

test('plain values arrive as they were sent, and pass the scan', () => {
  fc.assert(
    fc.property(anyPlain, (value) => {
      const bytes = encodeMessagePack(value)
      scanMessagePack(bytes)
      const arrived = decodeMessagePack(bytes)
      expect(arrived).toEqual(value)
      expect(toHex(encodeMessagePack(arrived))).toBe(toHex(bytes))
    }),
    { numRuns: 400 },
  )
})

test('random, changed and cut bytes make the decoder throw nothing but an OckamError of its two codes', () => {
  const attempt = (bytes: Uint8Array): void => {
    try {
      decodeMessagePack(bytes)
    } catch (error) {
      expect(OckamError.is(error, 'core/invalid-message-pack', 'core/limit-exceeded'), String(error)).toBe(true)
    }
  }
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 100 }),
      anyPlain,
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }),
      fc.nat(),
      (random, value, changes, cut) => {
        attempt(random)
        const bytes = encodeMessagePack(value)
        for (const [at, byte] of changes) bytes[at % bytes.length] = byte
        attempt(bytes)
        attempt(bytes.subarray(0, cut % (bytes.length + 1)))
      },
    ),
    { numRuns: 600 },
  )
})

test('what the scan lets pass, the decoder reads, and its values can be sent again', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 24 }), (bytes) => {
      try {
        scanMessagePack(bytes)
      } catch {
        return
      }
      const value = decodeMessagePack(bytes)
      expect(roundTrip(value)).toEqual(value)
    }),
    { numRuns: 2000 },
  )
})
