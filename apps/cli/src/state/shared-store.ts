/**
 * A store that several processes use in turns: each takes it for a call, keeps it for the calls that follow at once, and gives it back. For stores
 * that are small and used rarely, as those of vaults are; a node uses its vault when it starts, opens a channel or renews an attestation.
 *
 * A process that always has something to do lets others in after a while, so nobody waits forever.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { checkStoreKey, copyStoreSteps, copyStoreValue, OckamError, type Store, type StoreEntry, type StoreStep } from '@ockam/core'

/** The store while it is this process's turn. */
export interface Turn {
  readonly store: Store
  end(): Promise<void>
}

/** A turn ends when nothing was called for so long. */
const LINGER_MS = 15
/** A turn that has lasted so long ends before the next call. */
const LONGEST_MS = 250
/** Long enough for another process that waits to try. */
const PAUSE_MS = 60

/** @param begin waits for the turn; what it throws, the call throws that needed it. */
export function sharedStore(begin: () => Promise<Turn>): Store {
  return new SharedStore(begin)
}

class SharedStore implements Store {
  readonly #begin: () => Promise<Turn>
  /** Only what runs within {@link SharedStore.#inOrder} touches these two. */
  #turn: Turn | undefined
  #begunAt = 0
  /** The end of all that was asked for so far: one call at a time, in the order they came. */
  #last: Promise<unknown> = Promise.resolve()
  #waiting = 0
  #idle: NodeJS.Timeout | undefined
  #closing: Promise<void> | undefined

  constructor(begin: () => Promise<Turn>) {
    this.#begin = begin
  }

  async get(key: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return await this.#use((store) => store.get(key))
  }

  async set(key: string, value: Uint8Array): Promise<void> {
    checkStoreKey(key)
    const own = copyStoreValue(value)
    await this.#use((store) => store.set(key, own))
  }

  async delete(key: string): Promise<boolean> {
    return await this.#use((store) => store.delete(key))
  }

  async *scan(prefix: string): AsyncGenerator<StoreEntry, void, undefined> {
    const entries = await this.#use(async (store) => {
      const found: StoreEntry[] = []
      for await (const entry of store.scan(prefix)) found.push(entry)
      return found
    })
    for (const entry of entries) {
      this.#checkNotClosed()
      yield entry
    }
  }

  async batch(steps: readonly StoreStep[]): Promise<boolean> {
    // The caller may change its bytes while this waits for its turn.
    const own = copyStoreSteps(steps)
    return await this.#use((store) => store.batch(own))
  }

  close(): Promise<void> {
    this.#closing ??= this.#inOrder(() => this.#endTurn())
    return this.#closing
  }

  #use<T>(work: (store: Store) => Promise<T>): Promise<T> {
    this.#checkNotClosed()
    return this.#inOrder(async () => {
      if (this.#turn !== undefined && performance.now() - this.#begunAt > LONGEST_MS) {
        await this.#endTurn()
        await sleep(PAUSE_MS)
      }
      if (this.#turn === undefined) {
        this.#turn = await this.#begin()
        this.#begunAt = performance.now()
      }
      return await work(this.#turn.store)
    })
  }

  async #inOrder<T>(work: () => Promise<T>): Promise<T> {
    this.#waiting += 1
    clearTimeout(this.#idle)
    const result = this.#last.then(work)
    this.#last = result.catch(() => undefined)
    try {
      return await result
    } finally {
      this.#waiting -= 1
      if (this.#waiting === 0 && this.#turn !== undefined) this.#endTurnSoon()
    }
  }

  #endTurnSoon(): void {
    this.#idle = setTimeout(() => {
      // A turn that cannot be ended in order ends with the process; every write in it was answered.
      this.#last = this.#last.then(() => this.#endTurn()).catch(() => undefined)
    }, LINGER_MS)
    // A process with nothing else to do may end: the turn ends with it.
    this.#idle.unref()
  }

  async #endTurn(): Promise<void> {
    const turn = this.#turn
    this.#turn = undefined
    await turn?.end()
  }

  #checkNotClosed(): void {
    if (this.#closing !== undefined) throw new OckamError('store/closed', 'The store was closed. Open the vault again to use it.')
  }
}
