/** The last diagnostics events of a node, so that a trace can say which rule refused a message. Bounded; older ones are in the node's log. */

import type { DiagnosticDetails, Diagnostics, DiagnosticValue } from '@ockam/core'

export interface LoggedEvent {
  /** Milliseconds since 1970. */
  readonly atMs: number
  readonly name: string
  readonly details: Readonly<Record<string, DiagnosticValue>>
}

const MAX_EVENTS = 512

export class EventLog implements Diagnostics {
  readonly #next: Diagnostics
  readonly #events: LoggedEvent[] = []

  /** @param next receives every event too. */
  constructor(next: Diagnostics) {
    this.#next = next
  }

  event(name: string, details: DiagnosticDetails = {}): void {
    if (this.#events.length === MAX_EVENTS) this.#events.shift()
    this.#events.push({ atMs: Date.now(), name, details: { ...details } })
    this.#next.event(name, details)
  }

  since(atMs: number): readonly LoggedEvent[] {
    return this.#events.filter((event) => event.atMs >= atMs)
  }
}
