/**
 * Waits between attempts: exponential, with jitter, so that the many clients of a relay that was restarted do not all come back at the same moment.
 */
import type { Random } from '@ockam/core'

export class Backoff {
  readonly #random: Random
  readonly #initialMs: number
  readonly #maximumMs: number
  #attempts = 0

  constructor(random: Random, { initialMs, maximumMs }: { readonly initialMs: number; readonly maximumMs: number }) {
    this.#random = random
    this.#initialMs = initialMs
    this.#maximumMs = maximumMs
  }

  /** Milliseconds to wait before the next attempt. */
  next(): number {
    const ms = Math.min(this.#maximumMs, this.#initialMs * 2 ** this.#attempts)
    if (ms < this.#maximumMs) this.#attempts++
    return ms / 2 + (ms / 2) * randomFraction(this.#random)
  }

  reset(): void {
    this.#attempts = 0
  }
}

/** From 0 to below 1. */
export function randomFraction(random: Random): number {
  const bytes = random.bytes(4)
  return new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0) / 2 ** 32
}
