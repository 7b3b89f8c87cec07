/**
 * Encodings of the Rust nodes of build-trust/ockam at fb8fb64cd (24 October 2024) that no test of a single package holds in place: a whole frame of the
 * node API, and messages of what we do not speak yet. Each is read and written again byte for byte, by the codec of its format where we have one,
 * by the CBOR and BARE readers and writers where a package for it will start from them.
 */

import { Address, encodeTransportMessage, Route, type TransportMessage, TransportMessageDecoder } from '@ockam/core'
import { BareReader, BareWriter } from '@ockam/core/bare'
import { CborReader, CborWriter } from '@ockam/core/cbor'
import { decodeApiRequest, encodeApiRequest } from '@ockam/routing'
import { expect, test } from 'vitest'

/** What is found in the bytes, and the bytes written anew from that alone. */
interface Reading {
  readonly found: unknown
  readonly written: Uint8Array
}

interface Documented {
  readonly what: string
  readonly bytes: string
  readonly found: unknown
  readonly read: (bytes: Uint8Array) => Reading
}

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const fromHex = (digits: string): Uint8Array => new Uint8Array(Buffer.from(digits.replaceAll(' ', ''), 'hex'))
const textOf = (bytes: Uint8Array): string => new TextDecoder('utf-8', { fatal: true }).decode(bytes)

const decodeMessage = (bytes: Uint8Array): TransportMessage => new TransportMessageDecoder().decode(bytes, 0, bytes.length)

/** A message as Rust nodes write it without a tracing context: three elements. We write four, since Elixir nodes take nothing else. */
function inThreeElements(message: TransportMessage): Uint8Array {
  const four = encodeTransportMessage(message)
  expect([four[0], four.at(-1)]).toEqual([0x84, 0xf6])
  return Uint8Array.of(0x83, ...four.subarray(1, -1))
}

/** @param width bytes of the length in front. */
function framed(width: 2 | 4, body: Uint8Array): Uint8Array {
  const head = Array.from({ length: width }, (_, i) => (body.length >>> (8 * (width - 1 - i))) & 0xff)
  return Uint8Array.of(...head, ...body)
}

function readApiFrame(bytes: Uint8Array): Reading {
  const { onwardRoute, returnRoute, payload } = decodeMessage(bytes.subarray(4))
  const request = decodeApiRequest(payload)
  return {
    found: { to: String(onwardRoute), from: String(returnRoute), ...request },
    written: framed(4, inThreeElements({ onwardRoute, returnRoute, payload: encodeApiRequest(request) })),
  }
}

/** `{1: 0 ready, 1 not ready, 2 unsupported, 2: {1: certificates, 2: private key}}` */
function readCertificateReply(bytes: Uint8Array): Reading {
  const reader = new CborReader(bytes)
  let kind = -1
  const files: Uint8Array[] = []
  reader.beginMap()
  for (let key = reader.nextKey(); key !== undefined; key = reader.nextKey()) {
    if (key === 1) kind = reader.uint(2)
    else {
      reader.beginMap()
      while (reader.nextKey() !== undefined) files.push(reader.bytes())
      reader.end()
    }
  }
  reader.end()
  reader.finish()
  const writer = new CborWriter()
    .map(files.length === 0 ? 1 : 2)
    .uint(1)
    .uint(kind)
  if (files.length > 0) writer.uint(2).map(files.length)
  for (const [i, file] of files.entries()) writer.uint(i + 1).bytes(file)
  return { found: [kind, ...files.map(textOf)], written: writer.finish() }
}

/** An item of unsigned integers and arrays, which is all that a segment has: bytes are arrays of integers in it. */
type Numbers = number | readonly Numbers[]

function readNumbers(reader: CborReader): Numbers {
  if (reader.peek() !== 'array') return reader.uint()
  const items: Numbers[] = []
  reader.beginArray()
  while (reader.hasNext()) items.push(readNumbers(reader))
  reader.end()
  return items
}

function writeNumbers(writer: CborWriter, item: Numbers): CborWriter {
  if (typeof item === 'number') return writer.uint(item)
  writer.array(item.length)
  for (const element of item) writeNumbers(writer, element)
  return writer
}

function readSegment(bytes: Uint8Array): Reading {
  const reader = new CborReader(bytes)
  const found = readNumbers(reader)
  reader.finish()
  return { found, written: writeNumbers(new CborWriter(), found).finish() }
}

/** `[version, message number, byte offset, whether it is the last, bytes]` */
interface Datagram {
  readonly number: number
  readonly offset: number
  readonly isLast: boolean
  readonly part: Uint8Array
}

function readDatagram(bytes: Uint8Array): Datagram {
  const reader = new CborReader(bytes)
  expect(reader.beginArray(5)).toBe(5)
  expect(reader.uint()).toBe(1)
  const datagram = { number: reader.uint(0xffff), offset: reader.uint(0xffff_ffff), isLast: reader.bool(), part: reader.bytes() }
  reader.end()
  reader.finish()
  return datagram
}

