/**
 * One relay: forwards everything to where its owner registered from, and nowhere else. Content and return route are passed on untouched; who sent
 * the message, as far as this node knows it, is not: it would be taken for the word of this node by whoever comes next.
 */

import {
  Address,
  type Context,
  dropPressure,
  type LocalMessage,
  NO_LOCAL_INFO,
  OckamError,
  type Pressure,
  type Producer,
  Route,
  type Router,
  type WorkerHandle,
} from '@ockam/core'
import type { RoutingErrorCode } from '../error.ts'
import type { Introductions } from './introduction.ts'
import type { LimitedEvent } from './limited-event.ts'

/** Where a relay leads: the connection it was registered through, and the way back along it. */
export interface RelayTarget {
  readonly producer: Producer
  /**
   * The return route of the registration. Its last hop, the client's own relay worker, is left out when messages are forwarded, as Rust nodes do.
   */
  readonly registered: Route
}

/** What the relays of one service share. */
export interface RelayServices {
  readonly router: Router
  readonly introductions: Introductions
  /** Told when the owner is gone before its messages, or does not read. */
  readonly dropped: LimitedEvent<RoutingErrorCode>
}

export class Relay {
  readonly address: Address
  readonly #services: RelayServices
  readonly #onClosed: () => void
  readonly #worker: WorkerHandle
  #target: RelayTarget
  #base: Route
  /** A stream of messages repeats its route: what it becomes is remembered with it. */
  #lastRest: Route = Route.empty
  #lastOnward: Route
  #lastOrigin: Producer | undefined
  #lastDisplaced = 0
  #callOff: () => void
  /** Ends the wait for an owner who does not read. */
  #goOn: (() => void) | undefined
  #isClosed = false

  /** @param onClosed called once. @throws {OckamError} `routing/address-in-use` */
  constructor(services: RelayServices, name: string, target: RelayTarget, onClosed: () => void) {
    this.#services = services
    this.#onClosed = onClosed
    this.#target = target
    this.#base = target.registered.withoutRecipient()
    this.#lastOnward = this.#base
    const handleMessage = (message: LocalMessage, context: Context): Pressure => this.#forward(message, context)
    this.address = Address.local(name)
    this.#worker = services.router.startWorker(this.address, { handleMessage }, { from: 'anyone', isTransit: true })
    this.#callOff = this.#watch(target.producer)
  }

  get producer(): Producer {
    return this.#target.producer
  }

  /** What waits goes to the new place too; nothing waits for the old one any more. */
  moveTo(target: RelayTarget): void {
    this.#callOff()
    this.#target = target
    this.#base = target.registered.withoutRecipient()
    this.#lastRest = Route.empty
    this.#lastOnward = this.#base
    this.#lastOrigin = undefined
    this.#callOff = this.#watch(target.producer)
    this.#goOn?.()
  }

  /** Hands over what waits, as far as the owner takes it at once. */
  async close(): Promise<void> {
    if (!this.#isClosed) {
      this.#isClosed = true
      this.#callOff()
      this.#onClosed()
      this.#goOn?.()
    }
    await this.#worker.close()
  }

  #watch(producer: Producer): () => void {
    return this.#services.router.flowControls.onEnd(producer, () => dropPressure(this.close()))
  }

  #forward(message: LocalMessage, context: Context): Pressure {
    const rest = message.onwardRoute.step()
    if (rest !== this.#lastRest) {
      this.#lastOnward = this.#base.concat(rest)
      this.#lastRest = rest
    }
    if (message.origin !== this.#lastOrigin || this.#services.introductions.displaced !== this.#lastDisplaced) this.#introduce(message)
    try {
      const pressure = context.dispatch({
        onwardRoute: this.#lastOnward,
        returnRoute: message.returnRoute,
        payload: message.payload,
        localInfo: NO_LOCAL_INFO,
        forwards: message.forwards + 1,
        isExclusive: message.isExclusive,
      })
      return pressure === undefined || this.#isClosed ? undefined : this.#waitFor(pressure)
    } catch (error) {
      // The connection ended while messages waited here, or closing did not wait for it: nothing went wrong in this worker.
      if (!OckamError.is<RoutingErrorCode>(error, 'routing/unknown-address', 'routing/mailbox-overflow')) throw error
      this.#services.dropped.count(error.code)
      return undefined
    }
  }

  #waitFor(pressure: Promise<void>): Promise<void> {
    return new Promise((resolve) => {
      this.#goOn = resolve
      dropPressure(pressure.then(resolve))
    })
  }

  /**
   * From then on both sides write to each other without naming the relay: the owner to the connection the message came through, the sender to the
   * owner's.
   */
  #introduce({ origin, returnRoute }: LocalMessage): void {
    this.#lastOrigin = origin
    this.#lastDisplaced = this.#services.introductions.displaced
    const { producer } = this.#target
    const sender = returnRoute.next
    const owner = this.#base.next
    if (origin === undefined || sender === undefined || owner === undefined) return
    const { router, introductions } = this.#services
    if (router.flowControls.producerAt(sender) !== origin) return
    introductions.allow(sender, origin, producer, origin)
    introductions.allow(owner, producer, origin, origin)
  }
}
