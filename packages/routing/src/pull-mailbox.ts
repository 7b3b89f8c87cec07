/**
 * A mailbox without a worker: messages are taken when one wants them. Underneath is a worker that holds one message until somebody takes it, so
 * bounds, access control and pressure are those of every other worker.
 */
import type {
  Address,
  Clock,
  LocalMessage,
  Mailbox,
  OutgoingMessage,
  Pressure,
  RequestOptions,
  Route,
  RouteLike,
  Worker,
  WorkerOptions,
} from '@ockam/core'
import { Deadline } from './deadline.ts'
import { routingError } from './error.ts'
import type { RunningWorker } from './running-worker.ts'
import type { WorkerContext } from './worker-context.ts'
import type { WorkerRegistry } from './worker-registry.ts'

const DEFAULT_TIMEOUT_MS = 30_000

export class PullMailbox implements Mailbox {
  readonly address: Address
  readonly #clock: Clock
  readonly #context: WorkerContext
  readonly #running: RunningWorker
  readonly #onClosed: () => void
  /** Those who wait for a message, first come first served. */
  readonly #receivers = new Set<{ give(message: LocalMessage): void; refuse(reason: unknown): void }>()
  /** The message nobody has taken yet, and what tells its handler that it was taken. */
  #held: { readonly message: LocalMessage; readonly taken: () => void } | undefined
  #isClosed = false

  /** @param onClosed told once, when the mailbox is closed. @throws what {@link WorkerRegistry.start} throws. */
  constructor(workers: WorkerRegistry, address: Address | string | undefined, options: WorkerOptions, onClosed: () => void) {
    const worker: Worker = { handleMessage: (message) => this.#handle(message), stop: () => this.#refuseAll() }
    const { worker: running, context } = workers.startWithContext(address, worker, options)
    this.address = running.address
    this.#clock = workers.clock
    this.#context = context
    this.#running = running
    this.#onClosed = onClosed
  }

  receive(options: RequestOptions = {}): Promise<LocalMessage> {
    return new Promise((resolve, reject) => {
      options.signal?.throwIfAborted()
      if (this.#isClosed || this.#running.isClosing) throw closedMailbox(this.address)
      if (this.#held !== undefined) {
        const { message, taken } = this.#held
        this.#held = undefined
        taken()
        resolve(message)
        return
      }
      const end = (): void => {
        this.#receivers.delete(receiver)
        deadline.cancel()
      }
      const receiver = {
        give: (message: LocalMessage) => {
          end()
          resolve(message)
        },
        refuse: (reason: unknown) => {
          end()
          reject(reason)
        },
      }
      const late = (): void => receiver.refuse(nothingCame(this.address, options))
      const deadline = new Deadline(this.#clock, options, DEFAULT_TIMEOUT_MS, late, receiver.refuse)
      this.#receivers.add(receiver)
    })
  }

  send(route: RouteLike, payload: Uint8Array): Pressure {
    return this.#context.send(route, payload)
  }

  reply(message: LocalMessage, payload: Uint8Array, returnRoute?: Route): void {
    this.#context.reply(message, payload, returnRoute)
  }

  forward(message: LocalMessage, onwardRoute: Route, returnRoute?: Route): Pressure {
    return this.#context.forward(message, onwardRoute, returnRoute)
  }

  dispatch(message: OutgoingMessage): Pressure {
    return this.#context.dispatch(message)
  }

  request(route: RouteLike, payload: Uint8Array, options?: RequestOptions): Promise<LocalMessage> {
    return this.#context.request(route, payload, options)
  }

  close(): Promise<void> {
    // What nobody has taken by now, nobody will.
    this.#refuseAll()
    this.#running.kill('stopped')
    this.#onClosed()
    return this.#running.stopped
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #handle(message: LocalMessage): void | Promise<void> {
    const [receiver] = this.#receivers
    if (receiver !== undefined) {
      receiver.give(message)
      return
    }
    return new Promise((resolve) => {
      this.#held = { message, taken: resolve }
    })
  }

  #refuseAll(): void {
    this.#isClosed = true
    this.#held = undefined
    for (const receiver of this.#receivers) receiver.refuse(closedMailbox(this.address))
  }
}

function closedMailbox(address: Address): Error {
  return routingError('routing/stopped', `The mailbox ${address.toString()} is closed.`)
}

function nothingCame(address: Address, options: RequestOptions): Error {
  return routingError('routing/timeout', `No message came to ${address.toString()} within ${options.timeoutMs ?? DEFAULT_TIMEOUT_MS} ms.`)
}
