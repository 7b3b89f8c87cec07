import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { OckamError } from '../../src/error.ts'
import { MultiAddr, type MultiAddrProtocol, mergeMultiAddrProtocols, multiAddrProtocols } from '../../src/multiaddr/index.ts'
import { hex, toHex } from '../hex.ts'

const invalid: unknown = expect.objectContaining({ name: 'OckamError', code: 'core/invalid-multiaddr' })
const quic: MultiAddrProtocol = { name: 'quic', code: 460, value: 'port' }
const uds: MultiAddrProtocol = { name: 'uds', code: 400, value: 'encoded-text' }
const extended = mergeMultiAddrProtocols(multiAddrProtocols, [quic, uds])

describe('known answers (assembled from the codes and encodings of build-trust/ockam fb8fb64cd, ockam_multiaddr)', () => {
  test.each([
    ['/ip4/127.0.0.1/tcp/4000/service/echo', '047f000001 060fa0 bee80304 6563686f'],
    [
      '/dnsaddr/localhost/tcp/4000/secure/api/service/uppercase',
      '3809 6c6f63616c686f7374 060fa0 c6890603617069 bee80309 757070657263617365',
    ],
    [
      '/project/p1/service/forward_to_n1/secure/api/service/outlet',
      'de8405027031 bee8030d666f72776172645f746f5f6e31 c6890603617069 bee803066f75746c6574',
    ],
    ['/worker/w/node/n1/space/s1', 'fea0060177 ceb604026e31 eed205027331'],
    ['/ip6/::1/tcp/80', '2900000000000000000000000000000001 060050'],
    ['', ''],
  ])('%s', (text, digits) => {
    const address = MultiAddr.parse(text)
    expect(toHex(address.encode())).toBe(digits.replaceAll(' ', ''))
    expect(address.toString()).toBe(text)
    const decoded = MultiAddr.decode(hex(digits))
    expect(decoded.toString()).toBe(text)
    expect(decoded.equals(address)).toBe(true)
  })

  test('self is /secure/api', () => {
    expect(MultiAddr.parse('self').toString()).toBe('/secure/api')
  })

  test('the leading slash may be missing, and a value may be empty', () => {
    expect(MultiAddr.parse('service/echo').toString()).toBe('/service/echo')
    expect(MultiAddr.parse('').length).toBe(0)
    expect(MultiAddr.parse('/service//secure/api').toString()).toBe('/service//secure/api')
    expect(toHex(MultiAddr.parse('/service/').encode())).toBe('bee80300')
  })
})

describe('text that is not an address is refused', () => {
  test.each([
    ['an unknown name', '/udp/4000'],
    ['a slash alone', '/'],
    ['a name of an object', '/constructor/x'],
    ['a name without value', '/ip4/127.0.0.1/tcp'],
    ['a second leading slash', '//service/echo'],
    ['a slash too many at the end', '/tcp/4000/'],
    ['upper case', '/TCP/4000'],
    ['a port over 16 bits', '/tcp/65536'],
    ['a port with a sign', '/tcp/+80'],
    ['a port with leading zeros', '/tcp/0080'],
    ['a port that is no number', '/tcp/1e3'],
    ['an empty port', '/tcp/'],
    ['an IPv4 address with leading zeros', '/ip4/127.0.0.01'],
    ['an IPv4 address of three', '/ip4/127.0.1'],
    ['an IPv4 address of five', '/ip4/1.2.3.4.5'],
    ['an IPv4 address over its range', '/ip4/256.0.0.1'],
    ['a zone', '/ip6/fe80::1%eth0'],
    ['white space', '/ip4/ 127.0.0.1'],
    ['a line break', '/service/a\nb'],
    ['a control character', '/service/a\u0000'],
    ['half of a surrogate pair', '/service/\ud800'],
  ])('%s', (_, text) => {
    expect(() => MultiAddr.parse(text)).toThrow(invalid)
  })

  test('an error names the piece at fault, and says what could be missing', () => {
    expect(() => MultiAddr.parse('/ip4/1.2.3.4/quic/1')).toThrow(/knows no "quic", only ip4, tcp, .* Is a transport missing\?/)
    expect(() => MultiAddr.parse('/ip4/1.2.3.4/tcp/x')).toThrow(/after "tcp" comes a port from 0 to 65535, not "x"/)
  })

  test('an error quotes at most a line, without control characters', () => {
    try {
      MultiAddr.parse(`/tcp/\u001b[2J${'x'.repeat(3000)}`)
      expect.unreachable()
    } catch (error) {
      expect((error as Error).message).not.toContain('\u001b')
      expect((error as Error).message.length).toBeLessThan(500)
    }
  })

  test('anything but text is refused', () => {
    for (const value of [undefined, null, 1, {}, []]) expect(() => MultiAddr.parse(value as never)).toThrow(invalid)
  })
})

