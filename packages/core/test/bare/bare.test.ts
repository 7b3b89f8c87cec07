import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BareReader, BareWriter, decodeBareData, decodeBareString, encodeBareData, encodeBareString } from '../../src/bare/index.ts'
import { OckamError } from '../../src/error.ts'
import { hex, toHex } from '../hex.ts'

const reader = (digits: string): BareReader => new BareReader(hex(digits))
const invalid: unknown = expect.objectContaining({ name: 'OckamError', code: 'core/invalid-bare' })
const overLimit: unknown = expect.objectContaining({ name: 'OckamError', code: 'core/limit-exceeded' })
const ascii = (text: string): Uint8Array => new TextEncoder().encode(text)

describe('known answers (made with serde_bare 0.4.0 on structures of build-trust/ockam fb8fb64cd)', () => {
  test.each([
    ['hello', '0568656c6c6f'],
    ['register', '087265676973746572'],
    ['', '00'],
  ])('the string %s', (text, digits) => {
    expect(toHex(encodeBareString(text))).toBe(digits)
    expect(decodeBareString(hex(digits))).toBe(text)
  })

  test('a string of 200 has a length of two bytes', () => {
    expect(toHex(encodeBareString('a'.repeat(200))).slice(0, 6)).toBe('c80161')
    expect(decodeBareString(encodeBareString('a'.repeat(200)))).toBe('a'.repeat(200))
  })

  test('bytes are their length and themselves', () => {
    expect(toHex(encodeBareData(hex('010203')))).toBe('03010203')
    expect(toHex(decodeBareData(hex('03010203')))).toBe('010203')
  })

  test('addresses', () => {
    expect(toHex(new BareWriter().u8(0).data(ascii('echo')).finish())).toBe('00046563686f')
    expect(toHex(new BareWriter().u8(1).data(ascii('localhost:4000')).finish())).toBe('010e6c6f63616c686f73743a34303030')
    expect(toHex(new BareWriter().u8(2).data(ascii('127.0.0.1:4000')).finish())).toBe('020e3132372e302e302e313a34303030')
  })

  const message = (version: number, onward: [number, string][], back: [number, string][], payload: Uint8Array): BareWriter => {
    const writer = new BareWriter().u8(version)
    for (const route of [onward, back]) {
      writer.uvarint(route.length)
      for (const [type, value] of route) writer.u8(type).data(ascii(value))
    }
    return writer.data(payload)
  }

  test('transport messages with and without the optional text', () => {
    const hello = hex('0568656c6c6f')
    expect(
      toHex(
        message(1, [[0, 'echo']], [[0, 'me']], hello)
          .optional(false)
          .finish(),
      ),
    ).toBe('010100046563686f0100026d65060568656c6c6f00')
    expect(
      toHex(
        message(1, [[0, 'echo']], [[0, 'me']], hello)
          .optional(true)
          .string('{}')
          .finish(),
      ),
    ).toBe('010100046563686f0100026d65060568656c6c6f01027b7d')
    expect(
      toHex(
        message(2, [[0, 'onward']], [[0, 'return']], hex(''))
          .optional(false)
          .finish(),
      ),
    ).toBe('020100066f6e7761726401000672657475726e0000')
  })

  test('transport messages of 2021 (build-trust/ockam, ockam/wire/binary/versions_test.exs)', () => {
    for (const type of [1, 2]) {
      const encoded = message(
        1,
        [
          [type, '127.0.0.1:4000'],
          [0, 'printer'],
        ],
        [[type, '127.0.0.1:3000']],
        ascii('hello'),
      ).finish()
      const byte = `0${type}`
      expect(toHex(encoded)).toBe(
        `0102${byte}0e3132372e302e302e313a3430303000077072696e74657201${byte}0e3132372e302e302e313a333030300568656c6c6f`,
      )
    }
    expect(toHex(message(1, [[1, '127.0.0.1:4000']], [], hex('')).finish())).toBe('0101010e3132372e302e302e313a343030300000')
  })

  test('portal payloads (build-trust/ockam fb8fb64cd, tunnel_protocol_test.exs)', () => {
    const payload = (data: string): BareWriter => new BareWriter().uvarint(3).data(hex(data))
    expect(toHex(payload('0505').optional(false).finish())).toBe('0302050500')
    expect(toHex(payload('0505').optional(true).u16(0xaabb).finish())).toBe('0302050501bbaa')
    expect(toHex(payload('68656c6c6f').optional(true).u16(123).finish())).toBe('030568656c6c6f017b00')
    const old = reader('03020505')
    expect(old.variant(4)).toBe(3)
    expect(toHex(old.data())).toBe('0505')
    expect(old.remaining).toBe(0)
    const counted = reader('0302050501bbaa')
    expect([counted.variant(4), toHex(counted.data()), counted.optional(), counted.u16()]).toEqual([3, '0505', true, 0xaabb])
    counted.finish()
  })

  test('requests are data around CBOR', () => {
    expect(toHex(encodeBareData(hex('a4011a0102030402652f6e6f6465030004f4')))).toBe('12a4011a0102030402652f6e6f6465030004f4')
  })

  test('integers are little-endian', () => {
    expect(
      toHex(
        new BareWriter()
          .u8(1)
          .u16(2)
          .u32(3)
          .u64(4)
          .u64(2n ** 64n - 2n)
          .bool(true)
          .finish(),
      ),
    ).toBe('010200030000000400000000000000feffffffffffffff01')
    const all = reader('010200030000000400000000000000feffffffffffffff01')
    expect([all.u8(), all.u16(), all.u32(), all.u64(), all.u64(), all.bool()]).toEqual([1, 2, 3, 4n, 2n ** 64n - 2n, true])
    expect(reader('ffffffff').u32()).toBe(0xffff_ffff)
  })
})

