/**
 * Tells diagnostics who was denied, and why, for 1, 2, 4, 8 … denials of a policy for one reason: whoever is denied may ask as often as he likes. An evaluation's problem
 * names names and types, never a value.
 */

import type { Diagnostics, Identifier } from '@ockam/core'

export type DenialReason =
  /** The message came through no secure channel. */
  | 'no-identity'
  /** The attributes could not be read. */
  | 'no-attributes'
  /** The policy is false. */
  | 'not-allowed'
  /** The policy has no value, or one that is no boolean. */
  | 'no-verdict'
  /** Nothing says who may use the resource. */
  | 'no-policy'

export class AccessDenial {
  readonly #diagnostics: Diagnostics
  readonly #resource: string | undefined
  readonly #counts = new Map<DenialReason, number>()

  /** @param resource the name of what is protected. */
  constructor(diagnostics: Diagnostics, resource: string | undefined) {
    this.#diagnostics = diagnostics
    this.#resource = resource
  }

  /** @param problem of our own words. @returns the verdict, which is always the same. */
  report(reason: DenialReason, peer?: Identifier, problem?: string): false {
    const count = (this.#counts.get(reason) ?? 0) + 1
    this.#counts.set(reason, count)
    if (Number.isInteger(Math.log2(count))) {
      this.#diagnostics.event('credentials/access-denied', {
        reason,
        count,
        resource: this.#resource,
        peer: peer?.toString(),
        problem,
      })
    }
    return false
  }
}
