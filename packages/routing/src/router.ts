/**
 * The router: puts the parts of this package together behind core's `Router`. It holds no logic of its own but the order in which things stop.
 */
import {
  type Address,
  type Admission,
  type AdmissionChecking,
  type AnyWorker,
  type Clock,
  type CloseOptions,
  type ConnectionHandle,
  type ConnectionOptions,
  type Context,
  type Diagnostics,
  type FlowControls,
  type HopResolver,
  type ListenerHandle,
  type LocalMessage,
  MAX_ROUTE_ADDRESSES,
  type Mailbox,
  type MultiAddr,
  type NodeServices,
  type Producer,
  type ProducerActivity,
  type ProducerListening,
  type Random,
  type ResolvedRoute,
  type ResolveOptions,
  type Router,
  type RouterStatistics,
  silentDiagnostics,
  systemClock,
  systemRandom,
  systemTurns,
  type TransportFactory,
  type Turns,
  type WorkerHandle,
  type WorkerOptions,
} from '@ockam/core'
import { ConnectionSet } from './connection-set.ts'
import { CLOSE_TIMEOUT_MS, Deadline } from './deadline.ts'
import { DropCounter } from './drop-counter.ts'
import { routingError } from './error.ts'
import { NodeFlowControls } from './flow-control.ts'
import { ListenerSet } from './listener-set.ts'
import { PullMailbox } from './pull-mailbox.ts'
import { RandomPool } from './random-pool.ts'
import { RequestDesk } from './request.ts'
import { RouteResolver } from './route-resolver.ts'
import { RunQueue } from './run-queue.ts'
import type { RunningWorker } from './running-worker.ts'
import { safeDiagnostics } from './safe-diagnostics.ts'
import { Switchboard } from './switchboard.ts'
import { TransportSet } from './transport-set.ts'
import { WaitingBudget } from './waiting-budget.ts'
import { WorkerRegistry } from './worker-registry.ts'

const MAX_CONNECTIONS = 16_384
const DEADLOCK_TIMEOUT_MS = 25_000
const MAX_WAITING_BYTES = 256 * 1024 * 1024

export interface RouterOptions {
  readonly transports?: readonly TransportFactory[]
  /** Default: the system's. */
  readonly clock?: Clock
  readonly random?: Random
  readonly turns?: Turns
  /** Default: none. */
  readonly diagnostics?: Diagnostics
  /** Addresses a message may carry in onward and return route together. Default 32. */
  readonly maxAddresses?: number
  /** How often a message may be forwarded within this node. Default 64. */
  readonly maxForwards?: number
  /** Connections open at once, dialled and accepted. Default 16 384. */
  readonly maxConnections?: number
  /**
   * Most bytes that may wait in all mailboxes together, with 256 for each message. From half of it on, mailboxes that hold more than an equal share of
   * the other half are full, whatever their own bounds; at the limit, what comes from outside is dropped there. Default 256 MiB.
   */
  readonly maxWaitingBytes?: number
  /**
   * How long a worker may wait for a connection that takes nothing, while that connection is not read because its messages wait for the worker. Then
   * what the worker sends there and finds no room is dropped, until there is room again. After that, for as long again, a thirtieth of it. Default 25 000.
   */
  readonly deadlockTimeoutMs?: number
}

/** @throws {OckamError} `routing/invalid-argument` for limits that are not whole numbers above 0. */
export function createRouter(options: RouterOptions = {}): Router {
  return new NodeRouter(options)
}

class NodeRouter implements Router, ProducerListening, AdmissionChecking {
  readonly services: NodeServices
  readonly flowControls: FlowControls
  readonly context: Context
  readonly #switchboard: Switchboard
  readonly #drops: DropCounter
  readonly #workers: WorkerRegistry
  readonly #requests: RequestDesk
  readonly #budget: WaitingBudget
  readonly #connections: ConnectionSet
  readonly #listeners: ListenerSet
  readonly #transports: TransportSet
  readonly #resolver: RouteResolver
  readonly #mailboxes = new Set<Mailbox>()
  /** Lets closing wait for nothing any more. */
  readonly #hurry: { readonly hurried: Promise<void>; readonly go: () => void }
  #closed: Promise<void> | undefined

