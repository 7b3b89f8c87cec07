/**
 * A clock that stands still until a test moves it. Timers run in the order of their time, within `advance`.
 */

import type { Clock, Timer } from '@ockam/core'

interface ManualTimer {
  readonly atMs: number
  readonly task: () => void
}

export class ManualClock implements Clock {
  #nowMs: number
  #elapsedMs = 0
  readonly #timers = new Set<ManualTimer>()

  /** @param nowMs what `now` says at first; `monotonic` starts at 0. */
  constructor(nowMs: number = Date.UTC(2026, 0, 1)) {
    this.#nowMs = nowMs
  }

  /** Timers that are set. */
  get waiting(): number {
    return this.#timers.size
  }

  now(): number {
    return this.#nowMs
  }

  monotonic(): number {
    return this.#elapsedMs
  }

  schedule(delayMs: number, task: () => void): Timer {
    const timer = { atMs: this.#elapsedMs + Math.max(0, delayMs), task }
    this.#timers.add(timer)
    return { cancel: () => void this.#timers.delete(timer) }
  }

  /** Moves the time on and runs what comes due, timers set by timers included. */
  advance(ms: number): void {
    const untilMs = this.#elapsedMs + ms
    for (let next = this.#next(untilMs); next !== undefined; next = this.#next(untilMs)) {
      this.#timers.delete(next)
      this.#move(next.atMs)
      next.task()
    }
    this.#move(untilMs)
  }

  #next(untilMs: number): ManualTimer | undefined {
    let first: ManualTimer | undefined
    for (const timer of this.#timers) if (timer.atMs <= untilMs && (first === undefined || timer.atMs < first.atMs)) first = timer
    return first
  }

  #move(elapsedMs: number): void {
    this.#nowMs += elapsedMs - this.#elapsedMs
    this.#elapsedMs = elapsedMs
  }
}
