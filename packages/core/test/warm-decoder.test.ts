/**
 * Decoders that remember routes, against strangers who send what fits a remembered one badly: what they return depends on the bytes alone, never on
 * what came before, and nothing behind the input is looked at. Each input is the whole of its memory, so that a look behind it is an error.
 */

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { OckamError, Route, RouteDecoder, TransportMessageDecoder } from '../src/index.ts'

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** A copy that ends where its memory ends. */
const exact = (bytes: ArrayLike<number>): Uint8Array<ArrayBuffer> => {
  const copy = new Uint8Array(bytes.length)
  copy.set(bytes)
  return copy
}
const fromHex = (text: string): Uint8Array<ArrayBuffer> => exact(Buffer.from(text.replaceAll(' ', ''), 'hex'))

/** What came of it, fit to be compared. Anything but an OckamError comes out. */
const outcome = (decode: () => string): string => {
  try {
    return decode()
  } catch (error) {
    if (!OckamError.is(error)) throw error
    return error.code
  }
}
const message = (decoder: TransportMessageDecoder, bytes: Uint8Array, start: number, end: number): string =>
  outcome(() => {
    const { onwardRoute, returnRoute, payload } = decoder.decode(bytes, start, end)
    return [onwardRoute.encode(), returnRoute.encode(), payload].map(hexOf).join(' ')
  })
const route = (decoder: RouteDecoder, bytes: Uint8Array, start: number, end: number): string =>
  outcome(() => `${hexOf(decoder.decode(bytes, start, end).encode())} ${decoder.position - start}`)

/** Few, so that they come again; short ones begin longer ones. */
const NAMES = ['', 'a', 'aa', 'echo', '0123456789abcdef0123456789abcdef']
const anyRoute = fc.array(fc.constantFrom(...NAMES), { maxLength: 4 }).map((names) => [...Route.of(...names).encode()])
const anyIndefiniteRoute = anyRoute.map(([, ...addresses]) => [0x9f, ...addresses, 0xff])
const anyPayload = fc.uint8Array({ maxLength: 6 }).map((bytes) => [0x40 | bytes.length, ...bytes])

/** Heads of messages: `83` to `97` with the elements they announce, `98` with a count behind it, `9f` with an end. */
const anyMessage = fc
  .tuple(
    fc.oneof({ weight: 4, arbitrary: anyRoute }, anyIndefiniteRoute),
    fc.oneof({ weight: 4, arbitrary: anyRoute }, anyIndefiniteRoute),
    anyPayload,
    fc.integer({ min: 0, max: 20 }),
    fc.constantFrom('short', 'counted', 'indefinite'),
  )
  .map(([onward, back, payload, further, head]) => {
    const elements = [...onward, ...back, ...payload, ...Array.from({ length: further }, () => 0xf6)]
    const count = 3 + further
    if (head === 'short') return [0x80 | count, ...elements]
    return head === 'counted' ? [0x98, count, ...elements] : [0x9f, ...elements, 0xff]
  })

const anyChange = fc.tuple(fc.nat(300), fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(0x80, 0x81, 0x82, 0x9f, 0x98, 0xff)))
const mutated = (bytes: readonly number[], changes: readonly (readonly [number, number])[], cut: number): Uint8Array => {
  const copy = exact(bytes.slice(0, bytes.length - Math.min(cut, bytes.length)))
  for (const [at, value] of changes) if (copy.length > 0) copy[at % copy.length] = value
  return copy
}
const anyInput = fc
  .tuple(anyMessage, fc.array(anyChange, { maxLength: 2 }), fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat(12)))
  .map(([bytes, changes, cut]) => mutated(bytes, changes, cut))
const anyRouteInput = fc
  .tuple(fc.oneof(anyRoute, anyIndefiniteRoute), fc.array(anyChange, { maxLength: 2 }), fc.nat(3))
  .map(([bytes, changes, cut]) => mutated(bytes, changes, cut))

describe('a decoder that remembers routes', () => {
  test('regression: is not led behind the input by a message that ends before a remembered route would', () => {
    const decoder = new TransportMessageDecoder()
    expect(message(decoder, fromHex('84 81 82004161 80 40 f6'), 0, 9)).toBe('8182004161 80 ')
    expect(message(decoder, fromHex('9f 80 80 40 ff'), 0, 5)).toBe('80 80 ')
    expect(message(decoder, fromHex('9f 81 82004161 80 40 ff'), 0, 9)).toBe('8182004161 80 ')
  })

  test('decodes each message as a decoder that has seen nothing, and looks at nothing behind it', () => {
    fc.assert(
      fc.property(fc.array(anyInput, { minLength: 1, maxLength: 20 }), fc.nat(3), (inputs, before) => {
        const warm = new TransportMessageDecoder()
        for (const input of inputs) {
          const padded = exact([...new Uint8Array(before), ...input])
          const expected = message(new TransportMessageDecoder(), exact(input), 0, input.length)
          expect(message(warm, input, 0, input.length)).toBe(expected)
          expect(message(warm, padded, before, padded.length)).toBe(expected)
        }
      }),
      { numRuns: 1_000 },
    )
  })

  test('decodes each route as a decoder that has seen nothing, also when it is told of an end that is too far', () => {
    fc.assert(
      fc.property(fc.array(anyRouteInput, { minLength: 1, maxLength: 20 }), fc.nat(40), (inputs, beyond) => {
        const warm = new RouteDecoder()
        for (const input of inputs) {
          const expected = route(new RouteDecoder(), exact(input), 0, input.length)
          expect(route(warm, input, 0, input.length)).toBe(expected)
          expect(route(warm, input, 0, input.length + beyond)).toBe(expected)
        }
      }),
      { numRuns: 1_000 },
    )
  })

  test('takes bytes behind the input for no part of a route, even when they would complete a remembered one', () => {
    const decoder = new RouteDecoder()
    const memory = Route.of('a', 'echo').encode()
    decoder.decode(memory, 0, memory.length)
    const cut = memory.subarray(0, memory.length - 1)
    expect(route(decoder, cut, 0, memory.length)).toBe('core/invalid-cbor')
  })
})
