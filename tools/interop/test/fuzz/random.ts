/** Chance that can be had again: xorshift128 on 32-bit words, from one seed. For fuzzing only; nothing here is unpredictable. */

export class SeededRandom {
  readonly #state: Uint32Array

  constructor(seed: number) {
    // Four words from one, by the finaliser of MurmurHash3: neighbouring seeds give unrelated sequences.
    this.#state = Uint32Array.from([1, 2, 3, 4], (word) => mixed(Math.imul(seed >>> 0, 0x9e3779b1) + Math.imul(word, 0x85ebca6b)) | 1)
  }

  /** A whole number from 0 to `below` - 1. */
  below(below: number): number {
    return this.#next() % below
  }

  /** True once in `oneIn` times. */
  chance(oneIn: number): boolean {
    return this.below(oneIn) === 0
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)] as T
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.below(256))
  }

  #next(): number {
    const state = this.#state
    let word = state[3] as number
    word ^= word << 11
    word ^= word >>> 8
    const first = state[0] as number
    state.copyWithin(1, 0, 3)
    state[0] = word ^ first ^ (first >>> 19)
    return state[0]
  }
}

function mixed(value: number): number {
  let word = value
  word = Math.imul(word ^ (word >>> 16), 0x85ebca6b)
  word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35)
  return word ^ (word >>> 16)
}
