/**
 * Answers of the standard services. They go to whoever asked, anybody at all, so:
 *
 * - Nobody is waited for. Somebody who asks and does not read loses answers; the service goes on for all others. (Ockam nodes take a peer whose
 *   `echo` is silent for dead.)
 * - An answer counts as a forward of its question, so that services of one node that are told to answer each other stop. Between nodes nothing
 *   counts; there, nothing is answered to a worker with the name of a service that answers everything.
 */

import {
  Address,
  type Context,
  dropPressure,
  type LocalMessage,
  type NodeServices,
  OckamError,
  type OutgoingMessage,
  Route,
} from '@ockam/core'
import type { RoutingErrorCode } from '../error.ts'
import { LimitedEvent } from './limited-event.ts'

/** Keys of the addresses at which nodes answer everything. */
const ANSWERING: ReadonlySet<string> = new Set(['echo', 'uppercase'].map((name) => Address.local(name).key))

/** Why an answer was dropped: it would be answered in turn, the asker does not read, or is gone. */
type DroppedAnswer = 'goes-to-a-service' | 'nobody-reads' | 'nobody-there'

/** Sends the answers of one service. */
export class AnswerSender {
  readonly #dropped: LimitedEvent<DroppedAnswer>
  /** First hops that asked to wait. */
  readonly #full = new Set<string>()
  /** Askers ask more than once: what was found out about the last return route. */
  #lastRoute: Route | undefined
  #isLastAnswerable = false
  #ownRoute: Route | undefined

  constructor(services: NodeServices) {
    this.#dropped = new LimitedEvent('routing/answer-dropped', services)
  }

  /** Sends `payload` along the return route; a message without one wants no answer. */
  answer(message: LocalMessage, payload: Uint8Array, context: Context): void {
    const { returnRoute } = message
    if (returnRoute.isEmpty) return
    if (returnRoute !== this.#lastRoute) {
      this.#lastRoute = returnRoute
      this.#isLastAnswerable = isAnswerable(returnRoute, context.address)
    }
    if (!this.#isLastAnswerable) return this.#dropped.count('goes-to-a-service')
    this.#ownRoute ??= Route.of(context.address)
    this.send({ onwardRoute: returnRoute, returnRoute: this.#ownRoute, payload, forwards: message.forwards + 1 }, context)
  }

  send(message: OutgoingMessage, context: Context): void {
    const first = message.onwardRoute.next?.key ?? ''
    if (this.#full.has(first)) return this.#dropped.count('nobody-reads')
    try {
      const pressure = context.dispatch(message)
      if (pressure === undefined) return
      this.#full.add(first)
      dropPressure(pressure.then(() => void this.#full.delete(first)))
    } catch (error) {
      if (OckamError.is<RoutingErrorCode>(error, 'routing/unknown-address')) this.#dropped.count('nobody-there')
      else if (OckamError.is<RoutingErrorCode>(error, 'routing/mailbox-overflow')) this.#dropped.count('nobody-reads')
      else throw error
    }
  }
}

function isAnswerable(returnRoute: Route, own: Address): boolean {
  const asker = returnRoute.recipient
  return asker !== undefined && asker.key !== own.key && !ANSWERING.has(asker.key)
}
