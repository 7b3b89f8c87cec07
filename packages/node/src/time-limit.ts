/** One limit in time for an operation of several steps, and the caller's `AbortSignal` with it. */

import { type Clock, type CloseOptions, OckamError, type RequestOptions, type Timer } from '@ockam/core'

export class TimeLimit {
  /** Aborts with the caller's reason, or with `node/timeout` when the time is over. */
  readonly signal: AbortSignal
  readonly #clock: Clock
  readonly #endsAt: number | undefined
  readonly #timer: Timer | undefined
  readonly #callersSignal: AbortSignal | undefined
  readonly #callOff: () => void

  /** @param what for the error: `Opening a secure channel to …`. Without `timeoutMs` only the signal counts. */
  constructor(clock: Clock, { timeoutMs, signal }: RequestOptions, what: string) {
    const controller = new AbortController()
    this.signal = controller.signal
    this.#clock = clock
    this.#callersSignal = signal
    // By way of a variable: docs/decisions/0025.
    const callOff = (): void => controller.abort(signal?.reason)
    this.#callOff = callOff
    if (signal?.aborted === true) this.#callOff()
    else signal?.addEventListener('abort', this.#callOff, { once: true })
    if (timeoutMs === undefined) return
    if (!(timeoutMs > 0)) throw new OckamError('node/invalid-argument', `timeoutMs is a positive number of milliseconds; got ${timeoutMs}.`)
    this.#endsAt = clock.monotonic() + timeoutMs
    const late = (): void => controller.abort(new OckamError('node/timeout', `${what} took longer than ${timeoutMs} ms.`))
    this.#timer = clock.schedule(Math.min(timeoutMs, 0x7fff_ffff), late, { isBackground: false })
  }

  /** What is left, as an option for the next step; at least 1 ms, so that the step itself reports that time is over. */
  get left(): { readonly timeoutMs?: number } {
    return this.#endsAt === undefined ? {} : { timeoutMs: Math.max(1, Math.floor(this.#endsAt - this.#clock.monotonic())) }
  }

  /** Removes timer and listener. */
  end(): void {
    this.#timer?.cancel()
    this.#callersSignal?.removeEventListener('abort', this.#callOff)
  }
}

const CLOSE_MS = 5000

/**
 * Waits for the end of something that takes no limits itself, but not for ever: it then ends by itself, unattended.
 * @param options.timeoutMs default 5000. The signal ends the waiting too, without an error.
 */
export async function within(clock: Clock, end: Promise<unknown>, { timeoutMs = CLOSE_MS, signal }: CloseOptions): Promise<void> {
  let giveUp: () => void = () => undefined
  const late = new Promise<void>((resolve) => {
    giveUp = resolve
  })
  const timer = clock.schedule(Math.min(timeoutMs, 0x7fff_ffff), giveUp, { isBackground: false })
  if (signal?.aborted === true) giveUp()
  else signal?.addEventListener('abort', giveUp, { once: true })
  try {
    await Promise.race([end, late])
  } finally {
    timer.cancel()
    signal?.removeEventListener('abort', giveUp)
  }
}
