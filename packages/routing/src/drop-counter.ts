/**
 * Counts dropped messages by reason and tells diagnostics about them, at most once a second for each reason, so that a flood does not become a
 * flood of events. Nothing about a drop goes to whoever sent the message.
 */
import type { Clock, Diagnostics, LocalMessage } from '@ockam/core'

const EVENT_INTERVAL_MS = 1000
const MAX_NAME = 64

/** Why a message was dropped. */
export type DropReason =
  /** Its next hop is no address of this node. */
  | 'unknown-address'
  /** Its origin may not reach the worker. */
  | 'not-reachable'
  /** The receiver's access control refused it. */
  | 'denied-incoming'
  /** The sender's access control refused it. */
  | 'denied-outgoing'
  /** The mailbox was full and drops, or a sender outside the node did not wait. */
  | 'mailbox-full'
  /** Its sender waited for a connection that waited for its sender, and waits no longer (`deadlockTimeoutMs`). */
  | 'deadlock'
  /** All mailboxes together held `maxWaitingBytes`, it came from outside, and its mailbox would have held more than its share. */
  | 'node-full'
  /** An answer whose asker does not read: the way back has no room. */
  | 'nobody-reads'
  /** An answer whose asker is gone. */
  | 'nobody-there'
  /** An answer that would be answered in turn. */
  | 'goes-to-a-service'
  /** It was forwarded too often within this node. */
  | 'loop'
  /** Its two routes hold too many addresses. */
  | 'route-too-long'
  /** It waited for a worker that was stopped, or came after the router was closed. */
  | 'stopped'
  /** It came from, or waited for, a connection that is gone or was refused. */
  | 'connection-closed'
  /** It came from a connection and has no onward route: that is how nodes show that they live. */
  | 'heartbeat'

export class DropCounter {
  readonly #clock: Clock
  readonly #diagnostics: Diagnostics
  readonly #counts = new Map<DropReason, number>()
  readonly #reported = new Map<DropReason, { atMs: number; count: number }>()

  constructor(clock: Clock, diagnostics: Diagnostics) {
    this.#clock = clock
    this.#diagnostics = diagnostics
  }

  /**
   * @param message the dropped message, for the names in the event; never its payload.
   * @param dropped how many at once.
   * @param rule which access control refused it, in its own words.
   */
  count(reason: DropReason, message: LocalMessage | undefined, dropped = 1, rule?: string): void {
    const total = (this.#counts.get(reason) ?? 0) + dropped
    this.#counts.set(reason, total)
    const atMs = this.#clock.monotonic()
    const last = this.#reported.get(reason)
    if (last !== undefined && atMs - last.atMs < EVENT_INTERVAL_MS) return
    this.#reported.set(reason, { atMs, count: total })
    this.#diagnostics.event('routing/message-dropped', {
      reason,
      count: total - (last?.count ?? 0),
      to: message === undefined ? undefined : printable(message.onwardRoute.next?.toString() ?? ''),
      from: message === undefined ? undefined : printable(message.source.toString()),
      origin: message?.origin?.kind,
      rule: rule === undefined ? undefined : printable(rule),
    })
  }

  /** Counts what is expected, and nobody has to be told of. */
  countQuietly(reason: DropReason): void {
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + 1)
  }

  /** Totals by reason. */
  totals(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts)
  }
}

/** Addresses may hold what a remote party chose: no control characters, no long lines. */
function printable(name: string): string {
  const line = name.replace(/[^\x20-\x7e]/g, '?')
  return line.length > MAX_NAME ? `${line.slice(0, MAX_NAME)}...` : line
}
