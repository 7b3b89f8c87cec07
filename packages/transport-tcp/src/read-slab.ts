/**
 * Where a dialled socket reads to: one range of memory after the other, none of them twice, because what is handed over are views of it. Saves the
 * chunk that Node would otherwise make for every read. Accepted sockets cannot do this: Node gives them `data` events only.
 */

import type { OnReadOpts } from 'node:net'
import { allocate } from './frame-reader.ts'

/** An idle connection holds no more than this. */
const SMALLEST = 16 * 1024
const LARGEST = 256 * 1024
/** With less room than this a read would bring too little. */
const LEAST_ROOM = 8 * 1024

export class ReadSlab {
  /** For the options of a new socket. */
  readonly onread: OnReadOpts
  /** Gets what was read: `bytes[from, to)`. */
  onBytes: (bytes: Uint8Array, from: number, to: number) => void = () => undefined
  #size = SMALLEST
  #bytes = allocate(SMALLEST)
  #at = 0

  constructor() {
    this.onread = {
      buffer: () => this.#room(),
      callback: (length) => {
        const from = this.#at
        this.#at += length
        // A read that fills all there is means that more is waiting: the next slab is larger.
        if (this.#at === this.#bytes.length) this.#size = Math.min(this.#size * 2, LARGEST)
        this.onBytes(this.#bytes, from, this.#at)
        return true
      },
    }
  }

  #room(): Uint8Array {
    if (this.#bytes.length - this.#at < LEAST_ROOM) {
      this.#bytes = allocate(this.#size)
      this.#at = 0
    }
    return this.#bytes.subarray(this.#at)
  }
}