  constructor(options: RouterOptions) {
    const { clock = systemClock, random = new RandomPool(systemRandom), turns = systemTurns() } = options
    const diagnostics = safeDiagnostics(options.diagnostics ?? silentDiagnostics)
    const maxAddresses = checkedLimit('maxAddresses', options.maxAddresses ?? MAX_ROUTE_ADDRESSES)
    this.services = { clock, random, turns, diagnostics, maxAddresses }
    this.#hurry = signalOnce()
    const drops = new DropCounter(clock, diagnostics)
    const flowControls = new NodeFlowControls({ random, turns, producerAt: (address) => switchboard.producerAt(address) })
    const switchboard: Switchboard = new Switchboard(drops, flowControls, {
      maxAddresses,
      maxForwards: checkedLimit('maxForwards', options.maxForwards ?? 64),
    })
    const runQueue = new RunQueue(turns, clock)
    this.#budget = new WaitingBudget(checkedLimit('maxWaitingBytes', options.maxWaitingBytes ?? MAX_WAITING_BYTES))
    const workers = new WorkerRegistry({
      clock,
      random,
      diagnostics,
      runQueue,
      drops,
      switchboard,
      flowControls,
      budget: this.#budget,
      request: (route, payload, asked, from) => this.#requests.ask(route, payload, asked, from),
    })
    const listeners = new ListenerSet(flowControls)
    const maxConnections = checkedLimit('maxConnections', options.maxConnections ?? MAX_CONNECTIONS)
    const connections = new ConnectionSet({
      workers,
      switchboard,
      flowControls,
      listeners,
      drops,
      diagnostics,
      random,
      maxConnections,
      deadlockTimeoutMs: checkedLimit('deadlockTimeoutMs', options.deadlockTimeoutMs ?? DEADLOCK_TIMEOUT_MS),
    })
    this.flowControls = flowControls
    this.#drops = drops
    this.#switchboard = switchboard
    this.#workers = workers
    this.#requests = new RequestDesk(workers, switchboard, flowControls)
    this.#listeners = listeners
    this.#connections = connections
    this.#transports = new TransportSet({
      ...this.services,
      deliver: (connection, message, isExclusive) => connections.deliver(connection, message, isExclusive),
      accepted: (listener, connection) => connections.accepted(listener, connection),
    })
    this.#resolver = new RouteResolver({
      transports: this.#transports,
      connect: (hop, connectOptions) => this.connect(hop, connectOptions),
      producerAt: (address) => switchboard.producerAt(address),
    })
    // Answers to messages that were sent from outside any worker go nowhere, quietly.
    this.context = workers.startWithContext(undefined, () => undefined, { from: 'local', overflow: 'drop' }).context
    for (const factory of options.transports ?? []) this.addTransport(factory)
  }

  startWorker(address: Address | string | undefined, worker: AnyWorker, options?: WorkerOptions): WorkerHandle {
    this.#checkOpen()
    return this.#workers.start(address, worker, options)
  }

  createMailbox(address?: Address | string, options: WorkerOptions = {}): Mailbox {
    this.#checkOpen()
    const mailbox = new PullMailbox(this.#workers, address, options, () => this.#mailboxes.delete(mailbox))
    this.#mailboxes.add(mailbox)
    return mailbox
  }

  addTransport(factory: TransportFactory): void {
    this.#checkOpen()
    this.#transports.add(factory)
  }

  addHopResolver(resolver: HopResolver): void {
    this.#checkOpen()
    this.#resolver.add(resolver)
  }

  async connect(address: MultiAddr | string, options: ConnectionOptions = {}): Promise<ConnectionHandle> {
    this.#checkOpen()
    options.signal?.throwIfAborted()
    const hop = this.#transports.parse(address)
    const transport = this.#transports.of(hop)
    if (this.#connections.isFull) {
      throw routingError(
        'routing/too-many-connections',
        `"${hop.toString()}" was not dialled: this node has ${this.#connections.size} connections, as many as it allows (maxConnections).`,
      )
    }
    const handle = await this.#connections.dial(() => transport.connect(hop, options), options.from ?? 'local')
    if (this.#closed === undefined) return handle
    await handle.close()
    throw stopped()
  }

  async listen(address: MultiAddr | string): Promise<ListenerHandle> {
    this.#checkOpen()
    const where = this.#transports.parse(address)
    return this.#listeners.handle(await this.#transports.of(where).listen(where))
  }

  async resolve(address: MultiAddr | string, options?: ResolveOptions): Promise<ResolvedRoute> {
    this.#checkOpen()
    return this.#resolver.resolve(address, options)
  }

  listenTo(producer: Producer): ProducerActivity {
    return this.#switchboard.activity.listenTo(producer)
  }

  admissionOf(message: LocalMessage): Promise<Admission> {
    return this.#switchboard.admissionOf(message)
  }

  statistics(): RouterStatistics {
    return {
      delivered: this.#switchboard.delivered,
      dropped: this.#drops.totals(),
      workers: this.#workers.size,
      connections: this.#connections.size,
      waitingMessages: this.#workers.waitingMessages,
      waitingBytes: this.#budget.bytes,
    }
  }

  addresses(): readonly Address[] {
    return this.#workers.all.flatMap((worker) => worker.addresses)
  }

  async close(options: CloseOptions = {}): Promise<void> {
    let abort: { readonly reason: unknown } | undefined
    const hurry = this.#hurry.go
    const deadline = new Deadline(this.services.clock, options, CLOSE_TIMEOUT_MS, hurry, (reason) => {
      abort = { reason }
      hurry()
    })
    this.#closed ??= this.#close()
    await this.#closed
    deadline.cancel()
    if (abort !== undefined) throw abort.reason
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Outside first, then what is waiting, then applications, then what they sent through: channels, connections, transports. */
  async #close(): Promise<void> {
    const { hurried } = this.#hurry
    this.#connections.stopTaking()
    this.#requests.close()
    await Promise.all([...this.#mailboxes].map((mailbox) => mailbox.close()))
    await Promise.race([Promise.all([this.#listeners.close(), this.#drain()]), hurried])
    for (const worker of this.#workers.all) worker.kill('stopped')
    await Promise.race([this.#transports.close(), hurried])
  }

  async #drain(): Promise<void> {
    const ranks = [undefined, 'channel', 'transport'] as const
    for (const rank of ranks) {
      await this.#workers.whenIdle(this.#workers.all)
      const workers: readonly RunningWorker[] = this.#workers.all.filter((worker) => worker.producer?.kind === rank)
      await Promise.all(workers.map((worker) => worker.close({ timeoutMs: Number.POSITIVE_INFINITY })))
    }
  }

  #checkOpen(): void {
    if (this.#closed !== undefined) throw stopped()
  }
}

function signalOnce(): { readonly hurried: Promise<void>; readonly go: () => void } {
  let go: () => void = () => undefined
  const hurried = new Promise<void>((resolve) => {
    go = resolve
  })
  return { hurried, go }
}

function stopped(): Error {
  return routingError('routing/stopped', 'The router was closed.')
}

function checkedLimit(name: string, value: number): number {
  if (Number.isSafeInteger(value) && value > 0) return value
  throw routingError('routing/invalid-argument', `${name} is a whole number above 0; got ${String(value)}.`)
}
