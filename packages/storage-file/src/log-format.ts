/**
 * The bytes of the log, version 1: encoding and strict decoding, without touching a disk. The README has the same as a table.
 *
 * File = header, then frames. One frame is one commit: what several callers wrote and one sync made durable. A frame is written only after the
 * frame before it is durable, so only the last one can be torn; anything else that fails its check is damage. Checks are SHA-256, cut short,
 * over the file's random salt as well: bytes that once belonged to another log, and values made to look like frames, do not pass.
 */

import { createHash, randomBytes } from 'node:crypto'
import { checkStoreKey, type OwnedStoreStep, STORE_LIMIT } from '@ockam/core'

const MAGIC: Uint8Array = new TextEncoder().encode('OCKAMLOG')
const VERSION = 1
const SALT_LENGTH = 12
const HEADER_CHECK_LENGTH = 8
/** Magic, version (u32), salt, check. */
export const FILE_HEADER_LENGTH: number = 8 + 4 + SALT_LENGTH + HEADER_CHECK_LENGTH

/** First bytes of every frame: what a search for frames after a damaged one looks for. */
export const FRAME_MARKER: Uint8Array = new Uint8Array([0xf5, 0x4f, 0x4b, 0x46])
const BODY_CHECK_LENGTH = 16
const FRAME_HEADER_CHECK_AT = 4 + 4 + 8 + BODY_CHECK_LENGTH
/** Marker, body length (u32), sequence (u64), check of the body, check of all that. */
export const FRAME_HEADER_LENGTH: number = FRAME_HEADER_CHECK_AT + HEADER_CHECK_LENGTH

const KIND_SET = 1
const KIND_DELETE = 2

/** A change to one entry. */
export type Change = Exclude<OwnedStoreStep, { readonly kind: 'check' }>

export interface FrameHeader {
  readonly bodyLength: number
  readonly sequence: number
  readonly bodyCheck: Uint8Array
}

/** Fresh header of a new log, with its salt. */
export function encodeFileHeader(): { readonly bytes: Uint8Array; readonly salt: Uint8Array } {
  const bytes = new Uint8Array(FILE_HEADER_LENGTH)
  bytes.set(MAGIC, 0)
  view(bytes).setUint32(8, VERSION)
  bytes.set(randomBytes(SALT_LENGTH), 12)
  bytes.set(check(HEADER_CHECK_LENGTH, bytes.subarray(0, 12 + SALT_LENGTH)), 12 + SALT_LENGTH)
  return { bytes, salt: bytes.slice(12, 12 + SALT_LENGTH) }
}

/** The salt, or a sentence that says why this is not the header of a log. */
export function decodeFileHeader(bytes: Uint8Array): { readonly salt: Uint8Array } | string {
  if (bytes.length < FILE_HEADER_LENGTH || !isEqual(bytes.subarray(0, 8), MAGIC)) return 'it does not begin like a log of this store'
  if (!isEqual(bytes.subarray(12 + SALT_LENGTH, FILE_HEADER_LENGTH), check(HEADER_CHECK_LENGTH, bytes.subarray(0, 12 + SALT_LENGTH)))) {
    return 'its header fails its check'
  }
  const version = view(bytes).getUint32(8)
  if (version !== VERSION) return `it has format version ${version} and this program reads version ${VERSION}; use a newer program`
  return { salt: bytes.slice(12, 12 + SALT_LENGTH) }
}

/** Bytes a change takes in the body of a frame. */
export function changeLength(change: Change): number {
  return change.kind === 'set' ? entryLength(change.key, change.value) : 5 + Buffer.byteLength(change.key)
}

/** Bytes of the change that makes this entry. */
export function entryLength(key: string, value: Uint8Array): number {
  return 9 + Buffer.byteLength(key) + value.length
}

