/**
 * Knows whether the first hop of a channel's route still exists, and from where answers may come. A hop counts as gone when it stood for a connection
 * or channel and does so no longer; plain workers of this node are not watched.
 */

import type { Address, FlowControls, Route } from '@ockam/core'

/** The way in use and the one before it: what the peer sent before it followed still gets in. */
const KEPT_CONSUMERS = 2

export class RouteWatch {
  readonly #flowControls: FlowControls
  readonly #decryptor: Address
  readonly #addsConsumers: boolean
  readonly #consumerOf: string[] = []
  #watched: Address | undefined
  #lostSinceMs: number | undefined

  /** @param addsConsumers true for the initiator, which listens to the ways it chose and to no others. */
  constructor(flowControls: FlowControls, decryptor: Address, addsConsumers: boolean) {
    this.#flowControls = flowControls
    this.#decryptor = decryptor
    this.#addsConsumers = addsConsumers
  }

  /** The channel will use this route from now on. */
  follow(route: Route): void {
    const firstHop = route.next as Address
    const producer = this.#flowControls.producerAt(firstHop)
    this.#watched = producer === undefined ? undefined : firstHop
    this.#lostSinceMs = undefined
    if (!this.#addsConsumers || producer === undefined || this.#consumerOf.includes(producer.flowControlId)) return
    this.#flowControls.addConsumer(this.#decryptor, producer.flowControlId)
    this.#consumerOf.push(producer.flowControlId)
    if (this.#consumerOf.length > KEPT_CONSUMERS) this.#flowControls.removeConsumer(this.#decryptor, this.#consumerOf.shift() as string)
  }

  isClosed(firstHop: Address): boolean {
    return this.#watched !== undefined && this.#watched.equals(firstHop) && this.#flowControls.producerAt(firstHop) === undefined
  }

  /** For how many milliseconds the route has been seen lost. */
  lostForMs(isLost: boolean, nowMs: number): number {
    if (!isLost) this.#lostSinceMs = undefined
    else this.#lostSinceMs ??= nowMs
    return this.#lostSinceMs === undefined ? 0 : nowMs - this.#lostSinceMs
  }
}
