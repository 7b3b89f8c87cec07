import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  Address,
  encodeTransportMessage,
  OckamError,
  Route,
  type TransportMessage,
  TransportMessageDecoder,
  TransportMessageEncoder,
} from '../src/index.ts'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'))
const decode = (bytes: Uint8Array): TransportMessage => new TransportMessageDecoder().decode(bytes, 0, bytes.length)
const message = (onward: string, back: string, payload: string): TransportMessage => ({
  onwardRoute: onward === '' ? Route.empty : Route.parse(onward),
  returnRoute: back === '' ? Route.empty : Route.parse(back),
  payload: bytesOf(payload),
})

const ECHO_FOUR = '84 81 8200446563686f 81 820046636c69656e74 46 0568656c6c6f f6'

describe('the message that TCP and UDP carry', () => {
  test('is encoded with four elements, which Rust and Elixir nodes both accept', () => {
    expect(hex(encodeTransportMessage(message('echo', 'client', '0568656c6c6f')))).toBe(ECHO_FOUR.replaceAll(' ', ''))
    expect(hex(encodeTransportMessage(message('0123456789abcdef0123456789abcdef', '', '01')))).toBe(
      '8481820058203031323334353637383961626364656630313233343536373839616263646566804101f6',
    )
  })

  test('encodes the head of the payload in shortest form at every boundary', () => {
    for (const [length, head] of [
      [23, '57'],
      [24, '5818'],
      [255, '58ff'],
      [256, '590100'],
      [300, '59012c'],
      [65_535, '59ffff'],
      [65_536, '5a00010000'],
    ] as const) {
      const encoded = encodeTransportMessage({ onwardRoute: Route.empty, returnRoute: Route.empty, payload: new Uint8Array(length) })
      expect(hex(encoded.subarray(0, 3 + head.length / 2))).toBe(`848080${head}`)
      expect(decode(encoded).payload).toHaveLength(length)
    }
  })

  // Messages made by minicbor-derive 0.15.3 and by the Elixir nodes' codec.
  test('is decoded with three elements, with a tracing context, with null, and with more', () => {
    for (const form of [
      '83 81 8200446563686f 81 820046636c69656e74 46 0568656c6c6f',
      '84 81 8200446563686f 81 820046636c69656e74 46 0568656c6c6f 62 7b7d',
      ECHO_FOUR,
      '85 81 8200446563686f 81 820046636c69656e74 46 0568656c6c6f f6 a10102',
      '9f 81 8200446563686f 81 820046636c69656e74 46 0568656c6c6f ff',
      '9f 81 8200446563686f 81 820046636c69656e74 46 0568656c6c6f f6 01 ff',
      '9804 81 8200446563686f 81 820046636c69656e74 5b0000000000000006 0568656c6c6f f6',
      '84 81 8200446563686f 81 820046636c69656e74 5b0000000000000006 0568656c6c6f f6',
      `${ECHO_FOUR} 00ff`,
    ]) {
      const decoded = decode(bytesOf(form))
      expect(String(decoded.onwardRoute), form).toBe('0#echo')
      expect(String(decoded.returnRoute), form).toBe('0#client')
      expect(hex(decoded.payload), form).toBe('0568656c6c6f')
    }
  })

  test('is refused where minicbor refuses it', () => {
    for (const form of [
      '',
      '80',
      '82 80 80',
      '83 80 80 f6',
      '83 80 f6 40',
      '83 80 80 8101',
      '83 80 80 5f4101ff',
      '83 80 80 c24101',
      '84 80 80 40 01',
      '84 80 80 40',
      '84 80 80 40 61ff',
      '84 80 80 42 00',
      '83 80 80 5bffffffffffffffff',
      'a3 80 80 40',
      '9f 80 80 40',
    ]) {
      expect(() => decode(bytesOf(form)), form).toThrow(OckamError)
    }
  })

  test('may have 32 addresses in both routes together and no more', () => {
    const route = (count: number): Route => Route.of(...Array.from({ length: count }, (_, i) => `${i}`))
    const payload = new Uint8Array(1)
    expect(decode(encodeTransportMessage({ onwardRoute: route(16), returnRoute: route(16), payload })).returnRoute.length).toBe(16)
    expect(() => decode(encodeTransportMessage({ onwardRoute: route(17), returnRoute: route(16), payload }))).toThrowError(
      expect.objectContaining({ code: 'core/limit-exceeded' }),
    )
  })

  test('decodes to what was encoded, through one encoder and one decoder', () => {
    const route = fc
      .array(fc.tuple(fc.integer({ min: 0, max: 255 }), fc.uint8Array({ maxLength: 300 })), { maxLength: 6 })
      .map((hops) => Route.of(...hops.map(([type, value]) => Address.of(type, value))))
    const encoder = new TransportMessageEncoder()
    const decoder = new TransportMessageDecoder()
    fc.assert(
      fc.property(route, route, fc.uint8Array({ maxLength: 400 }), fc.nat(5), (onwardRoute, returnRoute, payload, at) => {
        const length = encoder.prepare({ onwardRoute, returnRoute, payload })
        const out = new Uint8Array(at + length)
        const payloadAt = encoder.writeHeader(out, at)
        expect(payloadAt).toBe(at + encoder.headerLength)
        out.set(payload, payloadAt)
        out[at + length - 1] = 0xf6
        for (let again = 0; again < 2; again++) {
          const decoded = decoder.decode(out, at, out.length)
          expect(String(decoded.onwardRoute)).toBe(String(onwardRoute))
          expect(String(decoded.returnRoute)).toBe(String(returnRoute))
          expect(hex(decoded.payload)).toBe(hex(payload))
          const isView = decoded.payload.buffer === out.buffer
          expect([decoded.isPayloadAlone, isView]).toEqual(payload.length <= 64 ? [true, false] : [false, true])
        }
      }),
    )
  })

  test('is read alike by a decoder that knows the stream and by one that knows nothing, whole, cut, changed and with other bytes around it', () => {
    const outcome = (decoder: TransportMessageDecoder, bytes: Uint8Array, start: number, end: number): unknown => {
      try {
        const { onwardRoute, returnRoute, payload, isPayloadAlone } = decoder.decode(bytes, start, end)
        return [String(onwardRoute), String(returnRoute), hex(payload), isPayloadAlone]
      } catch (error) {
        return error instanceof Error ? error.message : error
      }
    }
    // The same routes behind other heads, and routes that begin alike.
    const stream = [
      ECHO_FOUR,
      ECHO_FOUR.replace('84', '83').replace(' f6', ''),
      ECHO_FOUR.replace('f6', '6161'),
      ECHO_FOUR.replace('6563686f', '65636870'),
      ECHO_FOUR.replace('6e74', '6e75'),
      ECHO_FOUR.replace('81 8200446563686f', '80'),
    ].map(bytesOf)
    const step = fc.record({
      kind: fc.nat(stream.length - 1),
      times: fc.integer({ min: 1, max: 12 }),
      at: fc.nat(3),
      cut: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(30) }),
      change: fc.option(fc.tuple(fc.nat(29), fc.nat(255)), { freq: 4 }),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        const knowing = new TransportMessageDecoder()
        for (const { kind, times, at, cut, change } of steps) {
          const one = stream[kind] as Uint8Array
          // What was cut off goes on behind the end.
          const bytes = new Uint8Array(7 + at + one.length + 5).subarray(7)
          bytes.set(one, at)
          if (change !== null) bytes[at + (change[0] % one.length)] = change[1]
          const end = at + Math.max(0, one.length - cut)
          for (let i = 0; i < times; i++) {
            expect(outcome(knowing, bytes, at, end)).toEqual(outcome(new TransportMessageDecoder(), bytes, at, end))
          }
          // The input itself ends there.
          const ended = bytes.subarray(0, end)
          expect(outcome(knowing, ended, at, bytes.length)).toEqual(outcome(new TransportMessageDecoder(), ended, at, bytes.length))
        }
      }),
      { numRuns: 1000 },
    )
  })

  test('mutated or cut, throws nothing but OckamError and reads nothing behind its end', () => {
    const valid = bytesOf(ECHO_FOUR)
    const decoder = new TransportMessageDecoder()
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(valid.length - 1), fc.integer({ min: 0, max: 255 })), { maxLength: 4 }),
        fc.nat(valid.length),
        (changes, end) => {
          const bytes = valid.slice()
          for (const [at, value] of changes) bytes[at] = value
          try {
            expect(decoder.decode(bytes, 0, end).payload.byteOffset).toBeLessThanOrEqual(end)
          } catch (error) {
            expect(OckamError.is(error)).toBe(true)
          }
        },
      ),
      { numRuns: 2000 },
    )
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          decode(bytes)
        } catch (error) {
          expect(OckamError.is(error)).toBe(true)
        }
      }),
      { numRuns: 2000 },
    )
  })
})
