import { describe, expect, test } from 'vitest'
import { CborReader, type CborReaderOptions, INDEFINITE } from '../../src/cbor/index.ts'
import { hex, toHex } from '../hex.ts'

const reader = (digits: string, options?: CborReaderOptions): CborReader => new CborReader(hex(digits), options)
const invalid: unknown = expect.objectContaining({ name: 'OckamError', code: 'core/invalid-cbor' })
const overLimit: unknown = expect.objectContaining({ name: 'OckamError', code: 'core/limit-exceeded' })

describe('what Rust nodes accept is accepted', () => {
  test('integers longer than needed', () => {
    expect(reader('1800').uint()).toBe(0)
    expect(reader('190001').uint()).toBe(1)
    expect(reader('1a00000002').uint()).toBe(2)
    expect(reader('1b0000000000000003').uint()).toBe(3)
    expect(reader('1b0000000000000003').uint64()).toBe(3n)
    expect(reader('3b0000000000000003').int()).toBe(-4)
  })

  test('lengths and counts longer than needed', () => {
    expect(toHex(reader('590001aa').bytes())).toBe('aa')
    expect(reader('7b000000000000000161').text()).toBe('a')
    expect(reader('9b000000000000000100').beginArray()).toBe(1)
    const enumeration = reader('98020180')
    expect(enumeration.beginEnum()).toBe(1)
    enumeration.endEnum()
    enumeration.finish()
  })

  test('indefinite arrays as structures, with elements that are not known', () => {
    const structure = reader('9f 01 02 9f0304ff a10506 ff 07')
    expect(structure.beginArray(2)).toBe(INDEFINITE)
    expect([structure.uint(), structure.uint()]).toEqual([1, 2])
    structure.end()
    expect(structure.uint()).toBe(7)
  })

  test('elements that are not known at the end of a structure', () => {
    const structure = reader('85 01 02 f6 6161 fb3ff199999999999a 07')
    structure.beginArray(2)
    expect([structure.uint(), structure.uint()]).toEqual([1, 2])
    structure.end()
    expect(structure.uint()).toBe(7)
  })

  test('optional elements that are absent, null or there', () => {
    for (const [digits, expected] of [
      ['8101', undefined],
      ['8201f6', undefined],
      ['820102', 2],
      ['9f01ff', undefined],
      ['9f01f6ff', undefined],
      ['9f0102ff', 2],
    ] as const) {
      const structure = reader(digits)
      structure.beginArray(1)
      expect(structure.uint()).toBe(1)
      expect(structure.hasValue() ? structure.uint() : undefined).toBe(expected)
      structure.end()
      structure.finish()
    }
  })

  test('bytes after the last item, unless the caller forbids them', () => {
    const item = reader('01ffff')
    expect(item.uint()).toBe(1)
    expect(() => item.finish()).toThrow(invalid)
  })

  test('floats of 32 bits, which a field of 64 holds exactly', () => {
    expect(reader('fa3fc00000').float64()).toBe(1.5)
  })
})

describe('what Rust nodes refuse is refused', () => {
  test.each([
    ['an indefinite byte string', '5f4101ff', (item: CborReader) => item.bytes()],
    ['an indefinite text', '7f6161ff', (item: CborReader) => item.text()],
    ['text for bytes', '6161', (item: CborReader) => item.bytes()],
    ['bytes for text', '4161', (item: CborReader) => item.text()],
    ['an array of integers for bytes', '820102', (item: CborReader) => item.bytes()],
    ['a map for an array', 'a0', (item: CborReader) => item.beginArray()],
    ['an array for a map', '80', (item: CborReader) => item.beginMap()],
    ['a tagged value', 'c001', (item: CborReader) => item.uint()],
    ['a negative for an unsigned integer', '20', (item: CborReader) => item.uint()],
    ['an integer over its bound', '190100', (item: CborReader) => item.uint(255)],
    ['null for an array', 'f6', (item: CborReader) => item.beginArray()],
    ['an integer for a boolean', '01', (item: CborReader) => item.bool()],
    ['null for a boolean', 'f6', (item: CborReader) => item.bool()],
    ['an integer for a float', '01', (item: CborReader) => item.float64()],
    ['a half float', 'f93c00', (item: CborReader) => item.float64()],
    ['text that is not UTF-8', '62c328', (item: CborReader) => item.text()],
    ['text with an encoded surrogate', '63eda080', (item: CborReader) => item.text()],
    ['an indefinite enumeration', '9f0080ff', (item: CborReader) => item.beginEnum()],
    ['an enumeration of one', '8100', (item: CborReader) => item.beginEnum()],
    ['an enumeration of three', '83008000', (item: CborReader) => item.beginEnum()],
    ['an enumeration with a negative index', '822080', (item: CborReader) => item.beginEnum()],
    ['an enumeration with an index over 32 bits', '821b000000010000000080', (item: CborReader) => item.beginEnum()],
    ['an enumeration without fields', '8200', (item: CborReader) => item.beginEnum()],
    [
      'a key that is not an integer',
      'a1616101',
      (item: CborReader) => {
        item.beginMap()
        item.nextKey()
      },
    ],
    ['reserved length information', '1c', (item: CborReader) => item.uint()],
    ['the end of a container outside of any', 'ff', (item: CborReader) => item.skip()],
    ['bytes of the wrong length', '420102', (item: CborReader) => item.bytes(3)],
  ])('%s', (_, digits, read) => {
    expect(() => read(reader(digits))).toThrow(invalid)
  })

  test.each([
    'c001',
    '81c001',
    'a1c00102',
    '5f4101ff',
    '815f4101ff',
    '7f6161ff',
    'f0',
    'f818',
    '1c',
    '3f',
    'fc',
    '62c328',
    'a1',
    'a101',
    'bf01ff',
    '9f',
    '8201',
    '81ff',
    '',
  ])('an unknown element with malformed content is not skipped: %s', (digits) => {
    expect(() => reader(digits).skip()).toThrow(invalid)
  })

  test.each([
    '00',
    '3bffffffffffffffff',
    '4101',
    '6161',
    '80',
    '9fff',
    'bfff',
    'bf0102ff',
    'a10102',
    'f4',
    'f5',
    'f6',
    'f7',
    'f93c00',
    'fa3fc00000',
    'fb3ff8000000000000',
    '829f8101ffa1418020',
  ])('an unknown element is skipped to its last byte: %s', (digits) => {
    const item = reader(`${digits}01`)
    expect(toHex(item.rawItem())).toBe(digits)
    expect(item.uint()).toBe(1)
    item.finish()
  })
})

