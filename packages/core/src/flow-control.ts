/**
 * Flow control: which workers may receive from which untrusted sources.
 *
 * A producer is such a source (a connection, a channel); messages keep it as their `origin` through local hops. A consumer is an address that may
 * receive from producers with a certain flow-control id. A listener is a spawner: a consumer of its id may receive from every producer it
 * accepts. Nothing is on the wire.
 *
 * Source: flow control of the published Rust nodes; stricter in that the origin survives forwarding by local workers.
 */

import type { Address } from './address.ts'
import type { Producer } from './message.ts'

export interface FlowControls {
  /** A fresh id for a spawner or a consumer group: 32 hexadecimal digits. */
  createId(): string
  /** A fresh producer. `spawnerId` when a listener made it; `remoteNetwork` when it is known where it comes from. */
  createProducer(kind: Producer['kind'], spawnerId?: string, remoteNetwork?: string): Producer
  /** The address may receive from producers with that id, or spawned under it. The right ends when the address stops, or with {@link removeConsumer}. */
  addConsumer(address: Address, flowControlId: string): void
  removeConsumer(address: Address, flowControlId: string): void
  isConsumer(address: Address, producer: Producer): boolean
  /** The producer whose messages come back when something is sent to this address: of a connection's or channel's own address. */
  producerAt(address: Address): Producer | undefined
  /**
   * Calls `task` once, when the connection or channel behind a producer is gone (soon, when it is gone already).
   * Returns a function that calls it off.
   */
  onEnd(producer: Producer, task: () => void): () => void
  /**
   * From now on messages of this producer carry no channel peer. For a channel to a relay: what comes through it is not the relay's word, and a rule
   * that admits the relay must not admit everybody who comes through it.
   */
  withholdIdentity(producer: Producer): void
}
