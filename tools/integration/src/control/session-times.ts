/** How quickly sessions notice and try. */

export interface SessionTimes {
  readonly ping: { readonly intervalMs: number; readonly losses: number }
  readonly backoff: { readonly initialMs: number; readonly maximumMs: number; readonly attemptMs: number; readonly firstAttemptMs: number }
  readonly primary: { readonly retryMs: number; readonly answers: number; readonly drainMs: number }
}

/** The defaults, as the guide names them. */
export const DEFAULT_TIMES: SessionTimes = {
  ping: { intervalMs: 10_000, losses: 3 },
  backoff: { initialMs: 500, maximumMs: 30_000, attemptMs: 30_000, firstAttemptMs: 2000 },
  primary: { retryMs: 30_000, answers: 3, drainMs: 600_000 },
}

/**
 * Within this time after the path is back, new requests and connections work: an attempt to register at the relay that began before may run into its
 * limit; so may the session's, which began before the registration; and there is a wait in between. The guide promises no other number.
 */
export const backWithinMs = ({ backoff }: SessionTimes): number => 2 * backoff.attemptMs + backoff.maximumMs
