/**
 * The `echo` service: every payload goes back as it came, raw. Session pings of Rust nodes depend on it.
 */

import type { Router, WorkerHandle, WorkerOptions } from '@ockam/core'

/** @param options default: reachable by anyone, at `echo`; messages over the bound of its mailbox are dropped. */
export function startEcho(router: Router, name = 'echo', options: WorkerOptions = {}): WorkerHandle {
  return router.startWorker(name, (message, context) => context.reply(message, message.payload), {
    from: 'anyone',
    overflow: 'drop',
    isTransit: true,
    ...options,
  })
}
