import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Address, OckamError, Route, RouteDecoder } from '../src/index.ts'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const address = fc.tuple(fc.integer({ min: 0, max: 255 }), fc.uint8Array({ maxLength: 40 })).map(([type, value]) => Address.of(type, value))
const addresses = fc.array(address, { maxLength: 10 })

describe('Route', () => {
  test('reads and prints the text form, spaces trimmed', () => {
    const route = Route.parse(' a=> 1#b:40 =>c ')
    expect(String(route)).toBe('0#a => 1#b:40 => 0#c')
    expect(route.next?.name).toBe('a')
    expect(route.recipient?.name).toBe('c')
    for (const text of ['', ' ', 'a =>', '=> a', 'a => => b']) {
      expect(() => Route.parse(text), text).toThrowError(expect.objectContaining({ code: 'core/invalid-route' }))
    }
  })

  test('is made from everything a user may write', () => {
    const expected = '0#a => 0#b'
    expect(String(Route.from('a => b'))).toBe(expected)
    expect(String(Route.from(['a', 'b']))).toBe(expected)
    expect(String(Route.from('/service/a/worker/b'))).toBe(expected)
    expect(String(Route.from('/secure/api'))).toBe('0#api')
    expect(String(Route.from([Address.local('a'), 'b']))).toBe(expected)
    expect(String(Route.from(Address.local('a')))).toBe('0#a')
    expect(Route.from([]).isEmpty).toBe(true)
    expect(() => Route.from('/ip4/127.0.0.1/tcp/4000')).toThrowError(expect.objectContaining({ code: 'core/invalid-route' }))
    expect(() => Route.from(7 as never)).toThrow(OckamError)
  })

  test('takes names in a list literally, also with a number sign', () => {
    expect(Route.from(['1#x']).next?.type).toBe(0)
  })

  test('cannot be stepped when it is empty', () => {
    expect(Route.empty.next).toBeUndefined()
    expect(() => Route.empty.step()).toThrowError(expect.objectContaining({ code: 'core/invalid-route' }))
  })

  test('gives the same objects for the same steps, so that a stream of messages allocates none', () => {
    const decoded = new RouteDecoder().decode(Route.parse('a => b => c').encode(), 0, 100)
    const hop = Address.local('x')
    expect(decoded.step()).toBe(decoded.step())
    expect(decoded.next).toBe(decoded.next)
    expect(decoded.prepend(hop)).toBe(decoded.prepend(hop))
    expect(decoded.prepend(hop).step()).toBe(decoded)
  })

  test('does not let the empty route remember who prepended to it last', () => {
    const one = Route.empty.prepend(Address.local('a'))
    expect(Route.empty.prepend(Address.local('b'))).not.toBe(one)
  })

  test('behaves as a list of addresses, however it was put together', () => {
    fc.assert(
      fc.property(addresses, addresses, fc.nat(12), (front, back, steps) => {
        const encoded = Route.of(...back).encode()
        let route = new RouteDecoder().decode(encoded, 0, encoded.length)
        for (const hop of [...front].reverse()) route = route.prepend(hop)
        let expected = [...front, ...back]
        for (let i = 0; i < Math.min(steps, expected.length); i++) route = route.step()
        expected = expected.slice(Math.min(steps, expected.length))
        expect([...route].map(String)).toEqual(expected.map(String))
        expect(route.length).toBe(expected.length)
        expect(route.next?.key).toBe(expected[0]?.key)
        expect(route.recipient?.key).toBe(expected.at(-1)?.key)
        expect(hex(route.encode())).toBe(hex(Route.of(...expected).encode()))
        expect(route.encodedLength).toBe(route.encode().length)
        expect(route.equals(Route.of(...expected))).toBe(true)
        expect(String(route.concat(Route.of(...front)))).toBe([...expected, ...front].join(' => '))
        expect(String(route.withoutRecipient())).toBe(expected.slice(0, -1).join(' => '))
      }),
    )
  })
})

describe('Equality of routes', () => {
  /** Few bytes, so that equal ones come by chance and names hold what routes print between names. */
  const anyAddress = fc
    .tuple(
      fc.constantFrom(0, 1, 23, 24, 255),
      fc.oneof(fc.constantFrom('a', 'b', 'a => 0#b', '0xff', ''), fc.constant(Uint8Array.of(0xff))),
    )
    .map(([type, value]) => Address.of(type, value))
  const anyRoute = fc.array(anyAddress, { maxLength: 3 })

  test('regression: routes that print alike are not equal for that', () => {
    const pairs = [
      [Route.of(Address.local('a => 0#b')), Route.of('a', 'b')],
      [Route.of(Address.local(Uint8Array.of(0xff))), Route.of(Address.local('0xff'))],
    ] as const
    for (const [one, other] of pairs) {
      expect(String(one)).toBe(String(other))
      expect(one.equals(other)).toBe(false)
      expect(other.equals(one)).toBe(false)
    }
    expect(Address.local(Uint8Array.of(0xff)).equals(Address.local('0xff'))).toBe(false)
  })

  test('is equality of their addresses, byte for byte, however they were put together', () => {
    fc.assert(
      fc.property(anyRoute, anyRoute, (some, others) => {
        const bytes = Route.of(...others).encode()
        const decoded = new RouteDecoder().decode(bytes, 0, bytes.length)
        const isSame = some.length === others.length && some.every((hop, i) => hop.key === others[i]?.key)
        for (const other of [Route.of(...others), decoded, decoded.prepend(Address.local('x')).step()]) {
          expect(Route.of(...some).equals(other)).toBe(isSame)
          expect(other.equals(Route.of(...some))).toBe(isSame)
        }
        expect(Route.of(...some, 'end').equals(Route.of(...some))).toBe(false)
      }),
      { numRuns: 1_000 },
    )
  })

  test('does not depend on the form in which a route was received', () => {
    for (const form of ['81820044 6563686f', '9f82004465 63686fff', '980182005804 6563686f', '8183182a4465 63686ff6']) {
      const bytes = new Uint8Array(Buffer.from(form.replaceAll(' ', ''), 'hex'))
      const route = new RouteDecoder().decode(bytes, 0, bytes.length)
      expect(route.equals(Route.of('echo')), form).toBe(!form.includes('182a'))
      expect(route.equals(Route.of(Address.of(42, 'echo'))), form).toBe(form.includes('182a'))
    }
  })
})

