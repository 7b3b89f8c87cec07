/** The `uppercase` service: a BARE string comes back in upper case (Unicode). Bodies that are no BARE string are an error of the worker. */

import type { Router, WorkerHandle, WorkerOptions } from '@ockam/core'
import { decodeBareString, encodeBareString } from '@ockam/core/bare'

/** @param options default: reachable by anyone, at `uppercase`; messages over the bound of its mailbox are dropped. */
export function startUppercase(router: Router, name = 'uppercase', options: WorkerOptions = {}): WorkerHandle {
  return router.startWorker(
    name,
    (message, context) => context.reply(message, encodeBareString(decodeBareString(message.payload).toUpperCase())),
    { from: 'anyone', overflow: 'drop', isTransit: true, ...options },
  )
}
