/**
 * Randomness for addresses and ids, drawn in blocks: a call of the platform's source costs twenty times as much as the 16 bytes that an address needs,
 * and every connection and channel needs several. Keys are not made from it; vaults have their own source.
 */
import type { Random } from '@ockam/core'

const BLOCK = 4096
/** Larger requests go to the source directly. */
const SMALL = 64

export class RandomPool implements Random {
  readonly #source: Random
  #block = new Uint8Array(0)
  #used = 0

  constructor(source: Random) {
    this.#source = source
  }

  bytes(length: number): Uint8Array<ArrayBuffer> {
    if (!(Number.isInteger(length) && length >= 0 && length <= SMALL)) return this.#source.bytes(length)
    if (this.#used + length > this.#block.length) {
      this.#block = this.#source.bytes(BLOCK)
      this.#used = 0
    }
    const start = this.#used
    this.#used += length
    return this.#block.slice(start, this.#used)
  }
}
