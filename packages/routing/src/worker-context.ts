/**
 * What a worker sees of its node: sending, forwarding and asking, in its own name and under its own outgoing access control.
 */
import {
  Address,
  type Context,
  type LocalMessage,
  NO_LOCAL_INFO,
  type OutgoingMessage,
  type Pressure,
  type RequestOptions,
  Route,
  type RouteLike,
} from '@ockam/core'
import { routingError } from './error.ts'
import { plainPayload } from './payload.ts'
import { RoutedMessage } from './routed-message.ts'
import type { Sender } from './sender.ts'
import type { Switchboard } from './switchboard.ts'

/** Keys of the addresses at which nodes answer everything. */
const ANSWERING: ReadonlySet<string> = new Set(['echo', 'uppercase'].map((name) => Address.local(name).key))

/** Sends a request from a fresh address and waits for the answer. */
export type Requester = (route: Route, payload: Uint8Array, options: RequestOptions, from: WorkerContext) => Promise<LocalMessage>

/** Whether sending is over: a worker may send until it has stopped. */
export interface SenderLife {
  readonly hasEnded: boolean
}

export class WorkerContext implements Context {
  readonly address: Address
  /** @internal */
  readonly sender: Sender
  readonly #ownRoute: Route
  readonly #switchboard: Switchboard
  readonly #request: Requester
  readonly #life: SenderLife
  /** Askers ask more than once: what was found out about the last return route. */
  #lastAsker: Route | undefined
  #lastAskerAnswers = false

  constructor(address: Address, sender: Sender, switchboard: Switchboard, request: Requester, life: SenderLife) {
    this.address = address
    this.sender = sender
    this.#ownRoute = Route.of(address)
    this.#switchboard = switchboard
    this.#request = request
    this.#life = life
  }

  send(route: RouteLike, payload: Uint8Array): Pressure {
    this.#check()
    return this.#switchboard.route(
      this.sender,
      new RoutedMessage(Route.from(route), this.#ownRoute, plainPayload(payload), NO_LOCAL_INFO, this.address, undefined, 0, false),
    )
  }

  reply(message: LocalMessage, payload: Uint8Array, returnRoute: Route = this.#ownRoute): void {
    this.#check()
    const asker = message.returnRoute
    if (asker.isEmpty) return
    if (asker !== this.#lastAsker) {
      this.#lastAsker = asker
      this.#lastAskerAnswers = answersEverything(asker, this.address)
    }
    const forwards = message.forwards + 1
    const answer = new RoutedMessage(asker, returnRoute, plainPayload(payload), NO_LOCAL_INFO, this.address, undefined, forwards, false)
    this.#switchboard.answer(this.sender, answer, this.#lastAskerAnswers)
  }

  forward(message: LocalMessage, onwardRoute: Route, returnRoute: Route = message.returnRoute): Pressure {
    this.#check()
    const { localInfo, origin, forwards } = message
    // Not exclusive any more: the handler that forwards may do so twice, or keep the message.
    const forwarded = new RoutedMessage(onwardRoute, returnRoute, message.payload, localInfo, this.address, origin, forwards + 1, false)
    const account = (message as Partial<RoutedMessage>).sender
    if (account === undefined) return this.#switchboard.route(this.sender, forwarded)
    account.owe(this.#switchboard.route(this.sender, forwarded, account))
    return undefined
  }

  dispatch(message: OutgoingMessage): Pressure {
    this.#check()
    return this.#switchboard.route(this.sender, RoutedMessage.from(message, plainPayload(message.payload), this.address))
  }

  async request(route: RouteLike, payload: Uint8Array, options: RequestOptions = {}): Promise<LocalMessage> {
    this.#check()
    return this.#request(Route.from(route), plainPayload(payload), options, this)
  }

  #check(): void {
    if (this.#life.hasEnded) {
      throw routingError('routing/stopped', `${this.address.toString()} has stopped and cannot send any more.`)
    }
  }
}

/**
 * Whether who is at the end of the route answers everything. Services of one node that are told to answer each other stop, because an answer counts as
 * a forward. Between nodes nothing counts; there, nothing is answered to a worker with the name of a service that answers everything, or with our own.
 */
function answersEverything(route: Route, own: Address): boolean {
  const recipient = route.recipient
  return recipient === undefined || recipient.key === own.key || ANSWERING.has(recipient.key)
}
