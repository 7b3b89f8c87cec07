import { OckamError } from '@ockam/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  API_UNIT,
  type ApiError,
  type ApiStatus,
  decodeApiError,
  decodeApiRequest,
  decodeApiResponse,
  encodeApiError,
  encodeApiRequest,
  encodeApiResponse,
} from '@ockam/routing'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'))
const ID = 0x01020304

describe('messages of the node API', () => {
  // Encodings made with minicbor-derive 0.15.3 from the Rust nodes' structures.
  test('are the bytes of the Rust nodes', () => {
    expect(hex(encodeApiRequest({ id: ID, method: 'GET', path: '/node' }))).toBe('12a4011a0102030402652f6e6f6465030004f4')
    expect(hex(encodeApiRequest({ id: ID, method: 'POST', path: '/' }))).toBe('0ea4011a0102030402612f030104f4')
    expect(hex(encodeApiResponse({ id: 7, re: ID, status: 200 }))).toBe('0ea40107021a010203040318c804f4')
    expect(hex(encodeApiResponse({ id: 7, re: ID, status: 200, body: API_UNIT }))).toBe('0fa40107021a010203040318c804f580')
    expect(hex(encodeApiResponse({ id: 7, re: ID, status: 404, body: bytesOf('80') })).slice(2, 34)).toBe(
      'a40107021a010203040319019404f580',
    )
    expect(hex(encodeApiError({ path: '/a', method: 'GET', message: 'nope' }))).toBe('a301622f61020003646e6f7065')
  })

  test('skip keys they do not know, also the type tags of older nodes', () => {
    expect(decodeApiRequest(bytesOf('10 a5 00 1a0073c2d6 01 05 02 612f 03 01 04 f4')).path).toBe('/')
    expect(decodeApiRequest(bytesOf('0c a5 01 05 02 612f 03 01 04 f4 09 80')).id).toBe(5)
    expect(decodeApiError(bytesOf('a2 00 1a00518cfc 03 626e6f'))).toMatchObject({ message: 'no' })
    expect(decodeApiError(bytesOf('626e6f'))).toEqual({ message: 'no' })
    expect(decodeApiError(bytesOf('426e6f'))).toEqual({ message: 'no' })
  })

  test('tell the causes of an error, each inside the one before', () => {
    const error = decodeApiError(bytesOf('a2 03 626e6f 04 a2 01 622f61 04 a2 02 00 03 6161'))
    expect(error).toEqual({ message: 'no', cause: { path: '/a', cause: { method: 'GET', message: 'a' } } })
    expect(hex(encodeApiError(error))).toBe('a203626e6f04a201622f6104a20200036161')
    expect(decodeApiError(bytesOf('a2 03 626e6f 04 f6'))).toEqual({ message: 'no' })
    // A cause is such a map, and nothing else.
    for (const cause of ['626e6f', '80', '05']) expect(() => decodeApiError(bytesOf(`a1 04 ${cause}`))).toThrow(OckamError)
  })

  test('tell 8 causes of an error and no more, however many there are', () => {
    const nested = (causes: number): Uint8Array => bytesOf(`${'a1 04 '.repeat(causes)} a1 03 6161`)
    const depth = (error: ApiError | undefined): number => (error === undefined ? -1 : depth(error.cause) + 1)
    expect(depth(decodeApiError(nested(8)))).toBe(8)
    expect(depth(decodeApiError(nested(9)))).toBe(8)
    expect(hex(encodeApiError(decodeApiError(nested(8))))).toBe(hex(nested(8)))
    expect(() => decodeApiError(nested(100_000))).toThrow(expect.objectContaining({ code: 'core/limit-exceeded' }))
    const circular: { message: string; cause?: ApiError } = { message: 'a' }
    circular.cause = circular
    expect(() => encodeApiError(circular)).toThrow(expect.objectContaining({ code: 'routing/invalid-argument' }))
  })

  test('refuse methods and statuses that Rust nodes cannot decode', () => {
    expect(() => decodeApiRequest(bytesOf('0a a4 01 05 02 612f 03 09 04 f4'))).toThrowError(
      expect.objectContaining({ code: 'routing/invalid-argument' }),
    )
    expect(() => decodeApiRequest(bytesOf('08 a3 01 05 02 612f 04 f4'))).toThrow(OckamError)
    expect(() => decodeApiResponse(bytesOf('0b a4 01 07 02 05 03 1901a2 04 f4'))).toThrow(OckamError)
    // No id: nothing could be answered to it.
    expect(() => decodeApiRequest(bytesOf('08 a3 02 612f 03 01 04 f4'))).toThrow(OckamError)
  })

  test('are refused without the elements that Rust nodes insist on, and with keys that are no u32', () => {
    for (const header of [
      'a3 01 05 02 612f 03 01', // whether a body follows
      'a4 01 05 02 612f 03 01 20 f4', // the same under key -1
      'a5 01 05 02 612f 03 01 04 f4 20 80', // key -1 besides
      'a5 01 05 02 612f 03 01 04 f4 1b0000000100000000 80', // key 2^32
    ]) {
      const bytes = bytesOf(header)
      expect(() => decodeApiRequest(Uint8Array.of(bytes.length, ...bytes)), header).toThrow(OckamError)
    }
    for (const header of ['a3 01 07 02 05 03 18c8', 'a3 01 07 03 18c8 04 f4', 'a4 01 07 20 05 03 18c8 04 f4']) {
      const bytes = bytesOf(header)
      expect(() => decodeApiResponse(Uint8Array.of(bytes.length, ...bytes)), header).toThrow(OckamError)
    }
  })

  test('take an announced body that is not there for none: so Rust nodes of 2025 write their unit', () => {
    expect(decodeApiRequest(bytesOf('0a a4 01 05 02 612f 03 01 04 f5'))).toMatchObject({ path: '/', body: undefined })
    expect(decodeApiResponse(bytesOf('0a a4 01 07 02 05 03 18c8 04 f5'))).toEqual({ id: 7, re: 5, status: 200, body: undefined })
    // A body that is cut off is still refused.
    expect(() => decodeApiResponse(bytesOf('0b a4 01 07 02 05 03 18c8 04 f5 82'))).toThrow(OckamError)
  })

  test('that Rust nodes could not use are not written', () => {
    const invalid = expect.objectContaining({ code: 'routing/invalid-argument' })
    const request = { id: 1, method: 'GET', path: '/' } as const
    const response = { id: 1, re: 1, status: 200 } as const
    for (const id of [0, -1, 1.5, 2 ** 32, Number.NaN]) {
      expect(() => encodeApiRequest({ ...request, id })).toThrowError(invalid)
      expect(() => encodeApiResponse({ ...response, id })).toThrowError(invalid)
    }
    expect(() => encodeApiRequest({ ...request, method: 'HEAD' as 'GET' })).toThrowError(invalid)
    expect(() => encodeApiError({ method: 'HEAD' as 'GET' })).toThrowError(invalid)
    expect(() => encodeApiRequest({ ...request, body: new Uint8Array(0) })).toThrowError(invalid)
    expect(() => encodeApiResponse({ ...response, re: -1 })).toThrowError(invalid)
    expect(() => encodeApiResponse({ ...response, status: 418 as 400, body: API_UNIT })).toThrowError(invalid)
    // A Rust client that gets a failure without a body reports a malformed answer instead of the status.
    expect(() => encodeApiResponse({ ...response, status: 403 })).toThrowError(invalid)
    expect(decodeApiResponse(encodeApiResponse({ ...response, re: 0 }))).toMatchObject({ re: 0, status: 200 })
  })

  test('decode to what was encoded, whatever the body', () => {
    const body = fc.option(
      fc.uint8Array({ maxLength: 20 }).map((content) => Uint8Array.of(0x58, content.length, ...content)),
      { nil: undefined },
    )
    const id = fc.integer({ min: 1, max: 0xffff_ffff })
    // Graphemes: any text that has a UTF-8 form.
    const path = fc.string({ unit: 'grapheme' })
    fc.assert(
      fc.property(id, path, body, (request, where, item) => {
        const decoded = decodeApiRequest(encodeApiRequest({ id: request, method: 'PUT', path: where, body: item }))
        expect(decoded).toEqual({ id: request, method: 'PUT', path: where, body: item })
        for (const status of item === undefined ? [200 as const] : ([200, 403, 501] satisfies ApiStatus[])) {
          expect(decodeApiResponse(encodeApiResponse({ id: request, re: 0, status, body: item }))).toEqual({
            id: request,
            re: 0,
            status,
            body: item,
          })
        }
      }),
    )
  })

  test('never throw anything but OckamError for bytes of a stranger', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        for (const decode of [decodeApiRequest, decodeApiResponse, decodeApiError]) {
          try {
            decode(bytes)
          } catch (error) {
            expect(OckamError.is(error)).toBe(true)
          }
        }
      }),
      { numRuns: 1000 },
    )
  })
})
