/**
 * The entries of a store that keeps them in memory: what `memoryStore()` is made of, and what a store with a log on disk replays into.
 *
 * Synchronous and without checks of its own. Values are handed over, not copied: whoever owns the table gives it arrays nobody else has, never
 * changes one, and copies before letting one out. That makes a snapshot a list of references.
 */

import type { StoreEntry } from './store.ts'
import type { OwnedStoreStep } from './store-argument.ts'

export class StoreTable {
  readonly #values = new Map<string, Uint8Array<ArrayBuffer>>()

  get size(): number {
    return this.#values.size
  }

  /** The table's own array: do not change it. */
  get(key: string): Uint8Array<ArrayBuffer> | undefined {
    return this.#values.get(key)
  }

  /** Takes the array over. */
  set(key: string, value: Uint8Array<ArrayBuffer>): void {
    this.#values.set(key, value)
  }

  delete(key: string): boolean {
    return this.#values.delete(key)
  }

  /**
   * The entries whose key starts with `prefix`, by ascending code units, as they are now; later changes do not show. The values are the
   * table's own arrays. Costs a look at every key and a sort of those that match: an index that is always sorted would make every write pay.
   */
  snapshot(prefix: string): StoreEntry[] {
    const entries: StoreEntry[] = []
    for (const [key, value] of this.#values) if (key.startsWith(prefix)) entries.push({ key, value })
    return entries.sort((left, right) => (left.key < right.key ? -1 : 1))
  }
}

/** Whether every check among `steps` holds for the values that `read` reports. Not constant time: values of checks are not secrets. */
export function storeChecksHold(steps: readonly OwnedStoreStep[], read: (key: string) => Uint8Array | undefined): boolean {
  return steps.every((step) => step.kind !== 'check' || isSameValue(step.value, read(step.key)))
}

function isSameValue(left: Uint8Array | undefined, right: Uint8Array | undefined): boolean {
  if (left === undefined || right === undefined) return left === right
  return left.length === right.length && left.every((byte, at) => byte === right[at])
}
