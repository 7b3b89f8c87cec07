/**
 * Starts workers, knows all that run, and cleans up behind those that stop: their addresses, their rights, and the rights tied to their producer.
 */
import { Address, type AnyWorker, type Clock, type Diagnostics, LOCAL, type Random, type WorkerOptions } from '@ockam/core'
import type { DropCounter } from './drop-counter.ts'
import { routingError } from './error.ts'
import type { NodeFlowControls } from './flow-control.ts'
import { PayloadCopier } from './payload-copier.ts'
import { Reachability } from './reachability.ts'
import { RunningWorker, type WorkerPlace } from './running-worker.ts'
import type { RunQueue } from './run-queue.ts'
import type { Switchboard } from './switchboard.ts'
import { type Requester, WorkerContext } from './worker-context.ts'
import type { WaitingBudget } from './waiting-budget.ts'
import type { WorkerHost } from './worker-host.ts'

const MAX_MESSAGES = 1024
const MAX_BYTES = 1024 * 1024

export interface WorkerRegistryServices {
  readonly clock: Clock
  readonly random: Random
  readonly diagnostics: Diagnostics
  readonly runQueue: RunQueue
  readonly drops: DropCounter
  readonly switchboard: Switchboard
  readonly flowControls: NodeFlowControls
  readonly request: Requester
  readonly budget: WaitingBudget
}

export class WorkerRegistry implements WorkerHost<RunningWorker> {
  readonly clock: Clock
  readonly diagnostics: Diagnostics
  readonly runQueue: RunQueue
  readonly drops: DropCounter
  readonly copier: PayloadCopier = new PayloadCopier()
  readonly budget: WaitingBudget
  readonly #services: WorkerRegistryServices
  readonly #all = new Set<WorkerPlace>()
  #idleWaiters: { readonly workers: readonly RunningWorker[]; readonly resolve: () => void }[] = []

  constructor(services: WorkerRegistryServices) {
    this.clock = services.clock
    this.diagnostics = services.diagnostics
    this.runQueue = services.runQueue
    this.drops = services.drops
    this.budget = services.budget
    this.#services = services
  }

  /** All workers that have not stopped, in the order they were started. */
  get all(): readonly RunningWorker[] {
    return [...this.#all].flatMap(({ worker }) => worker ?? [])
  }

  get size(): number {
    return this.#all.size
  }

  /** Messages waiting or in hand, in all mailboxes. */
  get waitingMessages(): number {
    let count = 0
    for (const { worker } of this.#all) count += worker?.queue.messages ?? 0
    return count
  }

  /**
   * @param address undefined for a random one.
   * @throws {OckamError} `routing/address-in-use`, `routing/invalid-argument`.
   */
  start(address: Address | string | undefined, worker: AnyWorker, options: WorkerOptions = {}): RunningWorker {
    return this.startWithContext(address, worker, options).worker
  }

  /** The same, with the worker's context, for those that act in the worker's name from outside its handler. */
  startWithContext(
    address: Address | string | undefined,
    worker: AnyWorker,
    options: WorkerOptions = {},
  ): { readonly worker: RunningWorker; readonly context: WorkerContext } {
    const { switchboard, flowControls, request, random } = this.#services
    const main = address === undefined ? Address.random(random) : localAddress(address)
    const running = new RunningWorker(this, worker, {
      addresses: [main, ...(options.aliases ?? []).map(localAddress)],
      reachability: new Reachability(options.from ?? 'channels', flowControls),
      options,
      maxMessages: checkedBound('maxMessages', options.maxMessages, MAX_MESSAGES),
      isSink: options.producer?.kind === 'transport',
      maxBytes: checkedBound('maxBytes', options.maxBytes, MAX_BYTES),
    })
    switchboard.add(running)
    this.#all.add(running.place)
    this.budget.mailboxes++
    if (running.producer !== undefined) flowControls.holdProducer(running.producer)
    const context = new WorkerContext(main, running.sender, switchboard, request, running)
    running.begin(context)
    return { worker: running, context }
  }

  closing(worker: RunningWorker): void {
    const { switchboard, flowControls } = this.#services
    switchboard.remove(worker)
    for (const address of worker.addresses) flowControls.forgetAddress(address)
    if (worker.producer !== undefined) flowControls.releaseProducer(worker.producer)
  }

  ended(worker: RunningWorker): void {
    this.#all.delete(worker.place)
    worker.place.worker = undefined
    this.budget.mailboxes--
    this.idle()
  }

  idle(): void {
    if (this.#idleWaiters.length === 0) return
    const waiters = this.#idleWaiters
    this.#idleWaiters = waiters.filter(({ workers, resolve }) => {
      if (!workers.every((worker) => worker.isIdle)) return true
      resolve()
      return false
    })
  }

  /** Resolves when none of these workers has anything waiting or in hand. */
  whenIdle(workers: readonly RunningWorker[]): Promise<void> {
    return new Promise((resolve) => {
      this.#idleWaiters.push({ workers, resolve })
      this.idle()
    })
  }
}

function localAddress(value: Address | string): Address {
  const address = Address.from(value)
  if (address.type === LOCAL) return address
  throw routingError(
    'routing/invalid-argument',
    `A worker has an address of this node, a plain name; ${address.toString()} is of transport type ${address.type}.`,
  )
}

function checkedBound(name: string, value: number | undefined, fallback: number): number {
  if (value === undefined) return fallback
  if (Number.isSafeInteger(value) && value > 0) return value
  throw routingError('routing/invalid-argument', `${name} is a whole number above 0; got ${String(value)}.`)
}
