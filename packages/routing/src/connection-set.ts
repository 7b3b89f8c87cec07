/**
 * The connections of a node, and the side of the router that transports see. Here, and nowhere else, a connection gets its address, its producer
 * and its sender worker; what arrives gets that address put in front of its return route, and no local info: nothing of a message but its routes
 * and its payload is ever taken from a transport.
 */
import {
  Address,
  type AddressedConnection,
  type ClosedReason,
  type Connection,
  type ConnectionHandle,
  type Diagnostics,
  NO_LOCAL_INFO,
  type Pressure,
  type Producer,
  type Random,
  type Reachability as ReachabilityOption,
  Route,
  remoteNetwork,
  type TransportListener,
  type TransportMessage,
} from '@ockam/core'
import type { DropCounter } from './drop-counter.ts'
import { connectionSender } from './connection-sender.ts'
import { DeadlockWatch } from './deadlock-watch.ts'
import type { NodeFlowControls } from './flow-control.ts'
import type { ListenerSet } from './listener-set.ts'
import { Reachability } from './reachability.ts'
import { RoutedMessage } from './routed-message.ts'
import type { RunningWorker } from './running-worker.ts'
import type { Switchboard } from './switchboard.ts'
import type { WorkerRegistry } from './worker-registry.ts'

/** How long a connection that is closed here may take to send what was accepted. */
const CLOSE_MS = 5000
/** Longer names of places are nobody's address. */
const MAX_REMOTE_ADDRESS = 256

interface OpenConnection {
  readonly handle: ConnectionHandle
  readonly producer: Producer
  readonly worker: RunningWorker
  readonly watch: DeadlockWatch
  readonly address: Address
  readonly ownRoute: Route
}

export interface ConnectionSetServices {
  readonly workers: WorkerRegistry
  readonly switchboard: Switchboard
  readonly flowControls: NodeFlowControls
  readonly listeners: ListenerSet
  readonly drops: DropCounter
  readonly diagnostics: Diagnostics
  readonly random: Random
  readonly maxConnections: number
  readonly deadlockTimeoutMs: number
}

export class ConnectionSet {
  readonly #services: ConnectionSetServices
  readonly #open = new Map<Connection, OpenConnection>()
  /** Connects under way: only then may a connection nobody announced deliver. */
  #dialling = 0
  readonly #refused = new WeakSet<Connection>()
  #isClosing = false
  /** Who delivered last: a read brings many messages of one connection. */
  #lastConnection: Connection | undefined
  #lastOpen: OpenConnection | undefined

  constructor(services: ConnectionSetServices) {
    this.#services = services
  }

  get size(): number {
    return this.#open.size
  }

  get isFull(): boolean {
    return this.#open.size >= this.#services.maxConnections
  }

  /** From now on nothing from outside is taken. */
  stopTaking(): void {
    this.#isClosing = true
  }

