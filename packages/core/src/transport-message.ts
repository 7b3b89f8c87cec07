/**
 * The CBOR message that TCP and UDP carry: `[onward route, return route, payload, tracing]` (routing message of the published Rust nodes, in the
 * form that Elixir nodes accept too: always four elements on encode; three, four or more on decode).
 *
 * Not here: framing (each transport has its own) and tracing contexts, which are skipped on decode and null on encode.
 */

import { CborReader } from './cbor/index.ts'
import { OckamError } from './error.ts'
import type { TransportMessage } from './message.ts'
import { Route } from './route.ts'
import { MAX_ROUTE_ADDRESSES, RouteDecoder } from './route-decoder.ts'
import { isSame } from './same-bytes.ts'

const FOUR_ELEMENTS = 0x84
const NULL = 0xf6
const NO_BUFFER = new ArrayBuffer(0)
/** Up to this length V8 keeps bytes within the array's own object: copying them costs little more than a view, which would be copied before long. */
const SMALL = 64
const NO_VIEW = new DataView(NO_BUFFER)
/** After so many messages in a row with the same return route the next ones are expected to have the same routes as the last. */
const STREAM = 8
/** Longer routes are looked up one by one, always. */
const MAX_HEADER = 512

/** Decodes messages of one connection. Keep one per connection: it remembers the routes that keep coming. */
export class TransportMessageDecoder {
  readonly #maxAddresses: number
  readonly #onward: RouteDecoder
  readonly #return: RouteDecoder
  /** The last input, its length and its memory: the messages of one read share them, and asking an array for its buffer is slow. */
  #bytes: Uint8Array | undefined
  #length = 0
  #buffer: ArrayBufferLike = NO_BUFFER
  #offset = 0
  #view: DataView = NO_VIEW
  /** Where the return route decoded last is remembered, and how many messages in a row had it. */
  #slot = 0
  #repeats = 0
  /** In a stream, what each message is expected to have in front of its payload, which is compared in one go, and the routes in it. Else no bytes. */
  #header: DataView = NO_VIEW
  #headerLength = 0
  #onwardRoute: Route = Route.empty
  #returnRoute: Route = Route.empty

  /** @param maxAddresses most addresses in onward and return route together. */
  constructor(maxAddresses: number = MAX_ROUTE_ADDRESSES) {
    this.#maxAddresses = maxAddresses
    this.#onward = new RouteDecoder(maxAddresses)
    this.#return = new RouteDecoder(maxAddresses)
  }

