/**
 * Cuts frames, `u32 big-endian length, message`, out of the chunks that a socket brings (routing specification of the Rust nodes, TCP, frame).
 *
 * A frame that lies in one chunk is handed over where it stands. Only a frame across chunks is copied, into memory of its own that grows as its
 * bytes arrive, never far ahead of them: an announced length allocates nothing. The length is checked before anything else.
 *
 * Not here: the version byte, and what a message is.
 */

import { OckamError, type TransportErrorCode } from '@ockam/core'
import type { PartialBudget, PartialHolder, PartialHolding } from './partial-budget.ts'

const HEADER = 4
const NOTHING = new Uint8Array(0)
/** First room for a frame that came in part, so that its next bytes need no second one at once. */
const FIRST_ROOM = 4096

/** When one part in this many has come, room is made for all of it: most frames that two reads bring then need it once. */
const NEAR = 4

/** Takes the message in `bytes[start, end)`; may set `isPaused`. What it throws comes out of `push`. */
export type OnFrame = (bytes: Uint8Array, start: number, end: number) => void

export class FrameReader {
  /** Set to stop behind the frame that is being handed over. */
  isPaused = false
  /** Frames finished so far; with {@link partialBytes} it tells whether a connection makes progress. */
  frames = 0
  /** Bytes of the frame that was begun last. */
  lastLength = 0
  readonly #maxLength: number
  readonly #holding: PartialHolding
  readonly #onFrame: OnFrame
  /** The frame across chunks: how much of its header came, its length, its bytes so far. */
  #headerBytes = 0
  #length = 0
  #body: Uint8Array<ArrayBuffer> = NOTHING
  #filled = 0

  /** @param holder whom the budget tells to give up its frame: its owner then ends with {@link discard}, and in the end with {@link end}. */
  constructor(maxLength: number, budget: PartialBudget, holder: PartialHolder, onFrame: OnFrame) {
    this.#maxLength = maxLength
    this.#holding = budget.join(holder)
    this.#onFrame = onFrame
  }

  /** How much of an unfinished frame has arrived, its header included; 0 between frames. */
  get partialBytes(): number {
    return this.#headerBytes + this.#filled
  }

  /**
   * Takes `bytes[from, to)`, which must never change afterwards: what is handed over are views of it.
   * @returns the offset behind what was used: `to`, or less when paused; the rest has then to be pushed again.
   * @throws {OckamError} `transport/message-too-large`, `transport/closed` when this frame had to give way, and what `onFrame` throws.
   */
  push(bytes: Uint8Array, from: number, to: number): number {
    let at = from
    if (this.#headerBytes !== 0) {
      at = this.#collect(bytes, at, to)
      if (this.isPaused) return at
    }
    while (to - at >= HEADER) {
      const length =
        (bytes[at] as number) * 0x100_0000 +
        (((bytes[at + 1] as number) << 16) | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number))
      if (length > this.#maxLength) throw tooLong(length, this.#maxLength)
      this.lastLength = length
      const end = at + HEADER + length
      if (end > to) break
      at = end
      this.frames++
      this.#onFrame(bytes, end - length, end)
      if (this.isPaused) return at
    }
    return at < to ? this.#collect(bytes, at, to) : at
  }

  /** Forgets an unfinished frame. */
  discard(): void {
    this.#holding.release()
    this.#body = NOTHING
    this.#headerBytes = 0
    this.#length = 0
    this.#filled = 0
  }

  /** The connection is over. */
  end(): void {
    this.discard()
    this.#holding.leave()
  }

  /** Takes up to the end of the frame across chunks. */
  #collect(bytes: Uint8Array, from: number, to: number): number {
    let at = from
    while (this.#headerBytes < HEADER) {
      if (at === to) return at
      this.#length = this.#length * 256 + (bytes[at++] as number)
      this.#headerBytes++
      if (this.#headerBytes === HEADER && this.#length > this.#maxLength) throw tooLong(this.#length, this.#maxLength)
    }
    const taken = Math.min(this.#length - this.#filled, to - at)
    this.#makeRoom(this.#filled + taken)
    this.#body.set(bytes.subarray(at, at + taken), this.#filled)
    this.#filled += taken
    at += taken
    if (this.#filled === this.#length) {
      const body = this.#body
      this.discard()
      this.frames++
      this.#onFrame(body, 0, body.length)
    }
    return at
  }

  #makeRoom(needed: number): void {
    const room = this.#body.length
    if (needed <= room) return
    const isNear = this.#length <= NEAR * needed
    const larger = isNear ? this.#length : Math.min(this.#length, Math.max(needed, 2 * room, FIRST_ROOM))
    if (!this.#holding.grow(larger)) {
      throw new OckamError<TransportErrorCode>('transport/closed', 'The unfinished frame gave way to those of others.')
    }
    const body = allocate(larger)
    body.set(this.#body.subarray(0, this.#filled))
    this.#body = body
  }
}

/** Memory for `length` bytes that are about to be written. Large ones are not zeroed first. */
export function allocate(length: number): Uint8Array<ArrayBuffer> {
  return length <= FIRST_ROOM ? new Uint8Array(length) : new Uint8Array(Buffer.allocUnsafeSlow(length).buffer)
}

function tooLong(length: number, limit: number): OckamError<TransportErrorCode> {
  return new OckamError('transport/message-too-large', `The other side announced a frame of ${length} bytes; ${limit} are allowed.`)
}
