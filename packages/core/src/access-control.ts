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

/** Whether the rules of a node let a message into the mailbox it is for, and if not, which of them is against it. */
export type Admission =
  | { readonly isAdmitted: true }
  | {
      readonly isAdmitted: false
      /** As the router counts such messages. */
      readonly reason: 'unknown-address' | 'not-reachable' | 'denied-incoming'
      /** The rule in its own words; undefined where nobody has the address. */
      readonly rule: string | undefined
    }

/** Optional capability of a router: what its rules make of a message, without delivering it. For those who explain refusals to people. */
export interface AdmissionChecking {
  /**
   * Nothing is delivered, counted or reported; access controls are asked as for a message that came. What depends on the moment, such as a mailbox that
   * is full, is left out.
   */
  admissionOf(message: LocalMessage): Promise<Admission>
}