/** @param bodyLength the sum of `changeLength` over `changes`. */
export function encodeFrame(salt: Uint8Array, sequence: number, changes: readonly Change[], bodyLength: number): Uint8Array {
  const frame = new Uint8Array(FRAME_HEADER_LENGTH + bodyLength)
  const words = view(frame)
  let at = FRAME_HEADER_LENGTH
  for (const change of changes) {
    frame[at] = change.kind === 'set' ? KIND_SET : KIND_DELETE
    const { written } = textEncoder.encodeInto(change.key, frame.subarray(at + 5))
    words.setUint32(at + 1, written)
    at += 5 + written
    if (change.kind === 'set') {
      words.setUint32(at, change.value.length)
      frame.set(change.value, at + 4)
      at += 4 + change.value.length
    }
  }
  frame.set(FRAME_MARKER, 0)
  words.setUint32(4, bodyLength)
  words.setBigUint64(8, BigInt(sequence))
  frame.set(checkOfBody(salt, sequence, frame.subarray(FRAME_HEADER_LENGTH)), 16)
  frame.set(check(HEADER_CHECK_LENGTH, salt, frame.subarray(0, FRAME_HEADER_CHECK_AT)), FRAME_HEADER_CHECK_AT)
  return frame
}

/** Undefined unless `bytes` begins with a frame header of this log. The body may still be missing or damaged. */
export function decodeFrameHeader(salt: Uint8Array, bytes: Uint8Array): FrameHeader | undefined {
  if (bytes.length < FRAME_HEADER_LENGTH || !isEqual(bytes.subarray(0, 4), FRAME_MARKER)) return undefined
  const words = view(bytes)
  // A sequence beyond 2^53 was never written. Looking before hashing keeps the search through a value full of markers quick.
  if (words.getUint32(8) > 0x1f_ffff) return undefined
  const expected = check(HEADER_CHECK_LENGTH, salt, bytes.subarray(0, FRAME_HEADER_CHECK_AT))
  if (!isEqual(bytes.subarray(FRAME_HEADER_CHECK_AT, FRAME_HEADER_LENGTH), expected)) return undefined
  return { bodyLength: words.getUint32(4), sequence: Number(words.getBigUint64(8)), bodyCheck: bytes.slice(16, 16 + BODY_CHECK_LENGTH) }
}

export function isBodyOf(header: FrameHeader, salt: Uint8Array, body: Uint8Array): boolean {
  return isEqual(header.bodyCheck, checkOfBody(salt, header.sequence, body))
}

/** The changes in a body that passed its check, values copied out of it; undefined when it is not a body of this format. */
export function decodeBody(body: Uint8Array): Change[] | undefined {
  const changes: Change[] = []
  const words = view(body)
  let at = 0
  /** The next length-prefixed run of bytes, or undefined when the body is too short for it. */
  const run = (): Uint8Array | undefined => {
    if (body.length - at < 4) return undefined
    const length = words.getUint32(at)
    if (body.length - at - 4 < length) return undefined
    at += 4 + length
    return body.subarray(at - length, at)
  }
  while (at < body.length) {
    const kind = body[at]
    at += 1
    const key = decodeKey(run())
    if (key === undefined || (kind !== KIND_SET && kind !== KIND_DELETE)) return undefined
    if (kind === KIND_DELETE) changes.push({ kind: 'delete', key })
    else {
      const value = run()
      if (value === undefined || value.length > STORE_LIMIT.valueLength) return undefined
      changes.push({ kind: 'set', key, value: new Uint8Array(value) })
    }
  }
  return changes
}

const textEncoder = new TextEncoder()
const textDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function decodeKey(bytes: Uint8Array | undefined): string | undefined {
  if (bytes === undefined) return undefined
  try {
    const key = textDecoder.decode(bytes)
    checkStoreKey(key)
    return key
  } catch {
    return undefined
  }
}

function checkOfBody(salt: Uint8Array, sequence: number, body: Uint8Array): Uint8Array {
  const order = new Uint8Array(8)
  view(order).setBigUint64(0, BigInt(sequence))
  return check(BODY_CHECK_LENGTH, salt, order, body)
}

function check(length: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest().subarray(0, length)
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** Not constant time: checks here find damage, they keep no secret. */
function isEqual(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) === 0
}
