/** What is known of somebody's attributes: the question that policies ask. */

import type { Identifier } from '@ockam/core'
import type { Attributes } from './attributes.ts'

/** Attributes that an authority attests, as long as its credential holds. */
export interface AttestedAttributes extends Attributes {
  /** Those attributes whose name and value are both UTF-8: what policies compare with. */
  readonly text: ReadonlyMap<string, string>
  /** Whole seconds since 1970: from then on nothing of this holds. */
  readonly expiresAt: number
}

export interface AttributeReader {
  /**
   * What `authority` attests of `subject` at this moment; undefined when it attests nothing, or nothing any more. Credentials of other authorities
   * have no part in it.
   */
  attributes(subject: Identifier, authority: Identifier): Promise<AttestedAttributes | undefined>
}
