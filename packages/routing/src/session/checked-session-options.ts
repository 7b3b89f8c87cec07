/** The options of a session, checked once and with their defaults filled in. */
import type { Establish, HandOver, Route, SessionOptions } from '@ockam/core'
import { routingError } from '../error.ts'

export interface CheckedPing {
  readonly intervalMs: number
  readonly losses: number
  readonly service: string
  along(route: Route): Route
  readonly isRequired: boolean
}

export interface CheckedSessionOptions {
  readonly name: string
  readonly ways: readonly Establish[]
  readonly ping: CheckedPing | undefined
  readonly backoff: { readonly initialMs: number; readonly maximumMs: number; readonly attemptMs: number; readonly firstAttemptMs: number }
  readonly primary: { readonly retryMs: number; readonly answers: number; readonly drainMs: number } | undefined
  readonly handOver: HandOver | undefined
}

/** Timers of JavaScript run at once when asked for more. */
const MAX_TIMER_MS = 2_147_483_647
/** More would keep a dead route for longer than anybody wants to wait, and numbers in memory that nobody needs. */
const MAX_LOSSES = 100

/** @throws {OckamError} `routing/invalid-argument` */
export function checkSessionOptions(options: SessionOptions): CheckedSessionOptions {
  const { name, ways, ping = {}, backoff = {}, primary = {}, handOver } = options
  if (typeof name !== 'string' || name === '') throw invalid('name is a text for people', name)
  if (!Array.isArray(ways) || ways.length === 0 || !ways.every((way) => typeof way === 'function')) {
    throw invalid('ways is a list of at least one function that opens a route', ways)
  }
  if (handOver !== undefined && typeof handOver !== 'function') throw invalid('handOver is a function', handOver)
  const initialMs = duration('backoff.initialMs', backoff.initialMs, 500)
  const maximumMs = duration('backoff.maximumMs', backoff.maximumMs, Math.max(30_000, initialMs))
  const attemptMs = duration('backoff.attemptMs', backoff.attemptMs, 30_000)
  if (maximumMs < initialMs) throw invalid('backoff.maximumMs is at least backoff.initialMs', maximumMs)
  return {
    name,
    ways: [...ways],
    ping:
      ping === false
        ? undefined
        : {
            intervalMs: duration('ping.intervalMs', ping.intervalMs, 10_000),
            losses: count('ping.losses', ping.losses, 3, MAX_LOSSES),
            service: ping.service ?? 'echo',
            along: ping.along ?? ((route) => route),
            isRequired: ping.isRequired ?? true,
          },
    backoff: {
      initialMs,
      maximumMs,
      attemptMs,
      firstAttemptMs: Math.min(attemptMs, duration('backoff.firstAttemptMs', backoff.firstAttemptMs, 2000)),
    },
    primary:
      primary === false
        ? undefined
        : {
            retryMs: duration('primary.retryMs', primary.retryMs, 30_000),
            answers: count('primary.answers', primary.answers, 3, MAX_LOSSES),
            drainMs: duration('primary.drainMs', primary.drainMs, 600_000),
          },
    handOver,
  }
}

function duration(name: string, value: number | undefined, usual: number): number {
  const ms = value ?? usual
  if (typeof ms !== 'number' || !(ms > 0 && ms <= MAX_TIMER_MS)) {
    throw invalid(`${name} is a number of milliseconds above 0, of at most ${MAX_TIMER_MS}`, value)
  }
  return ms
}

function count(name: string, value: number | undefined, usual: number, most: number): number {
  const number = value ?? usual
  if (!Number.isSafeInteger(number) || number < 1 || number > most) throw invalid(`${name} is a whole number from 1 to ${most}`, value)
  return number
}

function invalid(rule: string, value: unknown): Error {
  return routingError(
    'routing/invalid-argument',
    `A session cannot be opened: ${rule}; got ${Array.isArray(value) ? 'another list' : String(value)}.`,
  )
}
