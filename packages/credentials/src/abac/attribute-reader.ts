/** Where policies learn what is attested of an identity. The attribute store of this package is one; the engine knows no other side of it. */

import type { Identifier } from '@ockam/core'

/** Attributes of an identity: keys are text, values are bytes. A `Map`; whatever else is given for one is a denial. */
export type Attributes = ReadonlyMap<string, Uint8Array>

/**
 * What one authority attests of identities, as far as this node has verified it. Keys that are not UTF-8 are left out; what has expired, or is of another
 * authority, is nothing.
 */
export interface AttributeReader {
  /**
   * Asked for every message that a policy decides about. An answer that is there should be given at once: a promise holds the worker's queue.
   * @returns undefined when nothing is attested, which is not the same as a credential without attributes. A failure is a denial.
   */
  attributes(identifier: Identifier): Attributes | undefined | Promise<Attributes | undefined>
}
