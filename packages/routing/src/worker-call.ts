/**
 * The three shapes of a worker behind one: an object that takes messages singly, one that takes batches, or a function.
 */
import type { AnyWorker, BatchWorker, Context, LocalMessage, Worker } from '@ockam/core'
import { routingError } from './error.ts'

type Result = void | Promise<void>

export class WorkerCall {
  readonly takesBatches: boolean
  readonly #worker: Partial<Worker & BatchWorker>
  readonly #single: (message: LocalMessage, context: Context) => Result

  /** @throws {OckamError} `routing/invalid-argument` when it is none of the three. */
  constructor(worker: AnyWorker) {
    if (typeof worker === 'function') {
      this.takesBatches = false
      this.#worker = {}
      this.#single = worker
      return
    }
    const given = worker as Partial<Worker & BatchWorker> | null
    this.takesBatches = typeof given?.handleBatch === 'function'
    if (given === null || (!this.takesBatches && typeof given.handleMessage !== 'function')) {
      throw routingError('routing/invalid-argument', 'A worker is a function, or an object with handleMessage or handleBatch.')
    }
    this.#worker = given
    // By way of a variable: docs/decisions/0025.
    const single = (message: LocalMessage, context: Context): Result => given.handleMessage?.(message, context)
    this.#single = single
  }

  start(context: Context): Result {
    return this.#worker.start?.(context)
  }

  single(message: LocalMessage, context: Context): Result {
    return this.#single(message, context)
  }

  batch(messages: readonly LocalMessage[], context: Context): Result {
    return this.#worker.handleBatch?.(messages, context)
  }

  stop(context: Context): Result {
    return this.#worker.stop?.(context)
  }
}

/** Whether a handler gave back something to wait for. Functions of plain JavaScript may return anything. */
export function isPromise(result: unknown): result is Promise<void> {
  return result !== undefined && result !== null && typeof (result as { then?: unknown }).then === 'function'
}
