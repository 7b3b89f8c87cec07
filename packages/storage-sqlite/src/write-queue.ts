/**
 * Writes that wait for their turn. What was asked for while the process was busy goes into one transaction and shares its sync; between two
 * transactions the event loop runs, because SQLite blocks it while it writes.
 */

import { setImmediate as afterIo } from 'node:timers/promises'
import type { OwnedStoreStep } from '@ockam/core'
import type { Write } from './connection.ts'
import { storeError } from './error.ts'

/** A transaction takes writes until they have this many bytes, or are this many. */
const TRANSACTION_BYTES = 1024 * 1024
const TRANSACTION_WRITES = 1024

interface PendingWrite extends Write {
  /** Bytes it holds in memory. */
  readonly length: number
  readonly resolve: (isDone: boolean) => void
  readonly reject: (error: unknown) => void
}

export class WriteQueue {
  /** Makes the writes durable in one transaction and answers each. */
  readonly #commit: (writes: readonly Write[]) => Promise<boolean[]>
  readonly #maxBytes: number
  #queue: PendingWrite[] = []
  #bytes = 0
  #draining: Promise<void> | undefined

  constructor(commit: (writes: readonly Write[]) => Promise<boolean[]>, maxBytes: number) {
    this.#commit = commit
    this.#maxBytes = maxBytes
  }

  /** @throws {OckamError} `store/write-failed` when too much waits. */
  add(steps: readonly OwnedStoreStep[], mustExist: boolean): Promise<boolean> {
    let length = 0
    for (const step of steps) length += 2 * step.key.length + (step.kind === 'delete' ? 0 : (step.value?.length ?? 0))
    if (this.#bytes + length > this.#maxBytes && this.#queue.length > 0) {
      throw storeError(
        'store/write-failed',
        `${this.#bytes} bytes of writes wait already, and maxWaitingBytes is ${this.#maxBytes}. Await earlier writes before making more.`,
      )
    }
    this.#bytes += length
    return new Promise((resolve, reject) => {
      this.#queue.push({ steps, mustExist, length, resolve, reject })
      this.#draining ??= this.#drain()
    })
  }

  /** Resolves when nothing waits. */
  async idle(): Promise<void> {
    await this.#draining
  }

  async #drain(): Promise<void> {
    while (this.#queue.length > 0) {
      await afterIo()
      const writes = this.#take()
      try {
        const answers = await this.#commit(writes)
        for (const [at, write] of writes.entries()) write.resolve(answers[at] === true)
      } catch (error) {
        // All alike: each may rest on the ones before it.
        for (const write of writes) write.reject(error)
      }
      for (const write of writes) this.#bytes -= write.length
    }
    this.#draining = undefined
  }

  #take(): PendingWrite[] {
    let bytes = 0
    let count = 0
    for (const write of this.#queue) {
      if (count > 0 && (count === TRANSACTION_WRITES || bytes + write.length > TRANSACTION_BYTES)) break
      bytes += write.length
      count += 1
    }
    return this.#queue.splice(0, count)
  }
}