describe('unsigned LEB128 (build-trust/ockam fb8fb64cd, ockam_core/src/bare.rs)', () => {
  test('ten bytes hold 64 bits, and the tenth is 01', () => {
    expect(reader(`${'ff'.repeat(9)}01`).uvarint64()).toBe(2n ** 64n - 1n)
    for (const digits of ['ff'.repeat(10), `${'ff'.repeat(9)}02`, `${'ff'.repeat(9)}03`, `${'80'.repeat(9)}00`, `${'80'.repeat(9)}81`]) {
      expect(() => reader(`${digits}00`).uvarint64()).toThrow(invalid)
      expect(() => reader(`${digits}00`).uvarint()).toThrow(invalid)
    }
  })

  test('longer than needed is accepted', () => {
    for (const digits of ['8500', '858000', `85${'80'.repeat(7)}00`]) {
      expect(reader(digits).uvarint()).toBe(5)
      expect(reader(digits).uvarint64()).toBe(5n)
    }
  })

  test('a number ends at 2^53-1', () => {
    expect(reader('ffffffffffffff0f').uvarint()).toBe(Number.MAX_SAFE_INTEGER)
    expect(() => reader('8080808080808010').uvarint()).toThrow(invalid)
    expect(reader('8080808080808010').uvarint64()).toBe(2n ** 53n)
  })

  test('it is cut: refused', () => {
    for (const digits of ['', '80', 'ffff']) expect(() => reader(digits).uvarint()).toThrow(invalid)
  })

  test('every value is written as short as it can be and read again', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (value) => {
        const bytes = new BareWriter().uvarint(value).finish()
        expect(bytes).toHaveLength(Math.max(1, Math.ceil(value.toString(2).length / 7)))
        expect(new BareReader(bytes).uvarint64()).toBe(value)
        if (value <= BigInt(Number.MAX_SAFE_INTEGER)) {
          expect(toHex(new BareWriter().uvarint(Number(value)).finish())).toBe(toHex(bytes))
          expect(new BareReader(bytes).uvarint()).toBe(Number(value))
        }
      }),
    )
  })
})

