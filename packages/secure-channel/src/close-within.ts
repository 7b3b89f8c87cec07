/** Closing with an end in sight: what is under way may come to its end, but nothing that does not must keep whoever closes waiting for ever. */

import type { Clock, CloseOptions } from '@ockam/core'
import { checkedDuration, checkedNumber } from './checked-number.ts'

const CLOSE_TIMEOUT_MS = 5_000

/** What is closed together with others. */
interface Closing {
  close(options: CloseOptions): Promise<void>
}

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

/** Closes all of these within the same limits. However many they are, one listener is added to the signal: runtimes warn of more than a few. */
export async function closeAll(things: Iterable<Closing>, options: CloseOptions): Promise<void> {
  const { signal } = options
  if (signal === undefined) return void (await Promise.all([...things].map((thing) => thing.close(options))))
  const each = [...things].map((thing) => ({ thing, controller: new AbortController() }))
  const abort = (): void => {
    for (const { controller } of each) controller.abort(signal.reason)
  }
  if (signal.aborted) abort()
  else signal.addEventListener('abort', abort, { once: true })
  try {
    await Promise.all(each.map(({ thing, controller }) => thing.close({ ...options, signal: controller.signal })))
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
