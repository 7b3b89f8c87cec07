/**
 * The `echo` service: every payload goes back as it came, raw. Session pings of Rust nodes depend on it.
 *
 * A message whose reply would go to a worker of the same name is dropped: two echo services told to answer each other would never stop.
 */

import type { LocalMessage, Router, WorkerHandle, WorkerOptions } from '@ockam/core'
import { answer } from './answer.ts'

/** @param options default: reachable by anyone, at `echo`; messages over the bound of its mailbox are dropped. */
export function startEcho(router: Router, name = 'echo', options: WorkerOptions = {}): WorkerHandle {
  return router.startWorker(name, (message: LocalMessage, context) => answer(message, message.payload, context), {
    from: 'anyone',
    overflow: 'drop',
    isTransit: true,
    ...options,
  })
}
