/** One limit in time for an operation of several steps, and the caller's `AbortSignal` with it. */

import { type Clock, OckamError, type RequestOptions, type Timer } from '@ockam/core'

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
    this.#callOff = () => controller.abort(signal?.reason)
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

/** Waits for the end of something, but not for ever: it then ends by itself, unattended. @param options.timeoutMs default 5000. */
export async function within(
  clock: Clock,
  end: Promise<unknown>,
  { timeoutMs = CLOSE_MS }: { readonly timeoutMs?: number },
): Promise<void> {
  let timer: Timer | undefined
  const late = new Promise<void>((resolve) => {
    timer = clock.schedule(Math.min(timeoutMs, 0x7fff_ffff), resolve, { isBackground: false })
  })
  await Promise.race([end, late])
  timer?.cancel()
}