describe('what is not BARE is refused', () => {
  test.each([
    ['a boolean of 2', '02', (item: BareReader) => item.bool()],
    ['an optional of 2', '02', (item: BareReader) => item.optional()],
    ['a variant that is not known', '04', (item: BareReader) => item.variant(4)],
    ['text that is not UTF-8', '02c328', (item: BareReader) => item.string()],
    ['a string over its end', '05616263', (item: BareReader) => item.string()],
    ['data over its end', '01', (item: BareReader) => item.data()],
    ['a cut integer', '0102', (item: BareReader) => item.u32()],
    ['a list that cannot fit', '0400000000', (item: BareReader) => item.list(2)],
    ['bytes after the end, where none may follow', '00', (item: BareReader) => item.finish()],
  ])('%s', (_, digits, read) => {
    expect(() => read(reader(digits))).toThrow(invalid)
  })

  test('trailing bytes are ignored where Rust ignores them', () => {
    expect(decodeBareString(hex('0161ffff'))).toBe('a')
    expect(toHex(decodeBareData(hex('0161ffff')))).toBe('61')
  })

  test.each([
    ['a fraction', (writer: BareWriter) => writer.u8(0.5)],
    ['a number over its width', (writer: BareWriter) => writer.u16(65_536)],
    ['a negative number', (writer: BareWriter) => writer.uvarint(-1)],
    ['a number from 2^53', (writer: BareWriter) => writer.u64(2 ** 53)],
    ['a bigint over 64 bits', (writer: BareWriter) => writer.uvarint(2n ** 64n)],
    ['NaN', (writer: BareWriter) => writer.uvarint(Number.NaN)],
    ['half of a surrogate pair', (writer: BareWriter) => writer.string('\udc00')],
    ['no text', (writer: BareWriter) => writer.string(undefined as unknown as string)],
    ['no bytes', (writer: BareWriter) => writer.data('00' as unknown as Uint8Array)],
  ])('%s is refused at the sender', (_, write) => {
    expect(() => write(new BareWriter())).toThrow(expect.objectContaining({ code: 'core/invalid-argument' }))
  })
})

describe('limits hold before anything is allocated', () => {
  test.each(['ffffffff0f', 'ffffffffffffff0f', `${'ff'.repeat(9)}01`, '8080808008'])(
    'a length of %s followed by nothing is refused',
    (digits) => {
      for (const read of [(item: BareReader) => item.string(), (item: BareReader) => item.data(), (item: BareReader) => item.list()]) {
        const before = process.memoryUsage().arrayBuffers
        expect(() => read(reader(digits))).toThrow(expect.objectContaining({ name: 'OckamError' }))
        expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1 << 20)
      }
    },
  )

  test('strings and lists have a largest length', () => {
    expect(() => new BareReader(hex('03616161'), { maxStringLength: 2 }).string()).toThrow(overLimit)
    expect(() => new BareReader(hex('03000000'), { maxItems: 2 }).list()).toThrow(overLimit)
    expect(new BareReader(hex('03000000'), { maxItems: 3 }).list()).toBe(3)
  })

  test('items without bytes count as one byte, so that a list of nothing cannot be endless', () => {
    expect(() => reader('ff03').list(0)).toThrow(invalid)
  })
})

describe('bytes are borrowed', () => {
  test('data is a view of the input, and never a Buffer', () => {
    const input = Buffer.from('03010203', 'hex')
    const data = new BareReader(input).data()
    expect(data.buffer).toBe(input.buffer)
    expect(Buffer.isBuffer(data)).toBe(false)
  })

  test('a finished writer hands out bytes of their own', () => {
    const writer = new BareWriter(1)
    const first = writer.string('a text of more than one byte').finish()
    expect(toHex(writer.raw(hex('ff')).finish())).toBe('ff')
    expect(first[0]).toBe(28)
  })
})

test('strings, data and integers are written and read again', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary', maxLength: 80 }),
      fc.uint8Array({ maxLength: 300 }),
      fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      fc.boolean(),
      (text, data, wide, flag) => {
        const bytes = new BareWriter().string(text).data(data).u64(wide).optional(flag).finish()
        const all = new BareReader(bytes)
        expect([all.string(), toHex(all.data()), all.u64(), all.optional()]).toEqual([text, toHex(data), wide, flag])
        all.finish()
      },
    ),
  )
})

test('random bytes make a reader throw nothing but an OckamError of its two codes', () => {
  const reads: ((item: BareReader) => unknown)[] = [
    (item) => item.u8(),
    (item) => item.u16(),
    (item) => item.u32(),
    (item) => item.u64(),
    (item) => item.bool(),
    (item) => item.uvarint(),
    (item) => item.uvarint64(),
    (item) => item.string(),
    (item) => item.data(),
    (item) => item.list(3),
    (item) => item.variant(5),
    (item) => item.finish(),
  ]
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.array(fc.constantFrom(...reads), { maxLength: 20 }), (bytes, order) => {
      const item = new BareReader(bytes)
      try {
        for (const read of order) read(item)
      } catch (error) {
        expect(OckamError.is(error, 'core/invalid-bare', 'core/limit-exceeded'), String(error)).toBe(true)
      }
    }),
    { numRuns: 1000 },
  )
})

test('an error says what was read, where it failed and never what the bytes were', () => {
  expect(() => new BareReader(hex('0a6d79736563726574'), { what: 'portal message' }).string()).toThrow(
    'Cannot read the portal message: the bytes end too early (BARE, byte 1).',
  )
})
