/**
 * Encodings that others made. Bytes "made with minicbor 0.24.4" come from running that Rust crate on structures declared as in
 * build-trust/ockam at fb8fb64cd (24 October 2024).
 */

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { CborReader, CborWriter, definedCount, structLength } from '../../src/cbor/index.ts'
import { hex, toHex } from '../hex.ts'
import { type CborValue, encodeValue, readValue } from './cbor-value.ts'

const int = (value: number | bigint): CborValue => ({ kind: 'int', value: BigInt(value) })
const bytes = (digits: string): CborValue => ({ kind: 'bytes', value: hex(digits) })
const text = (value: string): CborValue => ({ kind: 'text', value })
const float = (value: number): CborValue => ({ kind: 'float', value })
const array = (...value: CborValue[]): CborValue => ({ kind: 'array', value })
const map = (...value: [CborValue, CborValue][]): CborValue => ({ kind: 'map', value })

describe('RFC 8949 appendix A', () => {
  const both: readonly [string, CborValue][] = [
    ['00', int(0)],
    ['01', int(1)],
    ['0a', int(10)],
    ['17', int(23)],
    ['1818', int(24)],
    ['1819', int(25)],
    ['1864', int(100)],
    ['1903e8', int(1000)],
    ['1a000f4240', int(1_000_000)],
    ['1b000000e8d4a51000', int(1_000_000_000_000)],
    ['1bffffffffffffffff', int(18_446_744_073_709_551_615n)],
    ['20', int(-1)],
    ['29', int(-10)],
    ['3863', int(-100)],
    ['3903e7', int(-1000)],
    ['fb3ff199999999999a', float(1.1)],
    ['fb7e37e43c8800759c', float(1.0e300)],
    ['fbc010666666666666', float(-4.1)],
    ['fb7ff0000000000000', float(Number.POSITIVE_INFINITY)],
    ['fb7ff8000000000000', float(Number.NaN)],
    ['fbfff0000000000000', float(Number.NEGATIVE_INFINITY)],
    ['f4', { kind: 'bool', value: false }],
    ['f5', { kind: 'bool', value: true }],
    ['f6', { kind: 'null' }],
    ['40', bytes('')],
    ['4401020304', bytes('01020304')],
    ['60', text('')],
    ['6161', text('a')],
    ['6449455446', text('IETF')],
    ['62225c', text('"\\')],
    ['62c3bc', text('ü')],
    ['63e6b0b4', text('水')],
    ['64f0908591', text('\u{10151}')],
    ['80', array()],
    ['83010203', array(int(1), int(2), int(3))],
    ['8301820203820405', array(int(1), array(int(2), int(3)), array(int(4), int(5)))],
    ['98190102030405060708090a0b0c0d0e0f101112131415161718181819', array(...Array.from({ length: 25 }, (_, i) => int(i + 1)))],
    ['a0', map()],
    ['a201020304', map([int(1), int(2)], [int(3), int(4)])],
    ['a26161016162820203', map([text('a'), int(1)], [text('b'), array(int(2), int(3))])],
    ['826161a161626163', array(text('a'), map([text('b'), text('c')]))],
  ]

  test.each(both)('%s is read and written', (digits, value) => {
    const reader = new CborReader(hex(digits))
    expect(readValue(reader)).toEqual(value)
    reader.finish()
    expect(toHex(encodeValue(value))).toBe(digits)
  })

  const read: readonly [string, CborValue][] = [
    ['fa47c35000', float(100_000)],
    ['fa7f7fffff', float(3.402_823_466_385_288_6e38)],
    ['fa7f800000', float(Number.POSITIVE_INFINITY)],
    ['9fff', array()],
    ['9f018202039f0405ffff', array(int(1), array(int(2), int(3)), array(int(4), int(5)))],
    ['9f01820203820405ff', array(int(1), array(int(2), int(3)), array(int(4), int(5)))],
    ['83018202039f0405ff', array(int(1), array(int(2), int(3)), array(int(4), int(5)))],
    ['83019f0203ff820405', array(int(1), array(int(2), int(3)), array(int(4), int(5)))],
    ['bf61610161629f0203ffff', map([text('a'), int(1)], [text('b'), array(int(2), int(3))])],
    ['826161bf61626163ff', array(text('a'), map([text('b'), text('c')]))],
  ]

  test.each(read)('%s, which is not canonical, is read', (digits, value) => {
    const reader = new CborReader(hex(digits))
    expect(readValue(reader)).toEqual(value)
    reader.finish()
  })

  const refused = [
    '3bffffffffffffffff',
    'c249010000000000000000',
    'f90000',
    'f97e00',
    'f7',
    'f0',
    'f8ff',
    'c11a514b67b0',
    'd74401020304',
    '5f42010243030405ff',
    '7f657374726561646d696e67ff',
  ]

  test.each(refused)('%s, which no Ockam format has, is refused', (digits) => {
    expect(() => readValue(new CborReader(hex(digits)))).toThrow(expect.objectContaining({ code: 'core/invalid-cbor' }))
  })
})

