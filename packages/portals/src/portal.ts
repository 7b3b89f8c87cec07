/**
 * What an inlet and an outlet have in common: the connections they carry, their limits, what they count and what they tell diagnostics.
 */

import { type DiagnosticDetails, dropPressure, type Router } from '@ockam/core'
import type { EndReason } from './end-reason.ts'
import { LimitedEvent } from './limited-event.ts'
import type { PortalSettings } from './option.ts'
import { cut, type PortalSocket } from './portal-socket.ts'
import type { Traffic } from './traffic.ts'

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
  /** Sockets of connections that have ended, which still take what is left for them, or do not close. They count for the limits. */
  readonly lingering: number
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
  readonly #lingering = new Set<PortalSocket>()
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
    return this.#connections.size + this.#lingering.size >= this.settings.maxConnections
  }

  add(connection: Carried): void {
    this.#connections.add(connection)
  }

  remove(connection: Carried): void {
    this.#connections.delete(connection)
  }

  /** A connection has ended. @param onClosed called when its socket has too; at once when that is so already. */
  linger(socket: PortalSocket, onClosed: () => void): void {
    if (socket.socket.destroyed) {
      onClosed()
      return
    }
    this.#lingering.add(socket)
    socket.socket.once('close', () => {
      this.#lingering.delete(socket)
      onClosed()
    })
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
      lingering: this.#lingering.size,
      opened: this.#opened,
      ...this.traffic,
      refused: this.refused.totals,
      dropped: this.dropped.totals,
    }
  }

  /** Ends all connections. */
  async close(): Promise<void> {
    this.isClosed = true
    for (const socket of this.#lingering) cut(socket)
    this.#lingering.clear()
    await Promise.all([...this.#connections].map((connection) => connection.close('closed')))
  }

  /** As {@link close}, for what cannot wait. */
  closeSoon(): void {
    dropPressure(this.close())
  }
}
