/**
 * A limit in time (`Infinity`: none) and an `AbortSignal` in one: whichever comes first calls back, once, and `cancel` removes both.
 */
import type { Clock, Timer } from '@ockam/core'
import { routingError } from './error.ts'

/** How long closing waits unless it is told otherwise. */
export const CLOSE_TIMEOUT_MS: number = 5000
/** Timers of JavaScript run at once when asked for more. */
export const MAX_TIMER_MS: number = 2_147_483_647

export interface DeadlineOptions {
  readonly timeoutMs?: number | undefined
  readonly signal?: AbortSignal | undefined
}

export class Deadline {
  readonly #signal: AbortSignal | undefined
  readonly #timer: Timer | undefined
  readonly #aborted: () => void

  /**
   * @param onAbort gets `signal.reason`; called before the constructor returns when the signal has aborted already.
   * @throws {OckamError} `routing/invalid-argument` for a timeout that is not a positive number.
   */
  constructor(clock: Clock, options: DeadlineOptions, defaultMs: number, onTimeout: () => void, onAbort: (reason: unknown) => void) {
    const timeoutMs = checkedTimeout(options.timeoutMs, defaultMs)
    this.#signal = options.signal
    const late = (): void => {
      this.cancel()
      onTimeout()
    }
    this.#timer =
      timeoutMs === Number.POSITIVE_INFINITY ? undefined : clock.schedule(Math.min(timeoutMs, MAX_TIMER_MS), late, { isBackground: false })
    // By way of a variable: docs/decisions/0025.
    const aborted = (): void => {
      this.cancel()
      onAbort(this.#signal?.reason)
    }
    this.#aborted = aborted
    if (this.#signal?.aborted === true) this.#aborted()
    else this.#signal?.addEventListener('abort', this.#aborted, { once: true })
  }

  cancel(): void {
    this.#timer?.cancel()
    this.#signal?.removeEventListener('abort', this.#aborted)
  }
}

/** @throws {OckamError} `routing/invalid-argument` */
export function checkedTimeout(timeoutMs: number | undefined, defaultMs: number): number {
  const value = timeoutMs ?? defaultMs
  if (typeof value !== 'number' || !(value > 0)) {
    throw routingError('routing/invalid-argument', `timeoutMs is a positive number of milliseconds; got ${String(timeoutMs)}.`)
  }
  return value
}
