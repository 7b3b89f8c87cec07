/** A clock that stands still until it is moved; timers that become due then run. */

import type { Clock, Timer } from '@ockam/core'
import { START } from './node-parts.ts'

export class MovableClock implements Clock {
  #nowMs = START * 1000
  readonly #timers = new Set<{ readonly atMs: number; readonly task: () => void }>()

  now(): number {
    return this.#nowMs
  }

  monotonic(): number {
    return this.#nowMs
  }

  /** How many timers are set. */
  get pending(): number {
    return this.#timers.size
  }

  schedule(delayMs: number, task: () => void): Timer {
    const entry = { atMs: this.#nowMs + delayMs, task }
    this.#timers.add(entry)
    return { cancel: () => void this.#timers.delete(entry) }
  }

  /** In steps of a second, so that what a timer sets runs in its turn; what timers begin has the time to end. */
  async move(seconds: number): Promise<void> {
    for (let second = 0; second < seconds; second++) {
      this.#nowMs += 1000
      for (const entry of Array.from(this.#timers)) {
        if (entry.atMs <= this.#nowMs && this.#timers.delete(entry)) entry.task()
      }
      await settled()
    }
  }
}

/** Lets promises that are settled be seen. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve()
}