describe('a structure keeps to its bounds', () => {
  test('an element that is missing is not taken from what follows', () => {
    const structure = reader('82 8101 02')
    structure.beginArray(2)
    structure.beginArray()
    structure.uint()
    expect(() => structure.uint()).toThrow(invalid)
  })

  test('an element that is missing before the mark of the end is refused', () => {
    const structure = reader('9f01ff02')
    structure.beginArray(2)
    structure.uint()
    expect(() => structure.uint()).toThrow(invalid)
  })

  test('fewer elements than a structure needs are refused at its head', () => {
    expect(() => reader('8101').beginArray(2)).toThrow(/1 elements where at least 2/)
  })

  test('a map with a key and no value is refused', () => {
    const fields = reader('bf01ff')
    fields.beginMap()
    fields.nextKey()
    expect(() => fields.end()).toThrow(/ends after a key/)
  })

  test('a key given twice is refused, also when the first has been read', () => {
    const fields = reader('a2 0101 0102')
    fields.beginMap()
    expect(fields.nextKey()).toBe(1)
    fields.skip()
    expect(() => fields.nextKey()).toThrow(/given twice/)
  })

  test('a key that is negative, over 2^32-1 or no integer is refused, as Rust nodes do', () => {
    for (const map of ['a1 20 00', 'a1 1b0000000100000000 00', 'a1 6161 00', 'a1 f5 00']) {
      const fields = reader(map)
      fields.beginMap()
      expect(() => fields.nextKey(), map).toThrowError(invalid)
    }
    const largest = reader('a1 1affffffff 00')
    largest.beginMap()
    expect(largest.nextKey()).toBe(0xffff_ffff)
  })

  test('keys of an inner map are not those of the outer', () => {
    const fields = reader('a2 01a10102 0203')
    fields.beginMap()
    expect(fields.nextKey()).toBe(1)
    fields.beginMap()
    expect(fields.nextKey()).toBe(1)
    expect(fields.uint()).toBe(2)
    expect(fields.nextKey()).toBeUndefined()
    fields.end()
    expect(fields.nextKey()).toBe(2)
    expect(fields.uint()).toBe(3)
    fields.end()
    fields.finish()
  })

  test('using the reader wrongly is an error of its own', () => {
    const misuse: unknown = expect.objectContaining({ code: 'core/invalid-argument' })
    expect(() => reader('01').end()).toThrow(misuse)
    const open = reader('8101')
    open.beginArray()
    open.uint()
    expect(() => open.finish()).toThrow(misuse)
    expect(() => new CborReader('00' as unknown as Uint8Array)).toThrow(misuse)
  })
})

