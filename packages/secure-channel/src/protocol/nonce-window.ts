/**
 * Replay window of one direction: a nonce is accepted once, and only up to 32 above or below the highest one accepted. It starts at 0 with nothing
 * seen. Asking changes nothing; `accept` is called after the tag has verified, so forgeries cannot move the window.
 *
 * Source: nonce tracker of the published Rust nodes, with its test vector.
 */

export const WINDOW_SIZE = 32
/** More than the 33 nonces that can be remembered, and a power of two. */
const SLOTS = 64

/** `fresh` may be opened; the others may not. */
export type NonceVerdict = 'fresh' | 'seen' | 'old' | 'ahead'

export class NonceWindow {
  /** Which nonce each slot has seen last; slots of nonces that left the window are stale by themselves. */
  readonly #seen = new Float64Array(SLOTS).fill(-1)
  #highest: number
  #last = Number.POSITIVE_INFINITY

  /** @param highest where to begin; for tests of the far end. */
  constructor(highest = 0) {
    this.#highest = highest
  }

  /** The highest nonce accepted, 0 at first. */
  get highest(): number {
    return this.#highest
  }

  judge(nonce: number): NonceVerdict {
    const distance = nonce - this.#highest
    if (distance > WINDOW_SIZE || nonce > this.#last) return 'ahead'
    if (distance < -WINDOW_SIZE) return 'old'
    return this.#seen[nonce % SLOTS] === nonce ? 'seen' : 'fresh'
  }

  accept(nonce: number): void {
    this.#seen[nonce % SLOTS] = nonce
    if (nonce > this.#highest) this.#highest = nonce
  }

  /** Nothing above `nonce` is accepted from now on: the peer has said that it was its last. */
  endAt(nonce: number): void {
    this.#last = nonce
  }

  /** Whether a nonce below the highest has not been seen and would still be accepted. */
  get hasGap(): boolean {
    for (let nonce = Math.max(0, this.#highest - WINDOW_SIZE); nonce < this.#highest; nonce++) {
      if (this.#seen[nonce % SLOTS] !== nonce) return true
    }
    return false
  }
}
