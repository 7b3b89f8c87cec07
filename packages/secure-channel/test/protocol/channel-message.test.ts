import { OckamError, Route } from '@ockam/core'
import { CborReader, CborWriter } from '@ockam/core/cbor'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ChannelMessageDecoder, encodeClose, encodeRefresh, payloadLength, writePayload } from '../../src/protocol/channel-message.ts'
import { decodeIdentityPayload, encodeIdentityPayload } from '../../src/protocol/identity-payload.ts'
import { hex, toHex } from '../known-key-vault.ts'

const decode = (message: Uint8Array): ChannelMessageDecoder => {
  const decoder = new ChannelMessageDecoder()
  decoder.decode(message, 0, message.length)
  return decoder
}

function encode(onward: Route, back: Route, payload: Uint8Array): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(payloadLength(onward, back, payload.length))
  expect(writePayload(out, 0, onward, back, payload)).toBe(out.length)
  return out
}

/** A message to `echo`, return `app`, six bytes; Close and its like in build-trust/ockam fb8fb64cd, messages_test.exs. */
const TO_ECHO = '8282008183818200446563686f81820043617070460568656c6c6f40'

describe('messages inside a channel', () => {
  test('a Payload has the bytes of the Rust nodes', () => {
    expect(toHex(encode(Route.of('echo'), Route.of('app'), hex('0568656c6c6f')))).toBe(TO_ECHO)
  })

  test('the ping of a session has the bytes of the Rust nodes: a number in CBOR, to echo, from a collector', () => {
    const collector = '00112233445566778899aabbccddeeff'
    const ping = `8282008183 818200446563686f 8182005820${toHex(new TextEncoder().encode(collector))} 491b0102030405060708 40`.replaceAll(
      ' ',
      '',
    )
    const number = new CborWriter().uint(0x0102030405060708n).finish()
    expect(toHex(encode(Route.of('echo'), Route.of(collector), number))).toBe(ping)
    const { kind, onwardRoute, returnRoute, payloadStart, payloadEnd } = decode(hex(ping))
    expect([kind, String(onwardRoute), String(returnRoute)]).toEqual(['payload', '0#echo', `0#${collector}`])
    expect(new CborReader(hex(ping).subarray(payloadStart, payloadEnd)).uint64()).toBe(0x0102030405060708n)
  })

  test('a Close has the bytes of the Rust nodes (messages_test.exs)', () => {
    expect(toHex(encodeClose())).toBe('8282028040')
    expect(decode(hex('8282028040')).kind).toBe('close')
  })

  test('a Payload comes back as it was, whatever its routes and size', () => {
    const route = fc
      .array(
        fc.string({ minLength: 1, maxLength: 30 }).filter((name) => !name.includes('#')),
        { maxLength: 6 },
      )
      .map((names) => Route.of(...names))
    const payload = fc.oneof(
      fc.uint8Array({ maxLength: 400 }),
      fc.constantFrom(65_535, 65_536, 70_000).map((length) => new Uint8Array(length)),
    )
    fc.assert(
      fc.property(route, route, payload, (onward, back, content) => {
        const message = encode(onward, back, content)
        const decoded = decode(message)
        expect(decoded.kind).toBe('payload')
        expect(decoded.onwardRoute.equals(onward)).toBe(true)
        expect(decoded.returnRoute.equals(back)).toBe(true)
        expect(Buffer.compare(message.subarray(decoded.payloadStart, decoded.payloadEnd), content)).toBe(0)
      }),
      { numRuns: 60 },
    )
  })

  test.each([
    ['padding of any content is ignored', '8282008183818200446563686f81820043617070460568656c6c6f43010203'],
    ['arrays may be indefinite', '9f82009f9f818200446563686f81820043617070460568656c6c6fffff40ff'],
    ['further elements are skipped', '8382008183818200446563686f81820043617070460568656c6c6f40f6'],
    ['lengths may be longer than needed', '8282008183818200446563686f81820043617070590006 0568656c6c6f40'.replace(' ', '')],
    ['bytes behind the message are ignored', `${TO_ECHO}00ff`],
  ])('what Rust accepts is accepted: %s', (_, message) => {
    const bytes = hex(message)
    const decoded = decode(bytes)
    expect(decoded.onwardRoute.toString()).toBe('0#echo')
    expect(decoded.returnRoute.toString()).toBe('0#app')
    expect(toHex(bytes.slice(decoded.payloadStart, decoded.payloadEnd))).toBe('0568656c6c6f')
  })

  test.each([
    ['nothing at all', ''],
    ['no padding', '8282008183818200446563686f81820043617070460568656c6c6f'],
    ['a cut payload', '8282008183818200446563686f818200436170704605'],
    ['an unknown kind', '8282038040'],
    ['an enumeration that is not an array of two', '82830281804040'],
    ['an indefinite enumeration', '829f0280ff40'],
    ['a payload that is text', '8282008183818200446563686f818200436170706161 40'.replace(' ', '')],
    ['a payload that claims four gigabytes', '8282008183818200446563686f818200436170705affffffff0040'],
    ['an address without value', '828200818381810081820043617070414140'],
    ['a hostile depth of arrays', `82${'81'.repeat(100_000)}`],
  ])('refused with a typed error: %s', (_, message) => {
    expect(() => decode(hex(message))).toThrowError(expect.objectContaining({ code: 'secure-channel/invalid-message' }))
  })

  test('routes of more than 32 addresses together are refused before they go anywhere', () => {
    const names = Array.from({ length: 17 }, (_, i) => `a${i}`)
    expect(() => decode(encode(Route.of(...names), Route.of(...names), new Uint8Array(1)))).toThrowError(/more than 32 addresses/)
    expect(() => decode(encode(Route.of(...names), Route.of(...names.slice(2)), new Uint8Array(1)))).not.toThrow()
  })

  test('no mutation makes the decoder throw anything else, or read beyond its message', () => {
    const valid = hex(TO_ECHO)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 4 }), fc.nat(valid.length - 1), fc.nat(255), fc.nat(valid.length), (behind, at, byte, cut) => {
        const length = cut === 0 ? valid.length : cut
        const bytes = new Uint8Array(length + behind.length + 20)
        bytes.set(valid.subarray(0, length))
        bytes[Math.min(at, length - 1)] = byte
        const decoder = new ChannelMessageDecoder()
        try {
          decoder.decode(bytes, 0, length)
        } catch (error) {
          expect(OckamError.is(error, 'secure-channel/invalid-message')).toBe(true)
          return
        }
        if (decoder.kind === 'payload') expect(decoder.payloadEnd).toBeLessThanOrEqual(length)
      }),
      { numRuns: 2000 },
    )
  })
})