  /**
   * Decodes the message in `bytes[start, end)`, which must be a plain Uint8Array. Routes are independent of it, the payload is a view of it, or a copy
   * where it has at most 64 bytes. Bytes behind the message are ignored, as Rust nodes do.
   * @throws {OckamError} `core/invalid-cbor`, `core/invalid-address`, `core/limit-exceeded`
   */
  decode(bytes: Uint8Array, start: number, end: number): TransportMessage {
    if (bytes !== this.#bytes) this.#look(bytes)
    let elements = 4
    let onwardRoute = this.#onwardRoute
    let returnRoute = this.#returnRoute
    let at = start + this.#headerLength
    // The view is over all of the buffer: an end that is too far would compare with what is no part of the input.
    if (at === start || at > end || end > this.#length || !isSame(this.#view, this.#offset + start, this.#header, 0, at - start)) {
      elements = start < end ? (bytes[start] as number) - 0x80 : 0
      if (elements < 3 || elements > 0x17) return this.#decodeUnusual(bytes.subarray(start, end))
      onwardRoute = this.#onward.decode(bytes, start + 1, end)
      returnRoute = this.#return.decode(bytes, this.#onward.position, end)
      this.#checkAddresses(onwardRoute, returnRoute)
      at = this.#return.position
      const { slot } = this.#return
      this.#repeats = slot === this.#slot ? this.#repeats + 1 : 0
      this.#slot = slot
      this.#headerLength = 0
      if (this.#repeats === STREAM) this.#expect(start, at - start, onwardRoute, returnRoute)
    }
    const head = at < end ? (bytes[at++] as number) : 0
    let length = head - 0x40
    if (length < 0 || length > 0x1b) throw invalid('the payload is not a byte string', at - start)
    if (length > 23) {
      const lengthEnd = at + (1 << (length - 24))
      if (lengthEnd > end) throw invalid('the bytes end too early', at - start)
      length = 0
      while (at < lengthEnd) length = length * 256 + (bytes[at++] as number)
    }
    if (length > end - at) throw invalid('the bytes end too early', at - start)
    const isPayloadAlone = length <= SMALL
    // Not `bytes.slice`: that looks for the method in each message, and costs a fifth of the copy.
    const payload = isPayloadAlone
      ? Uint8Array.prototype.slice.call(bytes, at, at + length)
      : new Uint8Array(this.#buffer, this.#offset + at, length)
    at += length
    if (elements > 4 || (elements === 4 && bytes[at] !== NULL) || (elements === 4 && at >= end)) {
      skipTracing(bytes.subarray(at, end), elements - 3)
    }
    return { onwardRoute, returnRoute, payload, isPayloadAlone }
  }

  #look(bytes: Uint8Array): void {
    this.#bytes = bytes
    this.#length = bytes.length
    this.#offset = bytes.byteOffset
    const { buffer } = bytes
    if (buffer === this.#buffer) return
    this.#buffer = buffer
    this.#view = new DataView(buffer)
  }

  /** A stream has begun: `length` bytes from `start` on, all of them valid, are expected in front of the next payloads. */
  #expect(start: number, length: number, onwardRoute: Route, returnRoute: Route): void {
    this.#repeats = 0
    const from = this.#offset + start
    if (length > MAX_HEADER || this.#view.getUint8(from) !== FOUR_ELEMENTS) return
    if (this.#header === NO_VIEW) this.#header = new DataView(new ArrayBuffer(MAX_HEADER))
    for (let i = 0; i < length; i++) this.#header.setUint8(i, this.#view.getUint8(from + i))
    this.#headerLength = length
    this.#onwardRoute = onwardRoute
    this.#returnRoute = returnRoute
  }

  #decodeUnusual(bytes: Uint8Array): TransportMessage {
    const reader = new CborReader(bytes, { what: 'message' })
    const declared = reader.beginArray(3)
    const onward = reader.rawItem()
    const back = reader.rawItem()
    const onwardRoute = this.#onward.decode(onward, 0, onward.length)
    const returnRoute = this.#return.decode(back, 0, back.length)
    this.#checkAddresses(onwardRoute, returnRoute)
    const payload = reader.bytes()
    if (declared !== 3 && reader.hasValue()) reader.text()
    reader.end()
    return { onwardRoute, returnRoute, payload, isPayloadAlone: false }
  }

  #checkAddresses(onwardRoute: Route, returnRoute: Route): void {
    const count = onwardRoute.length + returnRoute.length
    if (count > this.#maxAddresses) {
      throw new OckamError(
        'core/limit-exceeded',
        `A received message has ${count} addresses in its routes; ${this.#maxAddresses} are allowed.`,
      )
    }
  }
}

/**
 * Encodes messages of one connection. Keep one per connection: the bytes of the routes used last are kept. Call {@link prepare}, make room for
 * `headerLength + payload.length + 1` bytes, then {@link writeHeader}, the payload, and {@link TRAILER}.
 */
export class TransportMessageEncoder {
  /** Bytes in front of the payload of the message prepared last. */
  headerLength = 0
  #onward: Route | undefined
  #return: Route | undefined
  /** Room for encoded routes, reused, and the part of it that holds the present ones. */
  #scratch: Uint8Array = new Uint8Array(512)
  #routes: Uint8Array = this.#scratch
  #payloadLength = 0

  /** Returns the length of the whole message. */
  prepare(message: TransportMessage): number {
    if (message.onwardRoute !== this.#onward || message.returnRoute !== this.#return) {
      const { onwardRoute, returnRoute } = message
      const routesLength = 1 + onwardRoute.encodedLength + returnRoute.encodedLength
      if (routesLength > this.#scratch.length) this.#scratch = new Uint8Array(2 * routesLength)
      const routes = this.#scratch.subarray(0, routesLength)
      routes[0] = FOUR_ELEMENTS
      returnRoute.encodeInto(routes, onwardRoute.encodeInto(routes, 1))
      this.#onward = onwardRoute
      this.#return = returnRoute
      this.#routes = routes
    }
    const length = message.payload.length
    this.#payloadLength = length
    this.headerLength = this.#routes.length + (length < 24 ? 1 : length < 0x100 ? 2 : length < 0x1_0000 ? 3 : 5)
    return this.headerLength + length + 1
  }

  /** Writes everything up to the payload. Returns the offset behind it. */
  writeHeader(out: Uint8Array, at: number): number {
    out.set(this.#routes, at)
    let position = at + this.#routes.length
    const length = this.#payloadLength
    if (length < 24) {
      out[position++] = 0x40 | length
    } else if (length < 0x100) {
      out[position++] = 0x58
      out[position++] = length
    } else if (length < 0x1_0000) {
      out[position++] = 0x59
      out[position++] = length >> 8
      out[position++] = length & 0xff
    } else {
      out[position++] = 0x5a
      out[position++] = length >>> 24
      out[position++] = (length >> 16) & 0xff
      out[position++] = (length >> 8) & 0xff
      out[position++] = length & 0xff
    }
    return position
  }
}

/** The byte behind the payload: the tracing context, null. */
export const TRAILER: typeof NULL = NULL

/** A message as a fresh array: for datagrams and tests; streams use {@link TransportMessageEncoder}. */
export function encodeTransportMessage(message: TransportMessage): Uint8Array<ArrayBuffer> {
  const encoder = new TransportMessageEncoder()
  const out = new Uint8Array(encoder.prepare(message))
  const at = encoder.writeHeader(out, 0)
  out.set(message.payload, at)
  out[out.length - 1] = TRAILER
  return out
}

/** @param count how many elements follow the payload, the tracing context first. */
function skipTracing(bytes: Uint8Array, count: number): void {
  const reader = new CborReader(bytes, { what: 'message' })
  if (!reader.tryNull()) reader.text()
  for (let i = 1; i < count; i++) reader.skip()
}

function invalid(problem: string, offset: number): OckamError<'core/invalid-cbor'> {
  return new OckamError('core/invalid-cbor', `Cannot read the message: ${problem} (CBOR, byte ${offset}).`)
}
