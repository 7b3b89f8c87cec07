/**
 * One question and its first answer: a fresh address that lives as long as the question, may receive from wherever the route's first hop leads,
 * and leaves nothing behind: no worker, no consumer, no timer, no listener.
 */
import { dropPressure, type LocalMessage, NO_LOCAL_INFO, type RequestOptions, Route } from '@ockam/core'
import { Deadline } from './deadline.ts'
import { routingError } from './error.ts'
import type { NodeFlowControls } from './flow-control.ts'
import { RoutedMessage } from './routed-message.ts'
import type { RunningWorker } from './running-worker.ts'
import type { Switchboard } from './switchboard.ts'
import type { WorkerContext } from './worker-context.ts'
import type { WorkerRegistry } from './worker-registry.ts'

const DEFAULT_TIMEOUT_MS = 30_000

export class RequestDesk {
  readonly #workers: WorkerRegistry
  readonly #switchboard: Switchboard
  readonly #flowControls: NodeFlowControls
  readonly #open = new Set<(reason: unknown) => void>()

  constructor(workers: WorkerRegistry, switchboard: Switchboard, flowControls: NodeFlowControls) {
    this.#workers = workers
    this.#switchboard = switchboard
    this.#flowControls = flowControls
  }

  ask(route: Route, payload: Uint8Array, options: RequestOptions, from: WorkerContext): Promise<LocalMessage> {
    return new Promise((resolve, reject) => {
      let worker: RunningWorker | undefined
      let deadline: Deadline | undefined
      const end = (): void => {
        this.#open.delete(refuse)
        deadline?.cancel()
        worker?.kill('stopped')
      }
      const refuse = (reason: unknown): void => {
        end()
        reject(reason)
      }
      const answered = (message: LocalMessage): void => {
        end()
        resolve(message)
      }
      try {
        options.signal?.throwIfAborted()
        worker = this.#workers.start(undefined, answered, { from: 'local', overflow: 'drop', maxMessages: 1 })
        this.#open.add(refuse)
        const { address } = worker
        const late = (): void => refuse(lateAnswer(route, options))
        deadline = new Deadline(this.#workers.clock, options, DEFAULT_TIMEOUT_MS, late, refuse)
        const producer = route.next === undefined ? undefined : this.#switchboard.producerAt(route.next)
        if (producer !== undefined) this.#flowControls.addConsumer(address, producer.flowControlId)
        // One message: waiting for room would change nothing, and the time limit holds.
        const message = new RoutedMessage(route, Route.of(address), payload, NO_LOCAL_INFO, address, undefined, 0, false)
        dropPressure(this.#switchboard.route(from.sender, message))
      } catch (error) {
        refuse(error)
      }
    })
  }

  /** The router stops: all who still wait are told. */
  close(): void {
    for (const refuse of this.#open) {
      refuse(routingError('routing/stopped', 'The router was closed while a request was waiting for its answer.'))
    }
  }
}

function lateAnswer(route: Route, options: RequestOptions): Error {
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS
  return routingError(
    'routing/timeout',
    `No answer from ${route.toString()} within ${timeoutMs} ms. The other side does not say why: is the address right, is the worker offered to this side, and does it trust this identity?`,
  )
}