describe('RouteDecoder', () => {
  test('decodes what was encoded, also in the middle of other bytes', () => {
    fc.assert(
      fc.property(addresses, fc.uint8Array({ maxLength: 9 }), fc.uint8Array({ maxLength: 9 }), (hops, before, after) => {
        const encoded = Route.of(...hops).encode()
        const bytes = Uint8Array.of(...before, ...encoded, ...after)
        const decoder = new RouteDecoder()
        const route = decoder.decode(bytes, before.length, bytes.length)
        expect([...route].map(String)).toEqual(hops.map(String))
        expect(decoder.position).toBe(before.length + encoded.length)
      }),
    )
  })

  test('returns the same route for the same bytes, and keeps none of the input', () => {
    const decoder = new RouteDecoder()
    const bytes = Route.parse('a => b').encode()
    const first = decoder.decode(bytes, 0, bytes.length)
    expect(decoder.decode(bytes.slice(), 0, bytes.length)).toBe(first)
    bytes.fill(0xff)
    expect(String(first)).toBe('0#a => 0#b')
  })

  test('tells apart more flows than it remembers', () => {
    const decoder = new RouteDecoder()
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 20; i++) {
        const bytes = Route.parse(`flow-${i} => x`).encode()
        expect(String(decoder.decode(bytes, 0, bytes.length))).toBe(`0#flow-${i} => 0#x`)
      }
    }
  })

  test('accepts what minicbor accepts: longer heads, indefinite arrays, further elements; equal addresses stay equal', () => {
    const expected = Route.parse('echo')
    for (const form of [
      '9f82004465 63686fff',
      '98018200446563686f',
      '819f00446563686fff',
      '818218004 46563686f',
      '8182005804 6563686f',
      '8183004465 63686ff6',
      '8182005900046563686f',
    ]) {
      const bytes = new Uint8Array(Buffer.from(form.replaceAll(' ', ''), 'hex'))
      const decoder = new RouteDecoder()
      const route = decoder.decode(bytes, 0, bytes.length)
      expect(route.next?.key, form).toBe(expected.next?.key)
      expect(decoder.position, form).toBe(bytes.length)
    }
  })

  test('refuses what minicbor refuses', () => {
    const forms = [
      '',
      '81',
      '8182',
      '818200',
      '81820044656368',
      '818200646563686f',
      '81c18200446563686f',
      '8181446563686f',
      '8182390044656368',
      '81821901 0044656368',
      'a0',
      'f6',
      '8182005f4165ff',
    ]
    for (const form of forms) {
      const bytes = new Uint8Array(Buffer.from(form.replaceAll(' ', ''), 'hex'))
      expect(() => new RouteDecoder().decode(bytes, 0, bytes.length), form).toThrow(OckamError)
    }
  })

  test('refuses more addresses than allowed before reading them', () => {
    const bytes = Route.of(...Array.from({ length: 33 }, () => 'x')).encode()
    expect(() => new RouteDecoder().decode(bytes, 0, bytes.length)).toThrowError(expect.objectContaining({ code: 'core/limit-exceeded' }))
    const lie = new Uint8Array(Buffer.from('9affffffff', 'hex'))
    expect(() => new RouteDecoder().decode(lie, 0, lie.length)).toThrow(OckamError)
    const endless = Uint8Array.of(0x9f, ...Array.from({ length: 40 }, () => [0x82, 0, 0x41, 0x61]).flat())
    expect(() => new RouteDecoder().decode(endless, 0, endless.length)).toThrowError(
      expect.objectContaining({ code: 'core/limit-exceeded' }),
    )
  })

  test('never reads past the end it was given', () => {
    fc.assert(
      fc.property(addresses, fc.nat(400), (hops, cut) => {
        const encoded = Route.of(...hops, 'last').encode()
        const end = Math.min(cut, encoded.length - 1)
        expect(() => new RouteDecoder().decode(encoded, 0, end)).toThrow(OckamError)
      }),
    )
  })
})