describe('conventions of minicbor-derive', () => {
  test('an address is an array of a type and bytes (made with minicbor 0.24.4)', () => {
    const writer = new CborWriter()
    expect(toHex(writer.array(2).uint(0).bytes(new TextEncoder().encode('echo')).finish())).toBe('8200446563686f')
    expect(toHex(writer.array(2).uint(1).bytes(new TextEncoder().encode('localhost:4000')).finish())).toBe(
      '82014e6c6f63616c686f73743a34303030',
    )
  })

  test('a transport message has routes, payload and an optional text (made with minicbor 0.24.4)', () => {
    const reader = new CborReader(
      hex('83 81 8200446563686f 81 82005820 3030313132323333343435353636373738383939616162626363646465656666 46 0568656c6c6f'),
    )
    const readRoute = (): string[] => {
      const names: string[] = []
      reader.beginArray()
      while (reader.hasNext()) {
        reader.beginArray(2)
        names.push(`${reader.uint(255)}#${new TextDecoder().decode(reader.bytes())}`)
        reader.end()
      }
      reader.end()
      return names
    }
    expect(reader.beginArray(3)).toBe(3)
    expect(readRoute()).toEqual(['0#echo'])
    expect(readRoute()).toEqual(['0#00112233445566778899aabbccddeeff'])
    expect(toHex(reader.bytes())).toBe('0568656c6c6f')
    expect(reader.hasValue()).toBe(false)
    reader.end()
    reader.finish()
  })

  test('a payload of 300 bytes has a head of three', () => {
    expect(toHex(new CborWriter().bytes(new Uint8Array(300).fill(0xaa)).finish()).slice(0, 8)).toBe('59012caa')
  })

  test('a unit variant is 82, its index and an empty array (made with minicbor 0.24.4)', () => {
    expect(toHex(new CborWriter().enumeration(1, 0).finish())).toBe('820180')
    const reader = new CborReader(hex('820180'))
    expect(reader.beginEnum()).toBe(1)
    reader.endEnum()
    reader.finish()
  })

  test('a variant has an array of fields (made with minicbor 0.24.4)', () => {
    const address = '127.0.0.1:5000'
    expect(toHex(new CborWriter().enumeration(1, 1).text(address).finish())).toBe('8201816e3132372e302e302e313a35303030')
    const reader = new CborReader(hex('8201816e3132372e302e302e313a35303030'))
    expect([reader.beginEnum(), reader.text()]).toEqual([1, address])
    reader.endEnum()
    reader.finish()
  })

  test('bytes without the byte-string attribute are an array of integers (made with minicbor 0.24.4)', () => {
    const reader = new CborReader(hex('826c312e322e332e343a353637388218611862'))
    reader.beginArray(2)
    expect(reader.text()).toBe('1.2.3.4:5678')
    const remote: number[] = []
    reader.beginArray()
    while (reader.hasNext()) remote.push(reader.uint(255))
    reader.end()
    reader.end()
    expect(remote).toEqual([0x61, 0x62])
  })

  test('variants nest: a punctured payload (made with minicbor 0.24.4)', () => {
    const writer = new CborWriter().enumeration(2, 3)
    writer.array(1).array(2).uint(0).bytes(new TextEncoder().encode('echo'))
    writer.array(1).array(2).uint(0).bytes(new TextEncoder().encode('x'))
    writer.array(2).uint(1).uint(200)
    expect(toHex(writer.finish())).toBe('820283818200446563686f8182004178820118c8')
  })

  test('a request is a map with ascending keys, absent ones left out (made with minicbor 0.24.4)', () => {
    const writer = new CborWriter()
    writer
      .map(definedCount(0x01020304, '/node', 0, false))
      .uint(1)
      .uint(0x01020304)
      .uint(2)
      .text('/node')
      .uint(3)
      .uint(0)
      .uint(4)
      .bool(false)
    expect(toHex(writer.finish())).toBe('a4011a0102030402652f6e6f6465030004f4')
    writer
      .map(definedCount('/a', 0, 'nope', undefined))
      .uint(1)
      .text('/a')
      .uint(2)
      .uint(0)
      .uint(3)
      .text('nope')
    expect(toHex(writer.finish())).toBe('a301622f61020003646e6f7065')
  })

  test.each([
    ['a4 01 07 02 1a01020304 03 18c8 04 f4', [7, 0x01020304, 200, false]],
    ['a4 0107 021a01020304 03190194 04f5', [7, 0x01020304, 404, true]],
    ['bf 04f5 03190194 0107 00 1a0094c62e 021a01020304 09 8101 ff', [7, 0x01020304, 404, true]],
  ])('a response is read whatever the order of its keys and whatever else is in it: %s', (digits, expected) => {
    const reader = new CborReader(hex(digits))
    const fields = new Map<number, number | boolean>()
    reader.beginMap()
    for (let key = reader.nextKey(); key !== undefined; key = reader.nextKey()) {
      if (key >= 1 && key <= 3) fields.set(key, reader.uint())
      else if (key === 4) fields.set(key, reader.bool())
      else reader.skip()
    }
    reader.end()
    reader.finish()
    expect([1, 2, 3, 4].map((key) => fields.get(key))).toEqual(expected)
  })

  test('two items follow each other: header and body', () => {
    const reader = new CborReader(hex('a4010702 1a01020304 0318c8 04f5 80'))
    expect(toHex(reader.rawItem())).toBe('a40107021a010203040318c804f5')
    reader.beginArray()
    reader.end()
    reader.finish()
  })

  test('absent fields at the end are left out, others are null (build-trust/ockam fb8fb64cd, identity.rs test_display)', () => {
    expect(structLength(1, undefined, undefined)).toBe(1)
    expect(structLength(undefined, 2, undefined)).toBe(2)
    expect(structLength()).toBe(0)
    const key = hex('f405e06d988fa8039cce1cd0ae607e46847c1b64bc459ca9d89dd9b21ae30681')
    const writer = new CborWriter()
    const changeData = writer.array(5).null().enumeration(0, 1).bytes(key).bool(false).uint(0x654cebe9).uint(0x7818eee9).finish()
    expect(toHex(writer.array(3).uint(1).uint(1).bytes(changeData).finish())).toBe(
      '830101583285f68200815820f405e06d988fa8039cce1cd0ae607e46847c1b64bc459ca9d89dd9b21ae30681f41a654cebe91a7818eee9',
    )
    const reader = new CborReader(changeData)
    reader.beginArray(5)
    expect(reader.hasValue()).toBe(false)
    expect(reader.beginEnum()).toBe(0)
    expect(toHex(reader.bytes(32))).toBe(toHex(key))
    reader.endEnum()
    expect([reader.bool(), reader.uint64(), reader.uint64()]).toEqual([false, 0x654cebe9n, 0x7818eee9n])
    reader.end()
    reader.finish()
  })

  test('the close message of a channel is five bytes (build-trust/ockam fb8fb64cd, messages_test.exs)', () => {
    expect(toHex(new CborWriter().array(2).enumeration(2, 0).bytes(new Uint8Array(0)).finish())).toBe('8282028040')
  })

  test('an expression is nested variants (build-trust/ockam fb8fb64cd, ockam_abac)', () => {
    const writer = new CborWriter().enumeration(7, 1).array(3)
    writer.enumeration(5, 1).text('=').enumeration(5, 1).text('subject.a').enumeration(1, 1).text('true')
    expect(toHex(writer.finish())).toBe('82078183820581613d820581697375626a6563742e618201816474727565')
  })

  test('a field before the first is a null gap (build-trust/ockam fb8fb64cd, ResourceTypeOrName)', () => {
    expect(toHex(new CborWriter().enumeration(2, 2).null().text('outlet1').finish())).toBe('820282f6676f75746c657431')
  })

  test('a datagram with the largest numbers has a head of fifteen bytes (build-trust/ockam fb8fb64cd, ockam_transport_udp)', () => {
    const writer = new CborWriter().array(5).uint(255).uint(65_535).uint(0xffff_ffff).bool(true).bytes(new Uint8Array(493))
    expect(writer.finish()).toHaveLength(508)
  })
})

