/** How quickly the sessions of a test notice and try: shorter than the defaults, in the same proportions. */

export interface SessionTimes {
  readonly ping: { readonly intervalMs: number; readonly losses: number }
  readonly backoff: { readonly initialMs: number; readonly maximumMs: number; readonly attemptMs: number; readonly firstAttemptMs: number }
  readonly primary: { readonly retryMs: number; readonly answers: number; readonly drainMs: number }
}
