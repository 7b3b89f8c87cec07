/**
 * The `hop` service: takes itself off the onward route, puts itself on the return route, and forwards. The message keeps its origin, so it gets no
 * further than whoever sent it may reach: the next connection must be open to that origin (`from` of `connect`).
 *
 * Answers come back through the hop over that next connection, which must therefore be admitted by the hop too. They reach the connection that was
 * answered and nothing else: whoever hops asks for answers from where it hops to.
 *
 * The hop waits for nobody: where a next hop has no room, whoever sent something there is asked to wait, and nobody else.
 *
 * Who receives over a channel of this node what came through a hop sees this node's identity: the hop vouches for those it admits.
 */

import type { Address, Context, LocalMessage, Pressure, Producer, Router, Worker, WorkerHandle, WorkerOptions } from '@ockam/core'
import { Introductions } from './introduction.ts'

/** Not started by default. @param options `from` says who may hop through this node; default: secure channels only. */
export function startHop(router: Router, name = 'hop', options: WorkerOptions = {}): WorkerHandle {
  return router.startWorker(name, new Hop(router), { isTransit: true, isForwarder: true, ...options })
}

class Hop implements Worker {
  readonly #router: Router
  readonly #introductions: Introductions
  #lastNext: Address | undefined
  #lastOrigin: Producer | undefined

  constructor(router: Router) {
    this.#router = router
    this.#introductions = new Introductions(router.flowControls)
  }

  handleMessage(message: LocalMessage, context: Context): Pressure {
    const onwardRoute = message.onwardRoute.step()
    const { next } = onwardRoute
    if (next === undefined) return undefined
    // A stream of messages takes the same way again and again.
    if (next !== this.#lastNext || message.origin !== this.#lastOrigin) this.#openWayBack(message, next)
    return context.forward(message, onwardRoute, message.returnRoute.prepend(context.address))
  }

  stop(): void {
    this.#introductions.close()
  }

  #openWayBack({ origin, returnRoute }: LocalMessage, next: Address): void {
    this.#lastNext = next
    this.#lastOrigin = origin
    const { flowControls } = this.#router
    const back = returnRoute.next
    const there = flowControls.producerAt(next)
    if (origin === undefined || back === undefined || there === undefined || flowControls.producerAt(back) !== origin) return
    // An answer opens nothing: otherwise somebody who may not go that way could be let in by an accomplice at its end.
    if (!this.#introductions.has(there, origin)) this.#introductions.allow(back, origin, there, origin)
  }
}
