/**
 * Sessions: routes that are opened, watched and opened again. `@ockam/routing` implements them; portals, relay registrations and applications take the
 * interface. What a session carries (a portal's inlet, a relay) reacts to `up` and `down`; what watches the route is none of its business.
 */

import type { Producer } from './message.ts'
import type { Route } from './route.ts'
import type { ResolvedRoute } from './router.ts'
import type { RequestOptions } from './worker.ts'

/**
 * Opens one way to the other side. Whoever calls it owns the result and closes it.
 * @param signal aborts the attempt: what was opened so far is then closed, and the promise rejects soon.
 */
export type Establish = (signal: AbortSignal) => Promise<ResolvedRoute>

export type SessionState = 'connecting' | 'up' | 'down' | 'closed'

export interface SessionEvents {
  /**
   * A route is open and was heard. Also when the session moves back to its primary way: then without a `down` before, and the former way stays open
   * for a while ({@link SessionPrimary.drainMs}).
   * @param way index of the way in {@link SessionOptions.ways}: 0 is the primary.
   */
  up: { readonly route: ResolvedRoute; readonly way: number }
  /**
   * The route is gone and has been closed, or an attempt to open one has failed.
   * @param error why, kept local. @param retryInMs when the next attempt begins.
   */
  down: { readonly error: unknown; readonly retryInMs: number }
  /** What stands on the route is about to be carried over from a fallback to the primary way, while both are good ({@link SessionOptions.handOver}). */
  moving: SessionMove
}

/** A move in which nothing needs to get lost: whoever has messages under way keeps further ones back, and says when none are under way any more. */
export interface SessionMove {
  /**
   * To be called while the event is told. The move waits a few seconds for the promise; when it rejects or takes longer, nothing is carried over, and
   * what stands on the former route stays there while that is drained.
   */
  waitUntil(ready: Promise<unknown>): void
  /** Resolves when it is over, whatever has come of it. */
  readonly over: Promise<void>
}

/**
 * Carries what stands on one open route (a secure channel, with all that goes through it) over to another open way to the same node.
 *
 * Owns neither route: both are closed by the caller, except what of `from` goes on in the result.
 * @param options.isReady false: somebody has messages under way, or cannot tell. Then nothing is to be carried over.
 * @param options.isLost true: `from` has been lost meanwhile, and what was under way with it.
 * @returns the route to be used from now on; `to` when nothing was carried over. Rejects when it should be tried again later; `from` is then as it was.
 */
export type HandOver = (
  from: ResolvedRoute,
  to: ResolvedRoute,
  options: { readonly isReady: boolean; readonly isLost: boolean; readonly signal: AbortSignal },
) => Promise<ResolvedRoute>

export interface Session extends AsyncDisposable {
  readonly name: string
  readonly state: SessionState
  /** The open route; undefined unless the state is `up`. It belongs to the session. */
  readonly route: ResolvedRoute | undefined
  /** Which way the open route goes; undefined unless the state is `up`. */
  readonly way: number | undefined
  /** The open route, or the next one. @throws {OckamError} `routing/timeout`, `routing/stopped`; rejects with `signal.reason` when aborted. */
  whenUp(options?: RequestOptions): Promise<ResolvedRoute>
  /** @returns what removes the listener. A listener that throws is reported to diagnostics and disturbs nobody. */
  on<Name extends keyof SessionEvents>(event: Name, listener: (event: SessionEvents[Name]) => void): () => void
  /** Resolves when everything the session opened is closed. Never rejects. */
  readonly closed: Promise<void>
  /** Closes the route and ends all attempts. Idempotent. */
  close(): Promise<void>
}

export interface SessionOptions {
  /** For people: stands in errors and diagnostics events. */
  readonly name: string
  /** The primary way first, then what to fall back to. At least one. */
  readonly ways: readonly Establish[]
  /** How the open route is watched; `false` watches only whether its connection ends. */
  readonly ping?: SessionPing | false
  readonly backoff?: SessionBackoff
  /** How the session gets from a fallback to its primary way again; `false` stays where it is until that route is lost. */
  readonly primary?: SessionPrimary | false
  /** For routes whose load can be carried over. Without it, whatever was begun along a fallback ends with that. */
  readonly handOver?: HandOver
}

/** Pings go to a service of the node at the end of the route, which sends raw bytes back. */
export interface SessionPing {
  /** Default 10 000. */
  readonly intervalMs?: number
  /** So many unanswered pings in a row, and nothing else heard meanwhile, end the route. Default 3. */
  readonly losses?: number
  /** Default `echo`. */
  readonly service?: string
  /**
   * From the open route to that of the node that answers. Default: the route itself. For ways that end with a worker, such as an outlet:
   * `(route) => route.withoutRecipient()`.
   */
  readonly along?: (route: Route) => Route
  /**
   * Default true: a route counts as open only when a ping was answered along it. False: it counts as open at once, and a node that has never answered
   * along it is not judged by its silence, because it may not have the service.
   */
  readonly isRequired?: boolean
}

/**
 * The n-th wait since a route was last up for a while is random between half of and all of `min(maximumMs, initialMs * 2^n)`, n from 0. The time that
 * an attempt in vain took is part of the wait behind it, but for `initialMs`.
 */
export interface SessionBackoff {
  /** Default 500. */
  readonly initialMs?: number
  /** Default 30 000. */
  readonly maximumMs?: number
  /** The most one attempt along one way may take, all its hops and the first answer included. Default 30 000. */
  readonly attemptMs?: number
  /**
   * What the first attempt gets of that; each attempt after one that was too slow gets twice as much as the one before. So a message that got lost does
   * not cost the whole limit, and a slow peer gets it in the end. Default 2000.
   */
  readonly firstAttemptMs?: number
}

/** The way back: the primary way is opened beside the fallback, has to answer several pings, and only then is used. */
export interface SessionPrimary {
  /** How long after falling back, and after each attempt in vain. A random part of up to a quarter is added. Default 30 000. */
  readonly retryMs?: number
  /** Pings in a row it has to answer. Default 3. */
  readonly answers?: number
  /** How long the fallback stays open beside it, for what was begun there and is not carried over. Default 600 000. */
  readonly drainMs?: number
}

/** Keeps routes open. */
export interface Sessions {
  /** @throws {OckamError} `routing/invalid-argument` for options that make no sense; `routing/stopped`. */
  open(options: SessionOptions): Session
}

/** Optional capability of a router: tells what comes from a producer, so that silence is not judged by answers to pings alone. */
export interface ProducerListening {
  /** @returns a record that goes on counting until its `end()`. */
  listenTo(producer: Producer): ProducerActivity
}

export interface ProducerActivity {
  /** Messages that came from the producer so far. Only differences mean anything. */
  readonly messages: number
  /** Whether a worker of this node keeps what comes from the producer waiting, so that silence would be our own doing. */
  readonly isHeldUp: boolean
  end(): void
}