  #find(connection: Connection): OpenConnection | undefined {
    const open = this.#open.get(connection) ?? this.#adopt(connection)
    if (open !== undefined) {
      this.#lastConnection = connection
      this.#lastOpen = open
    }
    return open
  }

  /** {@link TransportServices.deliver}. Never throws. */
  deliver(connection: Connection, message: TransportMessage, isExclusive: boolean): Pressure {
    const open = connection === this.#lastConnection ? this.#lastOpen : this.#find(connection)
    if (open === undefined || this.#isClosing) {
      this.#services.drops.count(this.#isClosing ? 'stopped' : 'connection-closed', undefined)
      return undefined
    }
    const { onwardRoute, returnRoute } = message
    if (onwardRoute.length === 0) {
      this.#services.drops.countQuietly('heartbeat')
      return undefined
    }
    const routed = new RoutedMessage(
      onwardRoute,
      returnRoute.length === 0 ? open.ownRoute : returnRoute.prepend(open.address),
      message.payload,
      NO_LOCAL_INFO,
      open.address,
      open.producer,
      0,
      isExclusive,
    )
    if (message.isPayloadAlone === true) routed.isOwned = true
    const pressure = this.#services.switchboard.route(open.worker.sender, routed)
    if (pressure !== undefined) open.watch.heldUp(pressure)
    return pressure
  }

  /** {@link TransportServices.accepted}. */
  accepted(listener: TransportListener, connection: Connection): boolean {
    if (this.#isClosing || this.isFull) {
      this.#refused.add(connection)
      this.#services.diagnostics.event('routing/connection-refused', {
        remote: connection.remote,
        reason: this.#isClosing ? 'stopped' : 'too-many-connections',
      })
      return false
    }
    this.#register(connection, this.#services.listeners.idOf(listener), 'local')
    return true
  }

  /** Runs a connect and registers what it opens. Connections may deliver before their connect has resolved. */
  async dial(connect: () => Promise<Connection>, from: ReachabilityOption): Promise<ConnectionHandle> {
    this.#dialling++
    try {
      const connection = await connect()
      const early = this.#open.get(connection)
      if (early === undefined) return this.#register(connection, undefined, from).handle
      early.worker.reachability = new Reachability(from, this.#services.flowControls)
      return early.handle
    } finally {
      this.#dialling--
    }
  }

  #adopt(connection: Connection): OpenConnection | undefined {
    if (this.#dialling === 0 || this.#isClosing || this.isFull || this.#refused.has(connection)) return undefined
    return this.#register(connection, undefined, 'local')
  }

  #register(connection: Connection, spawnerId: string | undefined, from: ReachabilityOption): OpenConnection {
    const { flowControls, workers, random, diagnostics } = this.#services
    const producer = flowControls.createProducer('transport', spawnerId, networkOf(connection))
    const address = Address.random(random)
    const options = { from, isTransit: true, producer }
    const worker = workers.start(address, connectionSender(connection), options)
    if (spawnerId !== undefined) flowControls.hold(spawnerId)
    const handle: ConnectionHandle = {
      address,
      producer,
      remote: connection.remote,
      closed: connection.closed,
      close: () => this.#close(connection, worker),
      [Symbol.asyncDispose]: () => this.#close(connection, worker),
    }
    const watch = new DeadlockWatch(workers.clock, this.#services.deadlockTimeoutMs, worker)
    const open = { handle, producer, worker, watch, address, ownRoute: Route.of(address) }
    this.#open.set(connection, open)
    diagnostics.event('routing/connection-opened', { remote: connection.remote, isAccepted: spawnerId !== undefined })
    connection.closed.then(
      (reason) => this.#ended(connection, open, spawnerId, reason),
      () => this.#ended(connection, open, spawnerId, 'error'),
    )
    return open
  }

  #ended(connection: Connection, open: OpenConnection, spawnerId: string | undefined, reason: ClosedReason): void {
    this.#open.delete(connection)
    this.#lastConnection = undefined
    this.#lastOpen = undefined
    open.watch.end()
    open.worker.kill('connection-closed')
    if (spawnerId !== undefined) this.#services.flowControls.release(spawnerId)
    this.#services.diagnostics.event('routing/connection-closed', { remote: connection.remote, reason })
  }

  /** What was accepted is sent first; a peer that does not read cannot hold that up for ever. */
  async #close(connection: Connection, worker: RunningWorker): Promise<void> {
    const timer = this.#services.workers.clock.schedule(CLOSE_MS, () => worker.kill('connection-closed'), { isBackground: false })
    await worker.close({ timeoutMs: Number.POSITIVE_INFINITY })
    timer.cancel()
    await connection.close()
  }
}

/** The network behind a connection whose transport tells its address. */
function networkOf(connection: Connection & Partial<AddressedConnection>): string | undefined {
  const { remoteAddress } = connection
  if (typeof remoteAddress !== 'string' || remoteAddress === '' || remoteAddress.length > MAX_REMOTE_ADDRESS) return undefined
  return remoteNetwork(remoteAddress)
}
