/**
 * Where a socket reads to: one range of memory after the other, none of them twice, because what is handed over are views of it. Saves the chunk that
 * Node would otherwise make for every read, and most of the copies that put a frame across chunks together.
 *
 * A connection holds the slab it reads to next for as long as it lives. What all of them hold is bounded, so that no crowd of idle connections pins
 * the large slabs of their busy days: beyond the bound a slab is of the smallest size.
 */

import type { OnReadOpts, Socket } from 'node:net'
import { allocate } from './frame-reader.ts'

/** Every connection may hold this much. */
const SMALLEST = 16 * 1024
const LARGEST = 128 * 1024
/** Of frames this large, few fit the largest slab, and many would lie across two: they get one twice as large. Smaller ones would pin too much of it. */
const LARGE_FRAME = 32 * 1024
/** With less room than this a read would bring too little. */
const LEAST_ROOM = 8 * 1024
const NOTHING = new Uint8Array(0)

/** What the slabs of one transport may hold beyond the smallest size of each. */
export class SlabBudget {
  readonly #limit: number
  #used = 0

  /** @param limit bytes. */
  constructor(limit: number = 32 * 1024 * 1024) {
    this.#limit = limit
  }

  get used(): number {
    return this.#used
  }

  /** @returns whether there is room for one slab of so many bytes; it has then to be given back. */
  take(size: number): boolean {
    const more = size - SMALLEST
    if (this.#used + more > this.#limit) return false
    this.#used += more
    return true
  }

  give(size: number): void {
    this.#used -= size - SMALLEST
  }
}

/** Who cuts frames out of what is read. */
export interface SlabReceiver {
  /** Bytes of the frame it saw last. */
  readonly frameLength: number
  /** Gets `bytes[from, to)`. */
  receive(bytes: Uint8Array, from: number, to: number): void
}

export class ReadSlab {
  /** For the options of a new socket. */
  readonly onread: OnReadOpts
  #receiver: SlabReceiver | undefined
  readonly #budget: SlabBudget
  #size = SMALLEST
  #bytes = allocate(SMALLEST)
  #at = 0

  constructor(budget: SlabBudget) {
    this.#budget = budget
    this.onread = {
      buffer: () => this.#room(),
      callback: (length) => {
        const from = this.#at
        this.#at += length
        // A read that fills all there is means that more is waiting: the next slab is larger.
        if (this.#at === this.#bytes.length) this.#size *= 2
        this.#receiver?.receive(this.#bytes, from, this.#at)
        return true
      },
    }
  }

  /** From now on `receiver` gets what is read, until the socket closes. */
  serve(socket: Socket, receiver: SlabReceiver): void {
    this.#receiver = receiver
    socket.once('close', () => {
      this.#receiver = undefined
      this.#budget.give(this.#bytes.length)
      this.#bytes = NOTHING
    })
  }

  #room(): Uint8Array {
    if (this.#bytes.length - this.#at < LEAST_ROOM) {
      const largest = (this.#receiver?.frameLength ?? 0) < LARGE_FRAME ? LARGEST : 2 * LARGEST
      this.#size = Math.min(this.#size, largest)
      this.#replace(this.#size)
    }
    return this.#bytes.subarray(this.#at)
  }

  #replace(wanted: number): void {
    this.#budget.give(this.#bytes.length)
    const size = this.#budget.take(wanted) ? wanted : SMALLEST
    this.#bytes = allocate(size)
    this.#at = 0
  }
}
