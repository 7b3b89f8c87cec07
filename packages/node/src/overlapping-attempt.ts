/**
 * Begins something again beside what is under way, when that takes long, and takes what is done first. For opening a way to a peer that may be slow: it
 * gets all the time there is, and a message that was lost, or came before anybody was there to take it, costs no more than one interval.
 */

import type { Clock, Timer } from '@ockam/core'

/** What an attempt may take that has a secure channel to open: a peer may fetch its credential before it answers. */
export const CHANNEL_ATTEMPT_MS = 120_000
/** After this a further attempt begins beside those under way. */
const INTERVAL_MS = 30_000

interface Closeable {
  close(): Promise<unknown>
}

/**
 * @param begin called at once and for every interval; its signal aborts when another attempt was first, and when `signal` does.
 * @param signal bounds the whole.
 * @throws what the last attempt under way fails with; the signal's reason. What opens later than the first is closed.
 */
export function overlapping<Opened extends Closeable>(
  clock: Clock,
  signal: AbortSignal,
  begin: (signal: AbortSignal) => Promise<Opened>,
): Promise<Opened> {
  return new Promise((resolve, reject) => {
    const others = new AbortController()
    let underWay = 0
    let isOver = false
    let timer: Timer | undefined
    const end = (reason: unknown): void => {
      isOver = true
      timer?.cancel()
      signal.removeEventListener('abort', callOff)
      others.abort(reason)
    }
    const callOff = (): void => end(signal.reason)
    const failed = (error: unknown): void => {
      underWay--
      // Whoever waits may begin anew at once, and shall not meet what is still being given up.
      if (underWay > 0) return
      if (!isOver) end(error)
      reject(signal.aborted ? signal.reason : error)
    }
    const succeeded = (opened: Opened): void => {
      if (isOver) return void opened.close().then(failed, failed)
      underWay--
      end(new Error('Another attempt was first.'))
      resolve(opened)
    }
    const attempt = (): void => {
      underWay++
      timer = clock.schedule(INTERVAL_MS, attempt, { isBackground: false })
      new Promise<Opened>((opened) => opened(begin(others.signal))).then(succeeded, failed)
    }
    signal.throwIfAborted()
    signal.addEventListener('abort', callOff, { once: true })
    attempt()
  })
}
