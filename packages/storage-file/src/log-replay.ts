/**
 * Reads a log from its first byte to its last and says where its good part ends.
 *
 * A bad frame with nothing of this log after it is a torn last write: the process died, or the power went, before it was acknowledged. A bad
 * frame with the header of another frame after it was acknowledged once, and is damage: replay throws rather than lose it silently.
 */

import { storeError } from './error.ts'
import type { DiskFile } from './disk.ts'
import {
  type Change,
  decodeBody,
  decodeFileHeader,
  decodeFrameHeader,
  FILE_HEADER_LENGTH,
  FRAME_HEADER_LENGTH,
  FRAME_MARKER,
  isBodyOf,
} from './log-format.ts'

/** Bytes read ahead; a frame longer than this is read whole. */
const WINDOW_LENGTH = 1024 * 1024

export interface Replay {
  readonly salt: Uint8Array
  /** Where the next frame goes: the end of the last good one. */
  readonly end: number
  /** Sequence of the next frame. */
  readonly nextSequence: number
  /** Bytes after `end`, remains of a write that was never acknowledged. */
  readonly tornBytes: number
}

/**
 * Calls `apply` with the changes of each frame, in order.
 * @param path of the log, for messages.
 * @throws {OckamError} `store/corrupt` when the file is not a log, or is damaged before its end. Disk errors pass through.
 */
export async function replayLog(file: DiskFile, path: string, apply: (changes: readonly Change[]) => void): Promise<Replay> {
  const size = await file.size()
  const reader = windowReader(file, size)
  const header = decodeFileHeader(await reader(0, FILE_HEADER_LENGTH))
  if (typeof header === 'string') throw storeError('store/corrupt', `The store cannot read ${path}: ${header}.`)
  const { salt } = header
  let end = FILE_HEADER_LENGTH
  let nextSequence = 1
  for (;;) {
    const frame = await readFrame(reader, salt, end, nextSequence, size)
    if (frame.kind === 'bad') {
      if (await hasFrame(reader, salt, frame.searchFrom, size)) throw damaged(path, end)
      return { salt, end, nextSequence, tornBytes: size - end }
    }
    const changes = decodeBody(frame.body)
    if (changes === undefined) throw damaged(path, end)
    apply(changes)
    end += FRAME_HEADER_LENGTH + frame.body.length
    nextSequence += 1
  }
}

/** Bytes `[position, position + length)`, or fewer at the end of the file. Valid until the next call. */
type Reader = (position: number, length: number) => Promise<Uint8Array>

function windowReader(file: DiskFile, size: number): Reader {
  let window = new Uint8Array(0)
  let windowAt = 0
  let windowLength = 0
  return async (position, length) => {
    const wanted = Math.max(0, Math.min(length, size - position))
    if (position < windowAt || position + wanted > windowAt + windowLength) {
      const capacity = Math.min(Math.max(wanted, WINDOW_LENGTH), size - position)
      // Memory grows with what the file really holds, never with what a length field claims.
      if (window.length < capacity) window = new Uint8Array(capacity)
      windowAt = position
      windowLength = await file.read(window.subarray(0, capacity), position)
    }
    return window.subarray(position - windowAt, Math.min(position - windowAt + wanted, windowLength))
  }
}

type Frame =
  | { readonly kind: 'good'; readonly body: Uint8Array }
  /** `searchFrom`: where a later frame would begin at the earliest. */
  | { readonly kind: 'bad'; readonly searchFrom: number }

async function readFrame(reader: Reader, salt: Uint8Array, at: number, sequence: number, size: number): Promise<Frame> {
  const header = decodeFrameHeader(salt, await reader(at, FRAME_HEADER_LENGTH))
  // A header with another sequence is itself the other frame to be found.
  if (header === undefined || header.sequence !== sequence) return { kind: 'bad', searchFrom: at }
  const searchFrom = at + FRAME_HEADER_LENGTH + header.bodyLength
  if (searchFrom > size) return { kind: 'bad', searchFrom }
  const body = await reader(at + FRAME_HEADER_LENGTH, header.bodyLength)
  return isBodyOf(header, salt, body) ? { kind: 'good', body } : { kind: 'bad', searchFrom }
}

/** Whether a frame header of this log stands anywhere from `from` on. */
async function hasFrame(reader: Reader, salt: Uint8Array, from: number, size: number): Promise<boolean> {
  for (let at = from; at + FRAME_HEADER_LENGTH <= size; ) {
    const bytes = await reader(at, WINDOW_LENGTH)
    if (bytes.length < FRAME_HEADER_LENGTH) return false
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    for (let found = text.indexOf(FRAME_MARKER); found >= 0; found = text.indexOf(FRAME_MARKER, found + 1)) {
      if (decodeFrameHeader(salt, bytes.subarray(found)) !== undefined) return true
    }
    // A header that is not wholly in this window begins after here.
    at += bytes.length - FRAME_HEADER_LENGTH + 1
  }
  return false
}

function damaged(path: string, at: number): Error {
  return storeError(
    'store/corrupt',
    `The log ${path} is damaged at byte ${at}, and intact commits follow, so this is not a write cut short. ` +
      'Nothing was changed. Restore the directory from a backup, or keep a copy before you try to repair it.',
  )
}
