/**
 * What an inlet and an outlet have in common: the connections they carry, their limits, what they count and what they tell diagnostics.
 */

import { type DiagnosticDetails, dropPressure, type Router } from '@ockam/core'
import { LimitedEvent } from './limited-event.ts'
import type { PortalSettings } from './option.ts'
import type { EndReason, Traffic } from './portal-stream.ts'

/** Why a message of a peer was not used. */
export type MessageDrop = 'malformed' | 'not-the-peer' | 'unexpected' | 'not-allowed'

/** Why a connection was not made. */
export type Refusal =
  | 'too-many-connections'
  | 'too-many-of-peer'
  | 'target-unreachable'
  | 'no-route'
  | 'no-answer'
  | 'not-allowed'
  | 'tls-failed'
  | 'closed'

/** Counters since the start. A remote party learns none of them. */
export interface PortalStatistics {
  /** Now. */
  readonly connections: number
  /** Since the start. */
  readonly opened: number
  /** Read from sockets and sent through the portal. */
  readonly sentBytes: number
  /** Received through the portal, for sockets. */
  readonly receivedBytes: number
  /** Connections that were not made, by reason. */
  readonly refused: Readonly<Record<string, number>>
  /** Messages that were not used, by reason. */
  readonly dropped: Readonly<Record<string, number>>
}

/** A connection as inlet and outlet hold it. */
export interface Carried {
  /** Ends it; its socket is cut. Resolves when nothing of it is left in the node. */
  close(reason: EndReason): Promise<void>
}

export class Portal {
  readonly router: Router
  readonly settings: PortalSettings
  readonly traffic: Traffic = { sentBytes: 0, receivedBytes: 0 }
  readonly dropped: LimitedEvent<MessageDrop>
  readonly refused: LimitedEvent<Refusal>
  /** `inlet` or `outlet`, with its address, for people. */
  readonly #details: DiagnosticDetails
  readonly #connections = new Set<Carried>()
  #opened = 0
  isClosed = false

  constructor(router: Router, settings: PortalSettings, details: DiagnosticDetails) {
    this.router = router
    this.settings = settings
    this.#details = details
    this.dropped = new LimitedEvent('portals/message-dropped', router.services)
    this.refused = new LimitedEvent('portals/connection-refused', router.services)
  }

  get isFull(): boolean {
    return this.#connections.size >= this.settings.maxConnections
  }

  add(connection: Carried): void {
    this.#connections.add(connection)
  }

  remove(connection: Carried): void {
    this.#connections.delete(connection)
  }

  drop(reason: MessageDrop): void {
    this.dropped.count(reason, this.#details)
  }

  refuse(reason: Refusal, details: DiagnosticDetails = {}): void {
    this.refused.count(reason, { ...this.#details, ...details })
  }

  /** Both ends of a connection know each other. */
  opened(details: DiagnosticDetails): void {
    this.#opened++
    this.event('portals/connection-opened', details)
  }

  event(name: string, details: DiagnosticDetails): void {
    this.router.services.diagnostics.event(name, { ...this.#details, ...details })
  }

  statistics(): PortalStatistics {
    return {
      connections: this.#connections.size,
      opened: this.#opened,
      ...this.traffic,
      refused: this.refused.totals,
      dropped: this.dropped.totals,
    }
  }

  /** Ends all connections. */
  async close(): Promise<void> {
    this.isClosed = true
    await Promise.all([...this.#connections].map((connection) => connection.close('closed')))
  }

  /** As {@link close}, for what cannot wait. */
  closeSoon(): void {
    dropPressure(this.close())
  }
}