const PARTS = { changeHistory: hex('80'), attestation: hex('80') }
const SIGNATURE = `8200815840${'07'.repeat(64)}`
const P256_SIGNATURE = SIGNATURE.replace('8200', '8201')

describe('identity payloads and refreshes', () => {
  test('items are cut out exactly as they came', () => {
    const changeHistory = hex('81825801aa8200814100')
    const attestation = hex('824101820081410b')
    const credentials = [hex(`82824101${SIGNATURE}824102${P256_SIGNATURE}`), hex(`9f8340${SIGNATURE}f69f4102${SIGNATURE}ffff`)]
    const decoded = decodeIdentityPayload(encodeIdentityPayload({ changeHistory, attestation, credentials }))
    expect(toHex(decoded.changeHistory)).toBe(toHex(changeHistory))
    expect(toHex(decoded.attestation)).toBe(toHex(attestation))
    expect(decoded.credentials.map(toHex)).toEqual(credentials.map(toHex))
    const refresh = decode(encodeRefresh({ changeHistory, credentials }))
    expect(refresh.kind).toBe('refresh')
    expect(refresh.refresh?.credentials.map(toHex)).toEqual(credentials.map(toHex))
  })

  test('too many credentials are refused', () => {
    const credentials = Array.from({ length: 65 }, () => hex(`82824101${SIGNATURE}824102${SIGNATURE}`))
    const payload = encodeIdentityPayload({ ...PARTS, credentials })
    expect(() => decodeIdentityPayload(payload)).toThrowError(
      expect.objectContaining({ cause: expect.objectContaining({ message: 'More than 64 credentials.' }) }),
    )
    expect(decodeIdentityPayload(encodeIdentityPayload({ ...PARTS, credentials: credentials.slice(1) })).credentials).toHaveLength(64)
  })

  test.each([
    ['that is no array', 'a0'],
    ['without the attestation of its key', `81824101${SIGNATURE}`],
    ['whose data is text', `82826161${SIGNATURE}824102${SIGNATURE}`],
    ['without a signature', `82814101824102${SIGNATURE}`],
    ['with a signature of an unknown type', `82824101${SIGNATURE.replace('8200', '8202')}824102${SIGNATURE}`],
    ['with a signature of 63 bytes', `82824101820081583f${'07'.repeat(63)}824102${SIGNATURE}`],
    ['whose attestation has no signature', `82824101${SIGNATURE}824102f6`],
  ])('a credential %s is refused with all that is shown with it', (_, credential) => {
    const message = { ...PARTS, credentials: [hex(`82824101${SIGNATURE}824102${SIGNATURE}`), hex(credential)] }
    const refused = expect.objectContaining({ code: 'secure-channel/invalid-message' })
    expect(() => decodeIdentityPayload(encodeIdentityPayload(message))).toThrowError(refused)
    expect(() => decode(encodeRefresh(message))).toThrowError(refused)
  })

  test('random bytes are refused with a typed error or read as three items', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        try {
          decodeIdentityPayload(bytes)
        } catch (error) {
          expect(OckamError.is(error, 'secure-channel/invalid-message')).toBe(true)
        }
      }),
    )
  })
})
