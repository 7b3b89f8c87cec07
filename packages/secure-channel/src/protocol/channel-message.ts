/**
 * The plaintext inside a channel: `PaddedMessage = [message, padding]`, where a message is Payload, RefreshCredentials or Close in minicbor's form
 * of an enumeration. Payload, the one that counts, is written and read by hand; every other form Rust nodes accept goes through the CBOR reader.
 *
 * We send no padding and ignore what others send. Bytes behind the message are ignored, as in Rust.
 */

import { MAX_ROUTE_ADDRESSES, Route, RouteDecoder } from '@ockam/core'
import { type CborReader, CborWriter } from '@ockam/core/cbor'
import { channelError } from '../error.ts'
import { type RefreshPayload, readMessage, readRefreshPayload, writeRefreshPayload } from './identity-payload.ts'

/** `[Close, h'']`. */
const CLOSE = [0x82, 0x82, 0x02, 0x80, 0x40] as const
/** `[[0, [[` in front of the two routes and the payload; an empty padding follows them. */
const PAYLOAD_HEAD_LENGTH = 5
const PADDING_LENGTH = 1

/** Bytes that {@link writePayload} writes. */
export function payloadLength(onwardRoute: Route, returnRoute: Route, length: number): number {
  return PAYLOAD_HEAD_LENGTH + onwardRoute.encodedLength + returnRoute.encodedLength + headLength(length) + length + PADDING_LENGTH
}

/** Writes a Payload message where the caller has made room. Returns the offset behind it. */
export function writePayload(out: Uint8Array, at: number, onwardRoute: Route, returnRoute: Route, payload: Uint8Array): number {
  out[at] = 0x82
  out[at + 1] = 0x82
  out[at + 2] = 0x00
  out[at + 3] = 0x81
  out[at + 4] = 0x83
  let position = onwardRoute.encodeInto(out, at + PAYLOAD_HEAD_LENGTH)
  position = returnRoute.encodeInto(out, position)
  position = writeHead(out, position, payload.length)
  out.set(payload, position)
  position += payload.length
  out[position] = 0x40
  return position + PADDING_LENGTH
}

export function encodeClose(): Uint8Array<ArrayBuffer> {
  return new Uint8Array(CLOSE)
}

export function encodeRefresh(payload: RefreshPayload): Uint8Array<ArrayBuffer> {
  const writer = new CborWriter(512)
  writer.array(2).enumeration(1, 1)
  writeRefreshPayload(writer, payload)
  return writer.bytes(new Uint8Array(0)).finish()
}

export type ChannelMessageKind = 'payload' | 'refresh' | 'close'

/** Decodes one message after the other into its own fields, so that reading a Payload allocates nothing but routes not seen before. */
export class ChannelMessageDecoder {
  kind: ChannelMessageKind = 'close'
  /** Of the last Payload. */
  onwardRoute: Route = Route.empty
  returnRoute: Route = Route.empty
  /** Where its payload lies in the bytes given to {@link decode}. */
  payloadStart = 0
  payloadEnd = 0
  /** Of the last RefreshCredentials; its items are views. */
  refresh: RefreshPayload | undefined
  readonly #routes: RouteDecoder
  readonly #maxAddresses: number

  /** @param maxAddresses most addresses in onward and return route of a message together. */
  constructor(maxAddresses: number = MAX_ROUTE_ADDRESSES) {
    this.#maxAddresses = maxAddresses
    this.#routes = new RouteDecoder(maxAddresses)
  }

