/**
 * What a worker sees of its node: sending, forwarding and asking, in its own name and under its own outgoing access control.
 */
import {
  type Address,
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
import type { Sender, Switchboard } from './switchboard.ts'

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

  forward(message: LocalMessage, onwardRoute: Route, returnRoute: Route = message.returnRoute): Pressure {
    this.#check()
    const { localInfo, origin, forwards } = message
    // Not exclusive any more: the handler that forwards may do so twice, or keep the message.
    return this.#switchboard.route(
      this.sender,
      new RoutedMessage(onwardRoute, returnRoute, message.payload, localInfo, this.address, origin, forwards + 1, false),
    )
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
