/**
 * The `hop` service: takes itself off the onward route, puts itself on the return route, and forwards. The message keeps its origin, so it gets no
 * further than whoever sent it may reach: the next connection must be open to that origin (`from` of `connect`).
 */

import type { LocalMessage, Router, WorkerHandle, WorkerOptions } from '@ockam/core'

/** Not started by default. @param options `from` says who may hop through this node; default: secure channels only. */
export function startHop(router: Router, name = 'hop', options: WorkerOptions = {}): WorkerHandle {
  return router.startWorker(
    name,
    (message: LocalMessage, context) => {
      const onward = message.onwardRoute.step()
      return onward.isEmpty ? undefined : context.forward(message, onward, message.returnRoute.prepend(context.address))
    },
    { isTransit: true, ...options },
  )
}
