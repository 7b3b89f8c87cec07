/** A limit for work of somebody else that may never come to an end. */

import type { Clock } from '@ockam/core'
import { channelError } from '../error.ts'

/**
 * Resolves and rejects with what `work` returns, called once. When that takes too long, it is left to itself.
 * @param work may ask at any time whether anybody still waits.
 * @throws {OckamError} `secure-channel/timeout`
 */
export function withDeadline(clock: Clock, durationMs: number, work: (isOver: () => boolean) => Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    let isOver = false
    const timer = clock.schedule(durationMs, () => {
      isOver = true
      reject(channelError('secure-channel/timeout', `What had to be done within ${durationMs} ms was not.`))
    })
    const settled = work(() => isOver).finally(() => timer.cancel())
    settled.then(resolve, reject)
  })
}
