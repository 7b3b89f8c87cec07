/**
 * What an authority attests of those who sent messages lately, so that a policy that is asked about each message is answered on the spot.
 *
 * Nothing is remembered beyond its end, nor for longer than five seconds: another process on the same store may have learnt or forgotten something. What
 * is put or forgotten in this process counts from the next question on.
 */

import type { Identifier } from '@ockam/core'
import type { Attributes as PolicyAttributes, AttributeReader } from './abac/attribute-reader.ts'
import { type AttestedAttributes, namedByText } from './attributes.ts'

const MAX_AGE_S = 5
const MAX_ENTRIES = 1024

export interface RecentAttributesServices {
  /** What the authority attests, from the store. */
  readonly read: (subject: Identifier) => Promise<AttestedAttributes | undefined>
  /** Counts what was put and forgotten: another number means that what was read before may be old. */
  readonly changes: () => number
  /** Whole seconds since 1970. */
  readonly nowSeconds: () => number
}

interface Remembered {
  readonly attributes: PolicyAttributes | undefined
  readonly until: number
  readonly changes: number
}

export class RecentAttributes implements AttributeReader {
  readonly #services: RecentAttributesServices
  /** By subject; the one read first comes first. */
  readonly #remembered = new Map<string, Remembered>()

  constructor(services: RecentAttributesServices) {
    this.#services = services
  }

  attributes(subject: Identifier): PolicyAttributes | undefined | Promise<PolicyAttributes | undefined> {
    const { changes, nowSeconds } = this.#services
    const known = this.#remembered.get(subject.toString())
    if (known !== undefined && nowSeconds() < known.until && known.changes === changes()) return known.attributes
    return this.#read(subject)
  }

  async #read(subject: Identifier): Promise<PolicyAttributes | undefined> {
    const { read, changes, nowSeconds } = this.#services
    const before = changes()
    const attested = await read(subject)
    const attributes = attested === undefined ? undefined : namedByText(attested)
    const until = Math.min(nowSeconds() + MAX_AGE_S, attested?.expiresAt ?? Number.POSITIVE_INFINITY)
    const remembered = this.#remembered
    remembered.delete(subject.toString())
    for (const oldest of remembered.keys()) {
      if (remembered.size < MAX_ENTRIES) break
      remembered.delete(oldest)
    }
    remembered.set(subject.toString(), { attributes, until, changes: before })
    return attributes
  }
}
