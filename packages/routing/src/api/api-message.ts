/**
 * Request and response of the node API: what Rust nodes' managers, authorities and token services speak. A body is a header map and an optional
 * CBOR item behind it, both wrapped in BARE data (a length and the bytes).
 *
 * Header keys: request `{1: id, 2: path, 3: method, 4: has body}`, response `{1: id, 2: re, 3: status, 4: has body}`. Unknown keys are skipped; keys
 * that older nodes send (0) too.
 */

import { BareReader, encodeBareData } from '@ockam/core/bare'
import { CborReader, CborWriter, definedCount } from '@ockam/core/cbor'
import { routingError } from '../error.ts'

export type ApiMethod = 'GET' | 'POST' | 'PUT' | 'DELETE' | 'PATCH'

/** Others make Rust decoders fail. */
export type ApiStatus = 200 | 400 | 401 | 403 | 404 | 405 | 408 | 409 | 500 | 501

export interface ApiRequest {
  /** 1 to 2^32-1. */
  readonly id: number
  readonly method: ApiMethod
  readonly path: string
  /** One encoded CBOR item. */
  readonly body?: Uint8Array | undefined
}

export interface ApiResponse {
  /** 1 to 2^32-1. */
  readonly id: number
  /** Id of the request, or 0. */
  readonly re: number
  readonly status: ApiStatus
  /** One encoded CBOR item. Every status but 200 needs one; so does 200 when the request was one that Rust clients wait for ({@link API_UNIT}). */
  readonly body?: Uint8Array | undefined
}

/** The body of every status but 200. */
export interface ApiError {
  readonly path?: string | undefined
  readonly method?: ApiMethod | undefined
  readonly message?: string | undefined
  /** What led to it, an error itself; at most 8 inside one another. What a peer need not know is left out. */
  readonly cause?: ApiError | undefined
}

/** Body of a 200 that says nothing else: an empty array, which every Rust client takes for its unit. */
export const API_UNIT: Uint8Array = Uint8Array.of(0x80)

const METHODS: readonly ApiMethod[] = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH']
const STATUSES: readonly number[] = [200, 400, 401, 403, 404, 405, 408, 409, 500, 501]
const MAX_ID = 0xffff_ffff
/** Causes behind an error, each inside the one before. */
const MAX_CAUSES = 8

/** The message payload, BARE data around header and body. @throws {OckamError} `routing/invalid-argument` */
export function encodeApiRequest(request: ApiRequest): Uint8Array<ArrayBuffer> {
  checkId('id', request.id, 1)
  const writer = new CborWriter().map(4)
  writer.uint(1).uint(request.id).uint(2).text(request.path).uint(3).uint(methodNumber(request.method))
  return finish(writer, request.body)
}

/** @throws {OckamError} `core/invalid-bare`, `core/invalid-cbor`, `routing/invalid-argument` for a missing element, and for an unknown method. */
export function decodeApiRequest(payload: Uint8Array): ApiRequest {
  const reader = unwrap(payload, 'API request')
  const header = readHeader(reader, true)
  const method = METHODS[header.number ?? -1]
  if (method === undefined || header.path === undefined)
    throw routingError('routing/invalid-argument', 'The API request has no known method, or no path.')
  return { id: header.id, path: header.path, method, body: readBody(reader, header) }
}

/**
 * The message payload, BARE data around header and body.
 * @throws {OckamError} `routing/invalid-argument`, also for a status other than 200 without a body: Rust clients would report a malformed answer
 * and lose the status.
 */
export function encodeApiResponse(response: ApiResponse): Uint8Array<ArrayBuffer> {
  checkId('id', response.id, 1)
  checkId('re', response.re, 0)
  if (!STATUSES.includes(response.status) || (response.status !== 200 && response.body === undefined)) {
    throw routingError(
      'routing/invalid-argument',
      `An API response has one of the statuses ${STATUSES.join(', ')}, and a body unless it is 200; got ${response.status} ${response.body === undefined ? 'without' : 'with'} a body.`,
    )
  }
  const writer = new CborWriter().map(4)
  writer.uint(1).uint(response.id).uint(2).uint(response.re).uint(3).uint(response.status)
  return finish(writer, response.body)
}

/** @throws {OckamError} `core/invalid-bare`, `core/invalid-cbor`, `routing/invalid-argument` for a missing element, and for an unknown status. */
export function decodeApiResponse(payload: Uint8Array): ApiResponse {
  const reader = unwrap(payload, 'API response')
  const header = readHeader(reader, false)
  if (header.number === undefined || !STATUSES.includes(header.number)) {
    throw routingError('routing/invalid-argument', 'The API response has no known status.')
  }
  return {
    id: header.id,
    re: header.re,
    status: header.number as ApiStatus,
    body: readBody(reader, header),
  }
}

