/**
 * What a package needs of its platform, as interfaces to inject: time, timers, randomness, turns of the event loop, diagnostics.
 * `system.ts` has the defaults made from the globals that every JavaScript runtime has.
 */

/** A timer that was set; cancelling twice, or after it ran, does nothing. */
export interface Timer {
  cancel(): void
}

export interface Clock {
  /** Milliseconds since 1970-01-01 UTC. May jump when the machine's clock is set. */
  now(): number
  /** Milliseconds that never go back; only differences mean anything. */
  monotonic(): number
  /**
   * Runs `task` once, no earlier than `delayMs` from now.
   * @param options.isBackground true when this timer alone must not keep the process alive (default true).
   */
  schedule(delayMs: number, task: () => void, options?: { readonly isBackground?: boolean }): Timer
}

/** Cryptographically secure random bytes. */
export interface Random {
  /** @param length 0 to 65536. The array is fresh and the caller's. */
  bytes(length: number): Uint8Array<ArrayBuffer>
}

/** How deferred work is scheduled. Neither may call the task before returning. */
export interface Turns {
  /** As soon as the running code has finished, before I/O (Node: `process.nextTick`; browsers: a microtask). */
  soon(task: () => void): void
  /** After pending I/O and timers had their chance (Node: `setImmediate`; browsers: a message channel). */
  afterIo(task: () => void): void
}

/** Values fit for a log line: no bytes, no objects, never a secret. */
export type DiagnosticValue = string | number | boolean | undefined

/** Details of one event. */
export type DiagnosticDetails = Readonly<Record<string, DiagnosticValue>>

/**
 * Receives what happens inside a node and is not an error of the caller: messages dropped, handshakes refused, connections lost.
 * Event names are `area/what` in the past tense, such as `router/message-dropped`. Must not throw and must return quickly.
 */
export interface Diagnostics {
  event(name: string, details?: DiagnosticDetails): void
}
