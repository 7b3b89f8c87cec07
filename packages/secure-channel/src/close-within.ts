/** Closing with an end in sight: what is under way may come to its end, but nothing that does not must keep whoever closes waiting for ever. */

import type { Clock, CloseOptions } from '@ockam/core'
import { checkedDuration, checkedNumber } from './checked-number.ts'

const CLOSE_TIMEOUT_MS = 5_000

/** Says no before anything is closed. @throws {OckamError} `secure-channel/invalid-argument` */
export function checkCloseOptions({ timeoutMs }: CloseOptions): void {
  checkedNumber('timeoutMs', timeoutMs ?? CLOSE_TIMEOUT_MS)
}

/**
 * Resolves when `close` has. Rejects with the signal's reason, not before `close` is done, when it aborted.
 * @param close called once, before this returns. Its promise never rejects.
 * @param force called at most once: when the time is over or the signal aborts. Ends what `close` may be waiting for.
 * @throws {OckamError} `secure-channel/invalid-argument`
 */
export async function closeWithin(clock: Clock, options: CloseOptions, close: () => Promise<void>, force: () => void): Promise<void> {
  const { timeoutMs = CLOSE_TIMEOUT_MS, signal } = options
  const durationMs = checkedDuration('timeoutMs', timeoutMs)
  const closing = close()
  const hurry = (): void => {
    cancel()
    force()
  }
  // In the foreground: while somebody waits for the end, the process has something to do.
  const timer = timeoutMs === Number.POSITIVE_INFINITY ? undefined : clock.schedule(durationMs, hurry, { isBackground: false })
  const cancel = (): void => {
    timer?.cancel()
    signal?.removeEventListener('abort', hurry)
  }
  if (signal?.aborted === true) hurry()
  else signal?.addEventListener('abort', hurry)
  await closing
  cancel()
  signal?.throwIfAborted()
}
