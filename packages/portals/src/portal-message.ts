/**
 * The messages of a portal: Ping, Pong, Disconnect and Payload as the published Rust and Elixir nodes have them (portal section of the routing
 * specification), and those that only ends that have agreed on them send (`docs/wire.md`).
 *
 * | message | bytes |
 * |---|---|
 * | Ping, Pong, Disconnect | `00`, `01`, `02` |
 * | Payload | `03`, data with its length in front, then nothing, or `00`, or `01` and a counter of two bytes, little-endian |
 * | Credit | `04`, bytes as unsigned LEB128 |
 * | End | `05` |
 * | Mark | `06`, Payloads sent so far modulo 65,536 (two bytes, little-endian), bytes granted so far as unsigned LEB128, `01` after End or `00` |
 * | Challenge, Response | `07`, `08`, eight bytes, the same in both |
 * | Pause | `09` |
 *
 * Not here: who may send what when.
 */

import { BareReader, BareWriter } from '@ockam/core/bare'

/** The most data that one Payload carries. Rust sends no more; more is accepted. */
export const MAX_PAYLOAD_BYTES: number = 48 * 1024

/** Bytes in front of the data of a Payload, at most: its kind, and a length of three bytes. */
export const PAYLOAD_HEAD = 4
/** Bytes behind it, at most: whether there is a counter, and the counter. */
export const PAYLOAD_TAIL = 3

/** Sent again and again; nobody may write to them, as to any payload that was sent. */
export const PING: Uint8Array = Uint8Array.of(0)
export const PONG: Uint8Array = Uint8Array.of(1)
export const DISCONNECT: Uint8Array = Uint8Array.of(2)
export const END: Uint8Array = Uint8Array.of(5)
export const PAUSE: Uint8Array = Uint8Array.of(9)

const PAYLOAD = 3
const CREDIT = 4
const MARK = 6
const CHALLENGE = 7
const RESPONSE = 8

export type PortalMessage =
  | { readonly kind: 'ping' | 'pong' | 'disconnect' | 'end' | 'pause' }
  /** `data` is a view. `counter` is undefined when the other side sends none. */
  | { readonly kind: 'payload'; readonly data: Uint8Array; readonly counter: number | undefined }
  | { readonly kind: 'credit'; readonly bytes: number }
  | ({ readonly kind: 'mark' } & PortalMark)
  | { readonly kind: 'challenge' | 'response'; readonly number: bigint }

/** What one end has sent since the beginning: what the other must have received, if nothing was lost. */
export interface PortalMark {
  /** Payloads, modulo 65,536. */
  readonly payloads: number
  /** The sum of all Credit. */
  readonly grantedBytes: number
  readonly hasEnded: boolean
}

const SIMPLE: readonly (PortalMessage | undefined)[] = [
  { kind: 'ping' },
  { kind: 'pong' },
  { kind: 'disconnect' },
  undefined,
  undefined,
  { kind: 'end' },
  undefined,
  undefined,
  undefined,
  { kind: 'pause' },
]

/** @returns undefined for bytes that are no portal message. What follows a message is ignored, as Rust ignores it. */
export function decodePortalMessage(bytes: Uint8Array): PortalMessage | undefined {
  const kind = bytes[0]
  if (kind === undefined) return undefined
  const simple = SIMPLE[kind]
  if (simple !== undefined) return simple
  if (kind !== PAYLOAD && kind !== CREDIT && (kind < MARK || kind > RESPONSE)) return undefined
  try {
    const reader = new BareReader(bytes, { what: 'portal message' })
    reader.u8()
    if (kind === CREDIT) return { kind: 'credit', bytes: reader.uvarint() }
    if (kind === MARK) return { kind: 'mark', payloads: reader.u16(), grantedBytes: reader.uvarint(), hasEnded: reader.bool() }
    if (kind === CHALLENGE) return { kind: 'challenge', number: reader.u64() }
    if (kind === RESPONSE) return { kind: 'response', number: reader.u64() }
    const data = reader.data()
    // Rust looks for a counter only where there is room for one: a single byte behind the data means nothing.
    const counter = reader.remaining >= PAYLOAD_TAIL && reader.u8() === 1 ? reader.u16() : undefined
    return { kind: 'payload', data, counter }
  } catch {
    return undefined
  }
}

/**
 * Makes a Payload around data that is already in `bytes[from, to)`. There must be room for {@link PAYLOAD_HEAD} in front and, with a counter,
 * for {@link PAYLOAD_TAIL} behind.
 * @returns a view of `bytes`.
 */
export function framePayload(bytes: Uint8Array, from: number, to: number, counter: number | undefined): Uint8Array {
  const length = to - from
  let at = from - (length < 0x80 ? 1 : length < 0x4000 ? 2 : 3)
  const start = at - 1
  bytes[start] = PAYLOAD
  let rest = length
  for (; rest >= 0x80; rest >>>= 7) bytes[at++] = (rest & 0x7f) | 0x80
  bytes[at] = rest
  if (counter === undefined) return bytes.subarray(start, to)
  bytes[to] = 1
  bytes[to + 1] = counter & 0xff
  bytes[to + 2] = counter >>> 8
  return bytes.subarray(start, to + PAYLOAD_TAIL)
}

export function encodeCredit(bytes: number): Uint8Array {
  return new BareWriter(11).u8(CREDIT).uvarint(bytes).finish()
}

export function encodeMark({ payloads, grantedBytes, hasEnded }: PortalMark): Uint8Array {
  return new BareWriter(14).u8(MARK).u16(payloads).uvarint(grantedBytes).bool(hasEnded).finish()
}

export function encodeChallenge(number: bigint): Uint8Array {
  return new BareWriter(9).u8(CHALLENGE).u64(number).finish()
}

export function encodeResponse(number: bigint): Uint8Array {
  return new BareWriter(9).u8(RESPONSE).u64(number).finish()
}
