/**
 * A store that lives as long as the process: the default of a node without a medium, and the reference other stores are compared with.
 *
 * Keeps the whole contract of {@link Store} except that nothing survives the process. Does not bound the number of entries: what goes in is the
 * program's own data.
 */

import { OckamError } from './error.ts'
import type { Store, StoreEntry, StoreErrorCode, StoreStep } from './store.ts'
import { checkStoreKey, checkStorePrefix, copyStoreSteps, copyStoreValue } from './store-argument.ts'
import { StoreTable, storeChecksHold } from './store-table.ts'

/** A new, empty store in memory. */
export function memoryStore(): Store & AsyncDisposable {
  return new MemoryStore()
}

class MemoryStore implements Store, AsyncDisposable {
  readonly #table = new StoreTable()
  #isClosed = false

  async get(key: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    this.#checkOpen()
    checkStoreKey(key)
    return this.#table.get(key)?.slice()
  }

  async set(key: string, value: Uint8Array): Promise<void> {
    this.#checkOpen()
    checkStoreKey(key)
    this.#table.set(key, copyStoreValue(value))
  }

  async delete(key: string): Promise<boolean> {
    this.#checkOpen()
    checkStoreKey(key)
    return this.#table.delete(key)
  }

  async *scan(prefix: string): AsyncGenerator<StoreEntry, void, undefined> {
    this.#checkOpen()
    checkStorePrefix(prefix)
    for (const { key, value } of this.#table.snapshot(prefix)) {
      this.#checkOpen()
      yield { key, value: value.slice() }
    }
  }

  async batch(steps: readonly StoreStep[]): Promise<boolean> {
    this.#checkOpen()
    const owned = copyStoreSteps(steps)
    // No await from here to the end: that is what makes a batch atomic.
    if (!storeChecksHold(owned, (key) => this.#table.get(key))) return false
    for (const step of owned) {
      if (step.kind === 'set') this.#table.set(step.key, step.value)
      else if (step.kind === 'delete') this.#table.delete(step.key)
    }
    return true
  }

  async close(): Promise<void> {
    this.#isClosed = true
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #checkOpen(): void {
    if (this.#isClosed) {
      throw new OckamError<StoreErrorCode>(
        'store/closed',
        'The store in memory was closed, and what it held is gone. Make a new one with memoryStore().',
      )
    }
  }
}