const writeDatagram = ({ number, offset, isLast, part }: Datagram): Uint8Array =>
  new CborWriter(512).array(5).uint(1).uint(number).uint(offset).bool(isLast).bytes(part).finish()

function readSingleDatagram(bytes: Uint8Array): Reading {
  const { part, ...head } = readDatagram(bytes)
  const { onwardRoute, returnRoute, payload } = decodeMessage(part)
  const written = writeDatagram({ ...head, part: inThreeElements({ onwardRoute, returnRoute, payload }) })
  return { found: { ...head, to: String(onwardRoute), from: String(returnRoute), payload: hexOf(payload) }, written }
}

function readUnixFrame(bytes: Uint8Array): Reading {
  const reader = new BareReader(bytes.subarray(2))
  const version = reader.u8()
  const [onward, back] = [1, 2].map(() =>
    Route.of(...Array.from({ length: reader.list(2) }, () => Address.of(reader.u8(), reader.data()))),
  ) as [Route, Route]
  const payload = reader.data()
  const tracing = reader.optional() ? reader.string() : undefined
  reader.finish()
  const writer = new BareWriter().u8(version)
  for (const route of [onward, back]) {
    writer.uvarint(route.length)
    for (const { type, value } of route) writer.u8(type).data(value)
  }
  writer.data(payload).optional(tracing !== undefined)
  if (tracing !== undefined) writer.string(tracing)
  return {
    found: { version, to: String(onward), from: String(back), payload: hexOf(payload), tracing },
    written: framed(2, writer.finish()),
  }
}

const documented: readonly Documented[] = [
  {
    what: 'a TCP frame that asks a node manager about its node',
    bytes:
      '00000038 83 81 8200555f696e7465726e616c2e6e6f64656d616e61676572 81 820046636c69656e74 53 12 a4011a0102030402652f6e6f6465030004f4',
    found: { to: '0#_internal.nodemanager', from: '0#client', id: 0x01020304, method: 'GET', path: '/node' },
    read: readApiFrame,
  },
  { what: 'the answer of a certificate provider that has none yet', bytes: 'a1 01 01', found: [1], read: readCertificateReply },
  {
    what: 'the answer of a certificate provider with certificates and their key',
    bytes: 'a2 01 00 02 a2 01 4a66756c6c5f636861696e 02 4b707269766174655f6b6579',
    found: [0, 'full_chain', 'private_key'],
    read: readCertificateReply,
  },
  {
    what: 'a segment of an eBPF portal: SYN, with the option of a largest segment of 1460 bytes',
    bytes: '8a 01 1864 00 05 00 02 19ffff 00 81 83 02 81 04 82 05 18b4 80',
    found: [1, 100, 0, 5, 0, 2, 65_535, 0, [[2, [4], [5, 180]]], []],
    read: readSegment,
  },
  {
    what: 'a message in one UDP datagram, in the form with a byte offset',
    bytes: '85 01 191234 00 f5 581a 83818200446563686f81820046636c69656e74460568656c6c6f',
    found: { number: 0x1234, offset: 0, isLast: true, to: '0#echo', from: '0#client', payload: '0568656c6c6f' },
    read: readSingleDatagram,
  },
  {
    what: 'a frame of a Unix socket: BARE, with a length of two bytes in front',
    bytes: '0018 01 01 00046563686f 01 00026d65 06 0568656c6c6f 01 02 7b7d',
    found: { version: 1, to: '0#echo', from: '0#me', payload: '0568656c6c6f', tracing: '{}' },
    read: readUnixFrame,
  },
]

test.each(documented.map((one) => [one.what, one] as const))('%s is read and written byte for byte', (_, { bytes, found, read }) => {
  const reading = read(fromHex(bytes))
  expect(reading.found).toEqual(found)
  expect(hexOf(reading.written)).toBe(bytes.replaceAll(' ', ''))
})

test('a message of 622 bytes is two UDP datagrams with the documented heads, in the form with a byte offset', () => {
  const payload = new Uint8Array(600).fill(0x61)
  const message = inThreeElements({ onwardRoute: Route.of('echo'), returnRoute: Route.of('client'), payload })
  expect(message.length).toBe(622)
  const [first, last] = [
    writeDatagram({ number: 7, offset: 0, isLast: false, part: message.subarray(0, 493) }),
    writeDatagram({ number: 7, offset: 493, isLast: true, part: message.subarray(493) }),
  ]
  expect([first, last].map((bytes) => bytes.length)).toEqual([501, 138])
  expect(hexOf(first.subarray(0, 8))).toBe('8501' + '07' + '00' + 'f4' + '5901ed')
  expect(hexOf(last.subarray(0, 9))).toBe('8501' + '07' + '1901ed' + 'f5' + '5881')
  const parts = [first, last].map(readDatagram)
  expect(parts.map(({ number, offset, isLast }) => [number, offset, isLast])).toEqual([
    [7, 0, false],
    [7, 493, true],
  ])
  expect(hexOf(decodeMessage(Uint8Array.of(...parts.flatMap(({ part }) => [...part]))).payload)).toBe(hexOf(payload))
})