  /** Decodes `bytes` from `start` to `end`. @throws {OckamError} `secure-channel/invalid-message` */
  decode(bytes: Uint8Array, start: number, end: number): void {
    if (
      end - start > PAYLOAD_HEAD_LENGTH &&
      bytes[start] === 0x82 &&
      bytes[start + 1] === 0x82 &&
      bytes[start + 2] === 0x00 &&
      bytes[start + 3] === 0x81 &&
      bytes[start + 4] === 0x83
    ) {
      this.#decodePayload(bytes, start + PAYLOAD_HEAD_LENGTH, end)
    } else this.#decodeAny(bytes.subarray(start, end), start)
    if (this.kind === 'payload' && this.onwardRoute.length + this.returnRoute.length > this.#maxAddresses) {
      throw channelError(
        'secure-channel/invalid-message',
        `A message in a channel has routes of more than ${this.#maxAddresses} addresses; it was dropped.`,
      )
    }
  }

  #decodePayload(bytes: Uint8Array, at: number, end: number): void {
    const routes = this.#routes
    try {
      this.onwardRoute = routes.decode(bytes, at, end)
      this.returnRoute = routes.decode(bytes, routes.position, end)
    } catch (error) {
      throw channelError('secure-channel/invalid-message', 'A message in a channel has unreadable routes; it was dropped.', error)
    }
    let position = routes.position
    const head = bytes[position] as number
    let length = head - 0x40
    if (head === 0x58) length = bytes[position + 1] as number
    else if (head === 0x59) length = ((bytes[position + 1] as number) << 8) | (bytes[position + 2] as number)
    else if (head === 0x5a) length = readUint32(bytes, position + 1)
    else if (length < 0 || length > 23) length = end
    position += head < 0x58 ? 1 : head === 0x58 ? 2 : head === 0x59 ? 3 : 5
    // The padding follows: at least its head must be there. Only its presence matters, so an unreadable one is caught as in `#decodeAny`.
    if (position + length >= end || bytes[position + length] !== 0x40) {
      this.#decodeAny(bytes.subarray(at - PAYLOAD_HEAD_LENGTH, end), at - PAYLOAD_HEAD_LENGTH)
      return
    }
    this.kind = 'payload'
    this.payloadStart = position
    this.payloadEnd = position + length
  }

  #decodeAny(bytes: Uint8Array, offset: number): void {
    readMessage('message in a channel', bytes, (reader) => {
      reader.beginArray(2)
      const index = reader.beginEnum()
      if (index === 0) this.#readPayload(reader, bytes, offset)
      else if (index === 1) {
        this.refresh = readRefreshPayload(reader)
        this.kind = 'refresh'
      } else if (index === 2) this.kind = 'close'
      else throw channelError('secure-channel/invalid-message', `There is no message of kind ${index}.`)
      reader.endEnum()
      reader.bytes()
      reader.end()
    })
  }

  #readPayload(reader: CborReader, bytes: Uint8Array, offset: number): void {
    reader.beginArray(3)
    const onward = reader.rawItem()
    const back = reader.rawItem()
    this.onwardRoute = this.#routes.decode(onward, 0, onward.length)
    this.returnRoute = this.#routes.decode(back, 0, back.length)
    const payload = reader.bytes()
    reader.end()
    this.payloadStart = offset + payload.byteOffset - bytes.byteOffset
    this.payloadEnd = this.payloadStart + payload.length
    this.kind = 'payload'
  }
}

function headLength(length: number): number {
  return length < 24 ? 1 : length < 0x100 ? 2 : length < 0x1_0000 ? 3 : 5
}

/** Head of a byte string; no message has 2^32 bytes. */
function writeHead(out: Uint8Array, at: number, length: number): number {
  if (length < 24) {
    out[at] = 0x40 | length
    return at + 1
  }
  if (length < 0x100) {
    out[at] = 0x58
    out[at + 1] = length
    return at + 2
  }
  if (length < 0x1_0000) {
    out[at] = 0x59
    out[at + 1] = length >>> 8
    out[at + 2] = length
    return at + 3
  }
  out[at] = 0x5a
  out[at + 1] = length >>> 24
  out[at + 2] = length >>> 16
  out[at + 3] = length >>> 8
  out[at + 4] = length
  return at + 5
}

function readUint32(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) * 0x100_0000 + (((bytes[at + 1] as number) << 16) | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number))
  )
}
