/** The bytes of portal messages: known answers of the Rust and Elixir nodes, and what is made of bytes that are none. */

import { encodeTransportMessage, Route, TransportMessageDecoder } from '@ockam/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  decodePortalMessage,
  DISCONNECT,
  encodeChallenge,
  encodeCredit,
  encodeResponse,
  END,
  framePayload,
  MAX_PAYLOAD_BYTES,
  PAYLOAD_HEAD,
  PAYLOAD_TAIL,
  PAUSE,
  PING,
  PONG,
} from '../src/portal-message.ts'
import { bytesOf, hexOf } from './fixture/raw-peer.ts'

const payloadOf = (data: Uint8Array, counter?: number): Uint8Array => {
  const bytes = new Uint8Array(PAYLOAD_HEAD + data.length + PAYLOAD_TAIL)
  bytes.set(data, PAYLOAD_HEAD)
  return framePayload(bytes, PAYLOAD_HEAD, PAYLOAD_HEAD + data.length, counter)
}
const text = (value: string): Uint8Array => new TextEncoder().encode(value)

describe('encoding', () => {
  test('Ping, Pong and Disconnect are one byte each, as in Rust', () => {
    expect([PING, PONG, DISCONNECT].map(hexOf)).toEqual(['00', '01', '02'])
  })

  test('Payload is the known answer of the Rust nodes, without and with a counter', () => {
    expect(hexOf(payloadOf(text('hello')))).toBe('030568656c6c6f')
    expect(hexOf(payloadOf(text('hello'), 123))).toBe('030568656c6c6f017b00')
    expect(hexOf(payloadOf(bytesOf('0505'), 0xaabb))).toBe('0302050501bbaa')
  })

  test('the length in front of the data takes one, two or three bytes', () => {
    expect(hexOf(payloadOf(new Uint8Array(127)).subarray(0, 2))).toBe('037f')
    expect(hexOf(payloadOf(new Uint8Array(128)).subarray(0, 3))).toBe('038001')
    expect(hexOf(payloadOf(new Uint8Array(16_383)).subarray(0, 3))).toBe('03ff7f')
    expect(hexOf(payloadOf(new Uint8Array(16_384)).subarray(0, 4))).toBe('03808001')
    expect(hexOf(payloadOf(new Uint8Array(MAX_PAYLOAD_BYTES)).subarray(0, 4))).toBe('03808003')
  })

  test('Credit, End and Pause are what docs/wire.md says', () => {
    expect(hexOf(encodeCredit(786_432))).toBe('04808030')
    expect([END, PAUSE].map(hexOf)).toEqual(['05', '09'])
    expect(decodePortalMessage(PAUSE)).toEqual({ kind: 'pause' })
  })

  test('Challenge and Response are what docs/wire.md says, and differ in their first byte alone', () => {
    expect(hexOf(encodeChallenge(0x0102_0304_0506_0708n))).toBe('070807060504030201')
    expect(hexOf(encodeResponse(0x0102_0304_0506_0708n))).toBe('080807060504030201')
    expect(decodePortalMessage(bytesOf('07ffffffffffffffff'))).toEqual({ kind: 'challenge', number: 2n ** 64n - 1n })
    expect(decodePortalMessage(bytesOf('08ffffffffffffffff'))).toEqual({ kind: 'response', number: 2n ** 64n - 1n })
  })
})

