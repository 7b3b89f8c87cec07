/**
 * An event that a remote party can cause as often as it likes, told to diagnostics at most once a second for each reason, with how often it happened
 * since: a flood of messages must not become a flood of events.
 */

import type { Clock, DiagnosticDetails, Diagnostics, NodeServices } from '@ockam/core'

const INTERVAL_MS = 1000

export class LimitedEvent<Reason extends string> {
  readonly #name: string
  readonly #clock: Clock
  readonly #diagnostics: Diagnostics
  readonly #reasons = new Map<Reason, { toldAtMs: number; count: number }>()

  constructor(name: string, { clock, diagnostics }: Pick<NodeServices, 'clock' | 'diagnostics'>) {
    this.#name = name
    this.#clock = clock
    this.#diagnostics = diagnostics
  }

  /** @param details of this occurrence; only those of the occurrences that are told are seen. */
  count(reason: Reason, details: DiagnosticDetails = {}): void {
    const nowMs = this.#clock.monotonic()
    let known = this.#reasons.get(reason)
    if (known === undefined) {
      known = { toldAtMs: Number.NEGATIVE_INFINITY, count: 0 }
      this.#reasons.set(reason, known)
    }
    known.count++
    if (nowMs - known.toldAtMs < INTERVAL_MS) return
    const { count } = known
    known.toldAtMs = nowMs
    known.count = 0
    this.#diagnostics.event(this.#name, { reason, count, ...details })
  }
}