/** One CBOR item: a body for {@link ApiResponse}. @throws {OckamError} `routing/invalid-argument` for an unknown method, and for more than 8 causes. */
export function encodeApiError(error: ApiError): Uint8Array<ArrayBuffer> {
  const writer = new CborWriter()
  let causes = 0
  for (let next: ApiError | undefined = error; next !== undefined; next = next.cause) {
    const { path, method, message, cause } = next
    if (causes++ > MAX_CAUSES) throw routingError('routing/invalid-argument', `An API error has at most ${MAX_CAUSES} causes.`)
    writer.map(definedCount(path, method, message, cause))
    if (path !== undefined) writer.uint(1).text(path)
    if (method !== undefined) writer.uint(2).uint(methodNumber(method))
    if (message !== undefined) writer.uint(3).text(message)
    // The last element of its map: what follows is the cause's own.
    if (cause !== undefined) writer.uint(4)
  }
  return writer.finish()
}

/**
 * Reads an error map, or the plain text that some services send, also as bytes. Of its causes the first 8 are read, and those behind passed over.
 * @throws {OckamError} `core/invalid-cbor`, `core/limit-exceeded`
 */
export function decodeApiError(body: Uint8Array): ApiError {
  const reader = new CborReader(body, { what: 'API error' })
  if (reader.peek() === 'text') return { message: reader.text() }
  if (reader.peek() === 'bytes') return { message: new TextDecoder('utf-8', { ignoreBOM: true }).decode(reader.bytes()) }
  return readError(reader, MAX_CAUSES)
}

function readError(reader: CborReader, maxCauses: number): ApiError {
  let path: string | undefined
  let method: ApiMethod | undefined
  let message: string | undefined
  let cause: ApiError | undefined
  reader.beginMap()
  for (let key = reader.nextKey(); key !== undefined; key = reader.nextKey()) {
    if (key === 1) path = reader.tryNull() ? undefined : reader.text()
    else if (key === 2) method = reader.tryNull() ? undefined : METHODS[reader.uint()]
    else if (key === 3) message = reader.tryNull() ? undefined : reader.text()
    else if (key === 4 && maxCauses > 0) cause = reader.tryNull() ? undefined : readError(reader, maxCauses - 1)
    else reader.skip()
  }
  reader.end()
  return { path, method, message, cause }
}

interface Header {
  readonly id: number
  /** 0 in requests. */
  readonly re: number
  readonly path: string | undefined
  readonly number: number | undefined
  readonly hasBody: boolean
}

function readHeader(reader: CborReader, isRequest: boolean): Header {
  let id = 0
  let re: number | undefined = isRequest ? 0 : undefined
  let path: string | undefined
  let number: number | undefined
  let hasBody: boolean | undefined
  reader.beginMap()
  for (let key = reader.nextKey(); key !== undefined; key = reader.nextKey()) {
    if (key === 1) id = reader.uint(MAX_ID)
    else if (key === 2 && isRequest) path = reader.text()
    else if (key === 2) re = reader.uint(MAX_ID)
    else if (key === 3) number = reader.tryNull() ? undefined : reader.uint(MAX_ID)
    else if (key === 4) hasBody = reader.bool()
    else reader.skip()
  }
  reader.end()
  if (id === 0) throw routingError('routing/invalid-argument', 'The API message has no id.')
  if (re === undefined || hasBody === undefined) {
    throw routingError(
      'routing/invalid-argument',
      'The API message does not say which request it answers, or whether a body follows; Rust nodes always do.',
    )
  }
  return { id, re, path, number, hasBody }
}

/** Rust nodes since 2025 announce a body also for their unit, and put nothing there. */
function readBody(reader: CborReader, { hasBody }: Header): Uint8Array<ArrayBuffer> | undefined {
  return hasBody && reader.hasNext() ? new Uint8Array(reader.rawItem()) : undefined
}

/** Announces the body and puts it behind the header: an item of its own, not of the header. */
function finish(writer: CborWriter, body: Uint8Array | undefined): Uint8Array<ArrayBuffer> {
  if (body?.length === 0)
    throw routingError('routing/invalid-argument', 'The body of an API message is one CBOR item, or left out; got no bytes.')
  writer.uint(4).bool(body !== undefined)
  if (body !== undefined) writer.raw(body)
  return encodeBareData(writer.finish())
}

function unwrap(payload: Uint8Array, what: string): CborReader {
  return new CborReader(new BareReader(payload, { what }).data(), { what })
}

function checkId(name: string, value: number, least: 0 | 1): void {
  if (Number.isInteger(value) && value >= least && value <= MAX_ID) return
  throw routingError('routing/invalid-argument', `The ${name} of an API message is ${least} to 2^32-1; got ${value}.`)
}

function methodNumber(method: ApiMethod): number {
  const number = METHODS.indexOf(method)
  if (number !== -1) return number
  throw routingError('routing/invalid-argument', `The method of an API request is one of ${METHODS.join(', ')}; got ${method}.`)
}
