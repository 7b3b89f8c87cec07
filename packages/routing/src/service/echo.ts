/**
 * The `echo` service: every payload goes back as it came, raw. Session pings of Rust nodes depend on it.
 */

import type { Router, WorkerHandle, WorkerOptions } from '@ockam/core'
import { AnswerSender } from './answer.ts'

/** @param options default: reachable by anyone, at `echo`; messages over the bound of its mailbox are dropped. */
export function startEcho(router: Router, name = 'echo', options: WorkerOptions = {}): WorkerHandle {
  const answers = new AnswerSender(router.services)
  return router.startWorker(name, (message, context) => answers.answer(message, message.payload, context), {
    from: 'anyone',
    overflow: 'drop',
    isTransit: true,
    ...options,
  })
}
