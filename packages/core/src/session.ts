/**
 * Sessions: routes that are opened, watched and opened again. `@ockam/routing` implements them; portals, relay registrations and applications take the
 * interface. What a session carries (a portal's inlet, a relay) reacts to `up` and `down`; what watches the route is none of its business.
 */

import type { ResolvedRoute } from './router.ts'
import type { RequestOptions } from './worker.ts'

/** Opens one way to the other side. Whoever calls it owns the result and closes it. @param signal aborts the attempt. */
export type Establish = (signal: AbortSignal) => Promise<ResolvedRoute>

export type SessionState = 'connecting' | 'up' | 'down' | 'closed'

export interface SessionEvents {
  /** A route is open and was heard. @param way index of the way in {@link SessionOptions.ways}: 0 is the primary. */
  up: { readonly route: ResolvedRoute; readonly way: number }
  /** The route is gone and has been closed. @param error why, kept local. @param retryInMs when the next attempt begins. */
  down: { readonly error: unknown; readonly retryInMs: number }
}

export interface Session extends AsyncDisposable {
  readonly name: string
  readonly state: SessionState
  /** The open route; undefined unless the state is `up`. It belongs to the session. */
  readonly route: ResolvedRoute | undefined
  /** The open route, or the next one. @throws {OckamError} `routing/timeout`, `routing/stopped`; rejects with `signal.reason` when aborted. */
  whenUp(options?: RequestOptions): Promise<ResolvedRoute>
  /** @returns what removes the listener. A listener that throws is reported to diagnostics and disturbs nobody. */
  on<Name extends keyof SessionEvents>(event: Name, listener: (event: SessionEvents[Name]) => void): () => void
  readonly closed: Promise<void>
  /** Closes the route and ends all attempts. Idempotent. */
  close(): Promise<void>
}

export interface SessionOptions {
  /** For people: stands in diagnostics events. */
  readonly name: string
  /** The primary way first, then what to fall back to. At least one. */
  readonly ways: readonly Establish[]
  /** Where pings go behind an open route: the spec's `echo` of the node at its end. Default `(route) => route + echo`; `false` sends none. */
  readonly ping?: SessionPing | false
  readonly backoff?: SessionBackoff
}

export interface SessionPing {
  /** Default 10 000. */
  readonly intervalMs?: number
  /** So many unanswered pings in a row end the route. Default 3. */
  readonly losses?: number
  /** Service that sends raw bytes back. Default `echo`. */
  readonly service?: string
}

/** Exponential with full jitter: the n-th wait is random between half of and all of `min(maximumMs, initialMs * 2^n)`. */
export interface SessionBackoff {
  /** Default 500. */
  readonly initialMs?: number
  /** Default 30 000. */
  readonly maximumMs?: number
  /** One attempt, all its hops included. Default 30 000. */
  readonly attemptMs?: number
}

/** Keeps routes open. */
export interface Sessions {
  open(options: SessionOptions): Session
}