const folder = process.env.OCKAM_EXTERNAL_VECTORS
const vectors = folder === undefined ? undefined : join(folder, 'identity-channels.json')

test('every CBOR encoding among the external vectors is read and written again byte for byte', ({ skip }) => {
  if (vectors === undefined || !existsSync(vectors)) {
    console.info('external CBOR vectors: skipped, OCKAM_EXTERNAL_VECTORS names no folder with identity-channels.json')
    if (vectors !== undefined && process.env.OCKAM_TEST_REQUIRE === 'all') throw new Error(`${vectors} is missing`)
    skip()
    return
  }
  const names =
    /^(change_history|padded_message|change_data2?|versioned_data2?|attestation(_data)?|purpose_key_attestation|credential_data|credential_and_purpose_key|encoded|cbor|none|one)$/
  let count = 0
  JSON.parse(readFileSync(vectors, 'utf8'), (name, value: unknown) => {
    if (typeof value !== 'string' || value === '' || !names.test(name)) return value
    const reader = new CborReader(hex(value))
    const items: string[] = []
    while (reader.hasNext()) items.push(toHex(encodeValue(readValue(reader))))
    expect(items.join(''), name).toBe(value)
    count++
    return value
  })
  console.info(`external CBOR vectors: ${count} ran`)
  expect(count).toBeGreaterThan(20)
})
