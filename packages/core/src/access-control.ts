/**
 * Access control of a worker's mailbox: may this message come in, or go out? Refused messages are dropped, counted and reported to diagnostics;
 * nobody is answered. Ready-made ones are in `standard-access-control.ts`.
 */

import type { LocalMessage } from './message.ts'

/** Decides about incoming messages. A promise holds the worker's queue until it settles; one that rejects counts as a refusal. */
export interface AccessControl {
  /** For people, in diagnostics. */
  readonly description: string
  isAllowed(message: LocalMessage): boolean | Promise<boolean>
}

/** Decides about outgoing messages. Synchronous, because sending is. */
export interface OutgoingAccessControl {
  readonly description: string
  isAllowed(message: LocalMessage): boolean
}
