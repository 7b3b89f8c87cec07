/**
 * Counts what was refused or dropped on behalf of others and tells diagnostics at most once a second for each reason: a flood of messages must not
 * become a flood of events.
 */

import type { DiagnosticDetails, NodeServices } from '@ockam/core'

const INTERVAL_MS = 1000

interface Count {
  total: number
  untold: number
  toldAtMs: number
}

export class LimitedEvent<Reason extends string> {
  readonly #event: string
  readonly #services: Pick<NodeServices, 'clock' | 'diagnostics'>
  readonly #counts = new Map<Reason, Count>()

  constructor(event: string, services: Pick<NodeServices, 'clock' | 'diagnostics'>) {
    this.#event = event
    this.#services = services
  }

  /** @param details of this occurrence: only those of occurrences that are told are seen. */
  count(reason: Reason, details: DiagnosticDetails = {}): void {
    const nowMs = this.#services.clock.monotonic()
    let count = this.#counts.get(reason)
    if (count === undefined) {
      count = { total: 0, untold: 0, toldAtMs: Number.NEGATIVE_INFINITY }
      this.#counts.set(reason, count)
    }
    count.total++
    count.untold++
    if (nowMs - count.toldAtMs < INTERVAL_MS) return
    this.#services.diagnostics.event(this.#event, { reason, count: count.untold, ...details })
    count.toldAtMs = nowMs
    count.untold = 0
  }

  /** How often, by reason, since the start. */
  get totals(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#counts].map(([reason, { total }]) => [reason, total]))
  }
}