describe('integers keep their value', () => {
  test('a number ends at 2^53-1; beyond, a bigint is needed', () => {
    expect(reader('1b001fffffffffffff').uint()).toBe(Number.MAX_SAFE_INTEGER)
    expect(() => reader('1b0020000000000000').uint()).toThrow(invalid)
    expect(reader('1b0020000000000001').uint64()).toBe(2n ** 53n + 1n)
    expect(reader('3b001ffffffffffffe').int()).toBe(Number.MIN_SAFE_INTEGER)
    expect(() => reader('3b001fffffffffffff').int()).toThrow(invalid)
    expect(reader('1bffffffffffffffff').uint64()).toBe(2n ** 64n - 1n)
  })

  test('a signed integer of 64 bits ends where Rust ends it', () => {
    expect(reader('1b7fffffffffffffff').int64()).toBe(2n ** 63n - 1n)
    expect(reader('3b7fffffffffffffff').int64()).toBe(-(2n ** 63n))
    expect(() => reader('1b8000000000000000').int64()).toThrow(invalid)
    expect(() => reader('3b8000000000000000').int64()).toThrow(invalid)
  })
})

describe('bytes are borrowed', () => {
  test('byte strings and raw items are views of the input, and never Buffers', () => {
    const input = Buffer.from('824101420203', 'hex')
    const item = new CborReader(input)
    item.beginArray()
    const bytes = item.bytes()
    expect(bytes.buffer).toBe(input.buffer)
    expect(Buffer.isBuffer(bytes)).toBe(false)
    expect(Buffer.isBuffer(item.rawItem())).toBe(false)
  })

  test('a byte order mark is text like any other', () => {
    expect(reader('63efbbbf').text()).toBe('\ufeff')
    expect(reader(`7823${'efbbbf'.padEnd(70, '61')}`).text()).toBe(`\ufeff${'a'.repeat(32)}`)
  })
})

describe('limits hold before anything is allocated', () => {
  test.each([
    '5affffffff',
    '5bffffffffffffffff',
    '5b8000000000000000',
    '7affffffff',
    '7b8000000000000000',
    '9affffffff',
    '9b8000000000000000',
    '9bffffffffffffffff',
    'baffffffff',
    'bb8000000000000000',
    'bbffffffffffffffff',
  ])('a head of %s followed by nothing is refused', (digits) => {
    for (const read of [
      (item: CborReader) => item.skip(),
      (item: CborReader) => item.rawItem(),
      (item: CborReader) =>
        item.peek() === 'array'
          ? item.beginArray()
          : item.peek() === 'map'
            ? item.beginMap()
            : item.peek() === 'text'
              ? item.text()
              : item.bytes(),
    ]) {
      const before = process.memoryUsage()
      expect(() => read(reader(digits))).toThrow(
        expect.objectContaining({ code: expect.stringMatching(/^core\/(invalid-cbor|limit-exceeded)$/) }),
      )
      const after = process.memoryUsage()
      expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(1 << 20)
      expect(after.heapUsed - before.heapUsed).toBeLessThan(16 << 20)
    }
  })

  test('a map needs room for keys and values', () => {
    expect(() => reader('a2010203').beginMap()).toThrow(invalid)
  })

  test('nesting ends at 32, for arrays, maps and enumerations, read or skipped, definite or not', () => {
    for (const opening of ['81', '9f', 'a101', 'bf01']) {
      const closing = opening === '9f' || opening === 'bf01' ? 'ff' : ''
      const nested = (depth: number): CborReader => reader(opening.repeat(depth) + '00' + closing.repeat(depth))
      nested(32).skip()
      expect(() => nested(33).skip()).toThrow(overLimit)
      expect(() => nested(100_000).rawItem()).toThrow(overLimit)
    }
    const enumeration = reader('8200'.repeat(17))
    expect(() => {
      for (;;) enumeration.beginEnum()
    }).toThrow(expect.objectContaining({ name: 'OckamError' }))
    const own = reader('818100', { maxDepth: 1 })
    own.beginArray()
    expect(() => own.beginArray()).toThrow(overLimit)
  })

  test('items are counted, read or skipped', () => {
    reader('83010203', { maxItems: 4 }).skip()
    expect(() => reader('83010203', { maxItems: 3 }).skip()).toThrow(overLimit)
    expect(() => reader('9f010203ff', { maxItems: 3 }).skip()).toThrow(overLimit)
    const bomb = new Uint8Array(5 + 70_000)
    bomb.set(hex('9a00011170'))
    expect(() => new CborReader(bomb).beginArray()).toThrow(overLimit)
  })

  test('strings have a largest length', () => {
    expect(() => reader('43010203', { maxStringLength: 2 }).bytes()).toThrow(overLimit)
    expect(() => reader('63616161', { maxStringLength: 2 }).text()).toThrow(overLimit)
    expect(() => reader('63616161', { maxStringLength: 2 }).skip()).toThrow(overLimit)
  })
})

test('an error says what was read, where it failed and never what the bytes were', () => {
  const secret = reader('8201 58086d7973656372', { what: 'change history' })
  secret.beginArray()
  secret.uint()
  expect(() => secret.bytes()).toThrow('Cannot read the change history: the bytes end too early (CBOR, byte 4).')
  expect(() => reader('a0').uint()).toThrow('Cannot read the message: expected an unsigned integer but found map (CBOR, byte 0).')
})