/** Whole frames over plain TCP, of a portal whose outlet is `outlet`, between the workers `in1` and `out1` (build-trust/ockam fb8fb64cd). */
describe('frames of the Rust nodes', () => {
  test.each([
    {
      what: 'a Ping',
      frame: '00000014 83 818200466f75746c6574 81820043696e31 4100',
      to: 'outlet',
      from: 'in1',
      read: { kind: 'ping' },
      written: PING,
    },
    {
      what: 'a Pong',
      frame: '00000015 84 81820043696e31 818200446f757431 4101 627b7d',
      to: 'in1',
      from: 'out1',
      read: { kind: 'pong' },
      written: PONG,
    },
    {
      what: 'a Payload',
      frame: '00000016 83 818200446f757431 81820043696e31 45 0303616263',
      to: 'out1',
      from: 'in1',
      read: { kind: 'payload', data: text('abc'), counter: undefined },
      written: payloadOf(text('abc')),
    },
    {
      what: 'a Disconnect',
      frame: '00000012 83 818200446f757431 81820043696e31 4102',
      to: 'out1',
      from: 'in1',
      read: { kind: 'disconnect' },
      written: DISCONNECT,
    },
  ])('hold $what, which is read and written', ({ frame, to, from, read, written }) => {
    const bytes = bytesOf(frame.replaceAll(' ', ''))
    const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0)
    expect(length).toBe(bytes.length - 4)
    const { onwardRoute, returnRoute, payload } = new TransportMessageDecoder().decode(bytes, 4, bytes.length)
    expect([String(onwardRoute), String(returnRoute)]).toEqual([`0#${to}`, `0#${from}`])
    expect(decodePortalMessage(payload)).toEqual(read)
    expect(hexOf(written)).toBe(hexOf(payload))
    // What we write has four elements, the last one null; everything between is the same.
    const end = bytes[4] === 0x84 ? bytes.length - 3 : bytes.length
    const own = encodeTransportMessage({ onwardRoute: Route.of(to), returnRoute: Route.of(from), payload: written })
    expect(hexOf(own)).toBe(`84${hexOf(bytes.subarray(5, end))}f6`)
  })
})

describe('decoding', () => {
  test('takes the forms of Elixir: no counter said, a counter, and the old form', () => {
    expect(decodePortalMessage(bytesOf('0302050500'))).toEqual({ kind: 'payload', data: bytesOf('0505'), counter: undefined })
    expect(decodePortalMessage(bytesOf('0302050501bbaa'))).toEqual({ kind: 'payload', data: bytesOf('0505'), counter: 0xaabb })
    expect(decodePortalMessage(bytesOf('03020505'))).toEqual({ kind: 'payload', data: bytesOf('0505'), counter: undefined })
  })

  test('takes a counter only where there is room for one, as Rust does', () => {
    for (const tail of ['00', '01', '0102', '000102'])
      expect(decodePortalMessage(bytesOf(`030161${tail}`))).toMatchObject({ kind: 'payload', counter: undefined })
  })

  test('ignores what follows a message, as Rust does', () => {
    expect(decodePortalMessage(bytesOf('00ff'))).toEqual({ kind: 'ping' })
    expect(decodePortalMessage(bytesOf('01ff'))).toEqual({ kind: 'pong' })
    expect(decodePortalMessage(bytesOf('02ff'))).toEqual({ kind: 'disconnect' })
    expect(decodePortalMessage(bytesOf('0161'))).toEqual({ kind: 'pong' })
  })

  test('refuses nothing at all, unknown kinds, lengths over what is there, and lengths over all bounds', () => {
    for (const hex of [
      '',
      '06',
      'ff',
      '03',
      '030261',
      '03ffffffff0f61',
      `03${'ff'.repeat(9)}01`,
      '04',
      '0480',
      '07',
      `07${'00'.repeat(7)}`,
      '08',
      '0a',
    ])
      expect(decodePortalMessage(bytesOf(hex))).toBeUndefined()
  })

  test('gives back what was framed, and never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 70_000 }), fc.option(fc.nat(0xffff), { nil: undefined }), (data, counter) => {
        const decoded = decodePortalMessage(payloadOf(data, counter))
        expect(decoded).toMatchObject({ kind: 'payload', counter })
        expect(decoded?.kind === 'payload' && hexOf(decoded.data) === hexOf(data)).toBe(true)
      }),
      { numRuns: 50 },
    )
    fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => void decodePortalMessage(bytes)))
  })
})
