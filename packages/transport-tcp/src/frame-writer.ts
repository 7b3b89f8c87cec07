/**
 * Writes messages as frames. Small ones are copied into a slab, and all of a turn leave in one write; a write per message would cost several times
 * more than the copy. Large payloads are handed to the socket as they are, between the pieces of slab in front of and behind them.
 *
 * Back-pressure counts the bytes the socket has not yet taken. A payload handed over by reference is safe because payloads never change once sent. When
 * it was sent, and nobody else holds its memory, that is given back.
 */

import type { Socket } from 'node:net'
import { giveBack, type Pressure, TRAILER, type TransportMessage, TransportMessageEncoder, type Turns } from '@ockam/core'
import { SLAB_BYTES, type SlabPool } from './slab-pool.ts'
import type { WriteWatch } from './write-watch.ts'

const HEADER = 4
/** Payloads from here on are not copied. */
const BY_REFERENCE = 48 * 1024

export interface FrameWriterOptions {
  readonly maxMessageBytes: number
  readonly pressureBytes: number
}

export class FrameWriter {
  readonly #socket: Socket
  readonly #slabs: SlabPool
  readonly #turns: Turns
  readonly #watch: WriteWatch
  readonly #maxMessageBytes: number
  readonly #pressureBytes: number
  readonly #encoder = new TransportMessageEncoder()
  #slab: Buffer | undefined
  /** `slab[0, start)` is with the socket, `slab[start, end)` waits for the flush. */
  #start = 0
  #end = 0
  #isFlushDue = false
  #pressure: Promise<void> | undefined
  #endPressure: (() => void) | undefined

  constructor(socket: Socket, slabs: SlabPool, turns: Turns, watch: WriteWatch, options: FrameWriterOptions) {
    this.#socket = socket
    this.#slabs = slabs
    this.#turns = turns
    this.#watch = watch
    this.#maxMessageBytes = options.maxMessageBytes
    this.#pressureBytes = options.pressureBytes
  }

  /** Bytes accepted that the operating system has not yet taken. */
  get unsentBytes(): number {
    return this.#socket.writableLength + this.#end - this.#start
  }

  /** Accepts a message; it leaves at the end of this turn. False when it is over the limit. */
  write(message: TransportMessage): boolean {
    const length = this.#encoder.prepare(message)
    if (length > this.#maxMessageBytes) return false
    const { payload } = message
    const isCopied = payload.length < BY_REFERENCE
    const slab = this.#slabFor(HEADER + (isCopied ? length : this.#encoder.headerLength + 1))
    let at = this.#end
    slab[at++] = length >>> 24
    slab[at++] = length >>> 16
    slab[at++] = length >>> 8
    slab[at++] = length
    at = this.#encoder.writeHeader(slab, at)
    if (isCopied) {
      slab.set(payload, at)
      at += payload.length
    } else {
      this.#handOver(slab.subarray(this.#start, at), message)
      this.#start = at
    }
    slab[at++] = TRAILER
    this.#end = at
    if (!this.#isFlushDue) {
      this.#isFlushDue = true
      this.#turns.soon(this.#flushDue)
    }
    return true
  }

  /** A wait is asked for while more than `pressureBytes` are unsent; it ends at half of that. */
  pressure(): Pressure {
    if (this.#pressure === undefined && this.unsentBytes > this.#pressureBytes) {
      this.#pressure = new Promise((resolve) => {
        this.#endPressure = resolve
      })
    }
    return this.#pressure
  }

  /** Hands everything accepted to the socket. */
  flush(): void {
    const slab = this.#slab
    if (slab !== undefined) {
      // Writes complete in order: when the last piece of a slab is written, all of it is.
      this.#socket.write(slab.subarray(this.#start, this.#end), (error) => {
        if (!error && slab.length === SLAB_BYTES) this.#slabs.give(slab)
        this.#onWritten()
      })
      this.#slab = undefined
      this.#start = 0
      this.#end = 0
    }
    if (this.#socket.writableCorked > 0) this.#socket.uncork()
    this.#watch.wrote()
  }

  /** Ends the wait that was asked for: nothing will be sent any more. */
  endPressure(): void {
    this.#endPressure?.()
    this.#endPressure = undefined
    this.#pressure = undefined
  }

  readonly #flushDue = (): void => {
    this.#isFlushDue = false
    this.flush()
  }

  readonly #onWritten = (): void => {
    if (this.#pressure !== undefined && this.unsentBytes <= this.#pressureBytes / 2) this.endPressure()
  }

  /** The slab to write the next `length` bytes into, at `#end`. */
  #slabFor(length: number): Buffer {
    if (this.#slab !== undefined && this.#end + length > this.#slab.length) this.flush()
    // Routes may be longer than a slab; that is no case worth keeping memory for.
    this.#slab ??= length > SLAB_BYTES ? Buffer.allocUnsafeSlow(length) : this.#slabs.take()
    return this.#slab
  }

  /** What waits and the payload go to the socket; held together until the flush, so that they leave in one call of the operating system. */
  #handOver(waiting: Buffer, { payload, isExclusive }: TransportMessage): void {
    if (this.#socket.writableCorked === 0) this.#socket.cork()
    this.#socket.write(waiting)
    this.#socket.write(payload, (error) => {
      if (!error && isExclusive === true) giveBack(payload)
      this.#onWritten()
    })
  }
}