describe('IPv6 is read as RFC 4291 and written as RFC 5952', () => {
  test.each([
    ['::', '::'],
    ['::1', '::1'],
    ['1::', '1::'],
    ['2001:0db8:0000:0000:0000:0000:0002:0001', '2001:db8::2:1'],
    ['2001:DB8::A', '2001:db8::a'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    ['::2:3:4:5:6:7:8', '0:2:3:4:5:6:7:8'],
    ['::ffff:192.0.2.1', '::ffff:192.0.2.1'],
    ['::ffff:c000:201', '::ffff:192.0.2.1'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
    ['1:2:3:4:5:6:1.2.3.4', '1:2:3:4:5:6:102:304'],
  ])('%s is %s', (written, canonical) => {
    expect(MultiAddr.parse(`/ip6/${written}`).pieces[0]?.value).toBe(canonical)
    expect(MultiAddr.decode(MultiAddr.parse(`/ip6/${written}`).encode()).toString()).toBe(`/ip6/${canonical}`)
  })

  test.each([
    '',
    ':',
    ':::',
    '1',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1::2::3',
    '1:2:3:4:5:6:7:8::',
    '::1:2:3:4:5:6:7:8',
    '12345::',
    'g::',
    '1.2.3.4',
    '::1.2.3',
    '1.2.3.4::',
    '::1.2.3.4:5',
    '1:2:3:4:5:6:7:1.2.3.4',
    ':1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:',
    '::1 ',
  ])('"%s" is refused', (written) => {
    expect(() => MultiAddr.parse(`/ip6/${written}`)).toThrow(invalid)
  })

  test('every address is written so that it is read again', () => {
    fc.assert(
      fc.property(fc.ipV6(), (written) => {
        const value = MultiAddr.parse(`/ip6/${written}`).pieces[0]?.value as string
        expect(MultiAddr.parse(`/ip6/${value}`).pieces[0]?.value).toBe(value)
      }),
    )
  })
})

describe('bytes that are not an address are refused', () => {
  test.each([
    ['an unknown code', 'cc030001'],
    ['a cut address', '047f0000'],
    ['a cut port', '060f'],
    ['a length over the end', 'bee803056563686f'],
    ['a length of 2^63', 'bee803 80808080808080808001'],
    ['text that is not UTF-8', 'bee80302c328'],
    ['a slash in text, which would be read as the end of the value', 'bee803 0b 782f7365637572652f617069'],
    ['a line break in text', 'bee80303 610a62'],
    ['a code that is longer than needed', '86000fa0'],
    ['a length that is longer than needed', 'bee80384006563686f'],
    ['a cut code', 'be'],
  ])('%s', (_, digits) => {
    expect(() => MultiAddr.decode(hex(digits))).toThrow(invalid)
  })
})

describe('names of plug-ins', () => {
  test('are read and written with their table, and refused without', () => {
    const address = MultiAddr.parse('/ip4/127.0.0.1/quic/4001/service/echo', extended)
    expect(toHex(address.encode())).toBe('047f000001cc030fa1bee803046563686f')
    expect(address.toString()).toBe('/ip4/127.0.0.1/quic/4001/service/echo')
    expect(MultiAddr.decode(address.encode(), extended).equals(address)).toBe(true)
    expect(() => MultiAddr.parse(address.toString())).toThrow(invalid)
    expect(() => MultiAddr.decode(address.encode())).toThrow(invalid)
    expect(() => MultiAddr.parse('/ip4/127.0.0.1', [quic])).toThrow(invalid)
  })

  test('may have values with slashes, percent-encoded', () => {
    const address = MultiAddr.parse('/uds/%2Frun%2Fockam%20one.sock/service/%2F', extended)
    expect(address.pieces.map(({ value }) => value)).toEqual(['/run/ockam one.sock', '%2F'])
    expect(address.toString()).toBe('/uds/%2Frun%2Fockam%20one.sock/service/%2F')
    expect(MultiAddr.decode(address.encode(), extended).equals(address)).toBe(true)
    for (const text of ['/uds/%', '/uds/%2', '/uds/%ff', '/uds/%c3%28', '/uds/\ud800'])
      expect(() => MultiAddr.parse(text, extended)).toThrow(invalid)
  })

  test('must not collide, but the same may come twice', () => {
    const misuse: unknown = expect.objectContaining({ code: 'core/invalid-argument' })
    expect(mergeMultiAddrProtocols(multiAddrProtocols, [quic], [{ ...quic }])).toHaveLength(multiAddrProtocols.length + 1)
    expect(() => mergeMultiAddrProtocols(multiAddrProtocols, [{ ...quic, name: 'tcp' }])).toThrow(misuse)
    expect(() => mergeMultiAddrProtocols(multiAddrProtocols, [{ ...quic, code: 6 }])).toThrow(misuse)
    expect(() => mergeMultiAddrProtocols([quic], [{ ...quic, value: 'text' }])).toThrow(misuse)
    for (const name of ['', 'a/b', 'Quic', '-', 'é']) expect(() => mergeMultiAddrProtocols([{ ...quic, name }])).toThrow(misuse)
    for (const code of [-1, 0.5, 2 ** 32, Number.NaN]) expect(() => mergeMultiAddrProtocols([{ ...quic, code }])).toThrow(misuse)
  })

  test('the built-in table cannot be changed', () => {
    expect(Object.isFrozen(multiAddrProtocols)).toBe(true)
    expect(multiAddrProtocols.every((protocol) => Object.isFrozen(protocol))).toBe(true)
  })
})

describe('an address is a value', () => {
  const address = MultiAddr.parse('/dnsaddr/h/tcp/4000/service/a/secure/api')

  test('pieces tell name, code, kind and value, and cannot be changed', () => {
    expect(address.pieces[1]).toEqual({ name: 'tcp', code: 6, kind: 'port', value: '4000' })
    expect(() => (address.pieces as unknown[]).push(1)).toThrow(TypeError)
    expect(() => Object.assign(address.pieces[0] as object, { value: 'x' })).toThrow(TypeError)
  })

  test('it is cut and joined', () => {
    expect(address.slice(0, 2).toString()).toBe('/dnsaddr/h/tcp/4000')
    expect(address.slice(-1).toString()).toBe('/secure/api')
    expect(address.slice(0, 2).concat(address.slice(2)).equals(address)).toBe(true)
    expect(MultiAddr.from(address)).toBe(address)
    expect(MultiAddr.from('service/x').equals(MultiAddr.parse('/service/x'))).toBe(true)
  })

  test('it prints itself', () => {
    expect(`${address}`).toBe('/dnsaddr/h/tcp/4000/service/a/secure/api')
    expect(JSON.stringify({ address })).toBe('{"address":"/dnsaddr/h/tcp/4000/service/a/secure/api"}')
  })

  test('it is recognised by its brand, not by its class', () => {
    expect(MultiAddr.is(address)).toBe(true)
    expect(MultiAddr.is({ [Symbol.for('@ockam/core/MultiAddr')]: true })).toBe(true)
    for (const value of [undefined, null, 'text', {}, { pieces: [] }]) expect(MultiAddr.is(value)).toBe(false)
  })
})

describe('limits', () => {
  test('32 pieces', () => {
    expect(MultiAddr.parse('/service/a'.repeat(32)).length).toBe(32)
    expect(() => MultiAddr.parse('/service/a'.repeat(33))).toThrow(invalid)
    expect(() => MultiAddr.decode(hex('bee8030161'.repeat(33)))).toThrow(invalid)
    expect(() => MultiAddr.parse('/service/a'.repeat(32)).concat(MultiAddr.parse('/service/b'))).toThrow(invalid)
  })

  test('4096 characters, in text and in what binary becomes', () => {
    const longest = `/service/${'a'.repeat(4087)}`
    expect(MultiAddr.decode(MultiAddr.parse(longest).encode()).toString()).toBe(longest)
    expect(() => MultiAddr.parse(`${longest}a`)).toThrow(invalid)
    expect(() => MultiAddr.parse(longest).concat(MultiAddr.parse('/service/b'))).toThrow(invalid)
    expect(() => MultiAddr.decode(hex(`bee803f81f${'61'.repeat(4088)}`))).toThrow(invalid)
    expect(() => MultiAddr.decode(new Uint8Array(1 << 20))).toThrow(invalid)
    expect(MultiAddr.parse(`/service/${'水'.repeat(4087)}`).encode().length).toBe(4 + 1 + 3 * 4087)
  })
})

const anyPiece = fc.oneof(
  fc.tuple(
    fc.constantFrom('service', 'node', 'project', 'space', 'secure', 'worker', 'dnsaddr'),
    fc.string({ unit: 'grapheme', maxLength: 20 }).map((text) => text.replace(/[/\p{Control}]/gu, '')),
  ),
  fc.tuple(fc.constant('ip4'), fc.ipV4()),
  fc.tuple(fc.constant('ip6'), fc.ipV6()),
  fc.tuple(fc.constantFrom('tcp', 'quic'), fc.nat(65_535).map(String)),
  fc.tuple(fc.constant('uds'), fc.string({ unit: 'binary', maxLength: 20 }).map(encodeURIComponent)),
)

test('text and binary round-trip', () => {
  fc.assert(
    fc.property(fc.array(anyPiece, { maxLength: 32 }), (parts) => {
      const address = MultiAddr.parse(parts.map(([name, value]) => `/${name}/${value}`).join(''), extended)
      expect(MultiAddr.parse(address.toString(), extended).equals(address)).toBe(true)
      const decoded = MultiAddr.decode(address.encode(), extended)
      expect(decoded.pieces).toEqual(address.pieces)
      expect(toHex(decoded.encode())).toBe(toHex(address.encode()))
    }),
  )
})

test('random and changed text and bytes make a parser throw nothing but core/invalid-multiaddr, and what is accepted round-trips', () => {
  const anyText = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 60 }),
    fc
      .array(fc.constantFrom('/', 'ip4', 'tcp', 'service', 'uds', '1.2.3.4', '80', '%2F', '%', ':', 'self', '::1', 'ip6'), {
        maxLength: 12,
      })
      .map((parts) => parts.join('')),
  )
  const codes = extended.map(({ code }) => code)
  const anyBytes = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    fc
      .tuple(fc.constantFrom(...codes), fc.uint8Array({ maxLength: 30 }))
      .map(([code, rest]) =>
        Uint8Array.from([
          ...(code < 128
            ? [code]
            : code < 16_384
              ? [(code & 0x7f) | 0x80, code >> 7]
              : [(code & 0x7f) | 0x80, ((code >> 7) & 0x7f) | 0x80, code >> 14]),
          ...rest,
        ]),
      ),
  )
  const attempt = (read: () => MultiAddr): void => {
    let address: MultiAddr
    try {
      address = read()
    } catch (error) {
      expect(OckamError.is(error, 'core/invalid-multiaddr'), String(error)).toBe(true)
      return
    }
    expect(MultiAddr.parse(address.toString(), extended).equals(address)).toBe(true)
    expect(MultiAddr.decode(address.encode(), extended).equals(address)).toBe(true)
  }
  fc.assert(
    fc.property(anyText, anyBytes, (text, bytes) => {
      attempt(() => MultiAddr.parse(text, extended))
      attempt(() => MultiAddr.decode(bytes, extended))
    }),
    { numRuns: 1000 },
  )
})
