/**
 * A transport within one process, as small as the kit allows, and the ways in which it can be made to break each promise. Addresses are
 * `/loop/<port>`, 0 for any.
 */

import {
  type ClosedReason,
  type Connection,
  type ConnectOptions,
  dropPressure,
  giveBack,
  MultiAddr,
  type MultiAddrProtocol,
  OckamError,
  type Pressure,
  Route,
  type Transport,
  type TransportFactory,
  type TransportListener,
  type TransportMessage,
  type TransportServices,
} from '@ockam/core'

const LOOP: MultiAddrProtocol = { name: 'loop', code: 9_001, value: 'port' }
const LIMIT = 16 * 1024 * 1024
const MOST_WAITING = 100
const SILENT_PORT = '65535'

export type Fault =
  | 'loses a message'
  | 'delivers a message twice'
  | 'swaps two messages'
  | 'reverses batches'
  | 'damages large payloads'
  | 'drops return routes'
  | 'has a limit of addresses of its own'
  | 'loses when both sides send'
  | 'hands out Buffers'
  | 'reuses the memory it reads into'
  | 'marks shared memory exclusive'
  | 'wipes what it sends'
  | 'gives memory back before it has sent it'
  | 'has no limit'
  | 'does not wait for the receiver'
  | 'resumes with the newest message'
  | 'never asks the sender to wait'
  | 'holds all connections up when one waits'
  | 'forgets who waits when it closes'
  | 'drops what waits when it closes'
  | 'never tells the other side of the end'
  | 'tells the dialling side nothing'
  | 'drops what waits for the receiver at the end'
  | 'closes once only'
  | 'throws after closing'
  | 'delivers after closing'
  | 'keeps refused connections'
  | 'closes connections with their listener'
  | 'opens after closing'
  | 'closes all connections with one'
  | 'reports the address that was asked for'
  | 'names another place for every connection'
  | 'names a place with control characters'
  | 'delivers before accepting'
  | 'delivers before connect returns'
  | 'mixes connections up'
  | 'takes the first listener for all'
  | 'listens twice on one address'
  | 'connects where nobody listens'
  | 'takes any address'
  | 'ignores aborts'
  | 'closes on a late abort'
  | 'ignores timeoutMs'

export function loopback(fault?: Fault): TransportFactory {
  const network = new LoopbackNetwork(fault)
  return { protocols: [LOOP], hops: [['loop']], create: (services) => new LoopbackTransport(services, network) }
}

class LoopbackNetwork {
  readonly fault: Fault | undefined
  readonly listeners = new Map<string, LoopbackListener>()
  readonly connections: LoopbackConnection[] = []
  isHeldUp = false
  lastPort = 0

  constructor(fault: Fault | undefined) {
    this.fault = fault
  }
}

interface LoopbackListener extends TransportListener {
  readonly services: TransportServices
  readonly accepted: LoopbackConnection[]
}

class LoopbackConnection implements Connection {
  readonly remote = 'loop'
  readonly remoteAddress: string
  readonly closed: Promise<ClosedReason>
  peer: LoopbackConnection | undefined
  readonly #services: TransportServices
  readonly #network: LoopbackNetwork
  readonly #isDialled: boolean
  #end: (reason: ClosedReason) => void = () => undefined
  #reason: ClosedReason | undefined
  #inbox: TransportMessage[] = []
  #isEnded = false
  #isHeld = false
  #isPumpDue = false
  #count = 0
  #readMemory = Buffer.alloc(0)
  #waiters: (() => void)[] = []

  constructor(services: TransportServices, network: LoopbackNetwork, isDialled: boolean) {
    this.#services = services
    this.#network = network
    this.#isDialled = isDialled
    this.closed = new Promise((resolve) => {
      this.#end = resolve
    })
    network.connections.push(this)
    const { fault } = network
    this.remoteAddress = fault === 'names another place for every connection' ? `loop-${network.connections.length}` : 'loop'
    if (fault === 'names a place with control characters') this.remoteAddress = 'loop\n'
  }

  send(message: TransportMessage): Pressure {
    const { fault } = this.#network
    const peer = this.peer as LoopbackConnection
    if (this.#reason !== undefined && fault === 'throws after closing') throw new OckamError('transport/closed', 'closed')
    if (this.#reason !== undefined) return undefined
    if (message.payload.length > LIMIT && fault !== 'has no limit') throw new OckamError('transport/message-too-large', 'too large')
    this.#count++
    if (this.#count === 77 && fault === 'loses a message') return undefined
    if (fault === 'loses when both sides send' && peer.#count > 100 && this.#count === 200) return undefined
    if (fault === 'has a limit of addresses of its own' && message.onwardRoute.length + message.returnRoute.length > 32) return undefined
    const isShared = fault === 'marks shared memory exclusive' || fault === 'gives memory back before it has sent it'
    const crossing = {
      onwardRoute: message.onwardRoute,
      returnRoute: fault === 'drops return routes' ? Route.empty : message.returnRoute,
      payload: isShared ? message.payload : peer.#read(message.payload),
    }
    if (fault === 'damages large payloads' && crossing.payload.length > 0xffff) crossing.payload[70] = 0
    if (fault === 'wipes what it sends') message.payload.fill(0)
    if (fault === 'gives memory back before it has sent it' && message.isExclusive === true) giveBack(message.payload)
    const target =
      fault === 'mixes connections up'
        ? (this.#network.connections.find((one) => one.#isDialled === peer.#isDialled) as LoopbackConnection)
        : peer
    target.#inbox.push(crossing)
    if (this.#count === 77 && fault === 'delivers a message twice') target.#inbox.push(crossing)
    if (this.#count === 77 && fault === 'swaps two messages') target.#inbox.reverse()
    target.#schedule()
    if (peer.#inbox.length < MOST_WAITING || fault === 'never asks the sender to wait') return undefined
    return new Promise((resolve) => {
      peer.#waiters.push(resolve)
    })
  }

  sendBatch(messages: readonly TransportMessage[]): Pressure {
    let pressure: Pressure
    const inOrder = this.#network.fault === 'reverses batches' ? [...messages].reverse() : messages
    for (const message of inOrder) pressure = this.send(message) ?? pressure
    return pressure
  }

  async close(): Promise<void> {
    const { fault, connections } = this.#network
    const peer = this.peer as LoopbackConnection
    if (this.#reason !== undefined) return fault === 'closes once only' ? new Promise(() => undefined) : undefined
    this.#finish('local')
    if (fault === 'closes all connections with one') for (const one of connections) one.#finish('peer')
    if (fault === 'drops what waits when it closes') peer.#inbox = []
    if (fault === 'drops what waits for the receiver at the end' && peer.#isHeld) peer.#inbox = []
    if (fault === 'never tells the other side of the end' || (fault === 'tells the dialling side nothing' && peer.#isDialled)) return
    peer.#isEnded = true
    peer.#schedule()
  }

  #finish(reason: ClosedReason): void {
    if (this.#reason !== undefined) return
    this.#reason = reason
    if (this.#network.fault !== 'forgets who waits when it closes') {
      this.#release()
      if (this.peer !== undefined) this.peer.#release()
    }
    if (this.#network.fault !== 'delivers after closing') this.#inbox = []
    this.#end(reason)
  }

  #release(): void {
    for (const resolve of this.#waiters.splice(0)) resolve()
  }

  #read(payload: Uint8Array): Uint8Array {
    const { fault } = this.#network
    if (fault === 'hands out Buffers') return Buffer.from(payload)
    if (fault !== 'reuses the memory it reads into') return payload.slice()
    if (this.#readMemory.length < payload.length) this.#readMemory = Buffer.alloc(payload.length)
    this.#readMemory.set(payload)
    return new Uint8Array(this.#readMemory.buffer, this.#readMemory.byteOffset, payload.length)
  }

  #schedule(): void {
    if (this.#isPumpDue || this.#isHeld) return
    const { fault } = this.#network
    if (fault === 'delivers before connect returns' && this.#isDialled) return this.#pump()
    this.#isPumpDue = true
    this.#services.turns.afterIo(() => {
      this.#isPumpDue = false
      this.#pump()
    })
  }

  #pump(): void {
    const { fault } = this.#network
    if (this.#network.isHeldUp) return
    for (let message = this.#next(); message !== undefined; message = this.#next()) {
      const pressure = this.#services.deliver(this, message, true)
      if (this.#inbox.length < MOST_WAITING / 2) this.#release()
      if (pressure === undefined || fault === 'does not wait for the receiver') continue
      this.#isHeld = true
      this.#network.isHeldUp = fault === 'holds all connections up when one waits'
      dropPressure(pressure.then(() => this.#resume()))
      return
    }
    if (this.#isEnded) this.#finish('peer')
  }

  #next(): TransportMessage | undefined {
    return this.#reason === undefined || this.#network.fault === 'delivers after closing' ? this.#inbox.shift() : undefined
  }

  #resume(): void {
    this.#isHeld = false
    this.#network.isHeldUp = false
    if (this.#network.fault === 'resumes with the newest message') this.#inbox.reverse()
    this.#schedule()
  }
}

class LoopbackTransport implements Transport {
  readonly #services: TransportServices
  readonly #network: LoopbackNetwork
  readonly #listeners: TransportListener[] = []
  readonly #connections: LoopbackConnection[] = []
  #isOpen = true

  constructor(services: TransportServices, network: LoopbackNetwork) {
    this.#services = services
    this.#network = network
  }

  async connect(hop: MultiAddr, { signal, timeoutMs = 15_000 }: ConnectOptions = {}): Promise<Connection> {
    const { fault, listeners } = this.#network
    const port = this.#portOf(hop)
    if (fault !== 'ignores aborts') signal?.throwIfAborted()
    if (port === SILENT_PORT) await this.#nobodyAnswers(timeoutMs)
    await new Promise((resolve) => setTimeout(resolve, 0))
    if (fault !== 'ignores aborts') signal?.throwIfAborted()
    const listener = fault === 'takes the first listener for all' ? [...listeners.values()][0] : listeners.get(port)
    const dialled = new LoopbackConnection(this.#services, this.#network, true)
    if (listener === undefined && fault === 'connects where nobody listens') return dialled
    if (listener === undefined) throw new OckamError('transport/connect-failed', `nobody listens on ${port}`)
    const accepted = new LoopbackConnection(listener.services, this.#network, false)
    dialled.peer = accepted
    accepted.peer = dialled
    listener.accepted.push(accepted)
    this.#connections.push(dialled)
    if (fault === 'delivers before accepting') await this.#deliverEarly(listener, accepted)
    if (!listener.services.accepted(listener, accepted) && fault !== 'keeps refused connections') await accepted.close()
    if (fault === 'closes on a late abort') signal?.addEventListener('abort', () => dropPressure(dialled.close()))
    return dialled
  }

  async listen(address: MultiAddr): Promise<TransportListener> {
    const { fault, listeners } = this.#network
    const asked = this.#portOf(address)
    const port = asked === '0' ? String(++this.#network.lastPort) : asked
    if (listeners.has(port) && fault !== 'listens twice on one address')
      throw new OckamError('transport/listen-failed', `${port} is in use`)
    let end: () => void = () => undefined
    const closed = new Promise<void>((resolve) => {
      end = resolve
    })
    const listener: LoopbackListener = {
      services: this.#services,
      accepted: [],
      address: fault === 'reports the address that was asked for' ? address : MultiAddr.parse(`/loop/${port}`, [LOOP]),
      closed,
      close: async () => {
        listeners.delete(port)
        if (fault === 'closes connections with their listener') await Promise.all(listener.accepted.map((one) => one.close()))
        end()
      },
    }
    listeners.set(port, listener)
    this.#listeners.push(listener)
    return listener
  }

  async close(): Promise<void> {
    this.#isOpen = this.#network.fault === 'opens after closing'
    const accepted = [...this.#network.listeners.values()]
      .filter(({ services }) => services === this.#services)
      .flatMap((one) => one.accepted)
    await Promise.all(this.#listeners.map((listener) => listener.close()))
    await Promise.all([...this.#connections, ...accepted].map((connection) => connection.close()))
  }

  #portOf(address: MultiAddr): string {
    const [piece] = address.pieces
    const isOwn = piece?.name === 'loop' && address.length === 1
    if (!isOwn && this.#network.fault !== 'takes any address')
      throw new OckamError('transport/unsupported-address', `${address} is not /loop/…`)
    if (!this.#isOpen) throw new OckamError('transport/closed', 'closed')
    return piece?.value ?? ''
  }

  async #nobodyAnswers(timeoutMs: number): Promise<never> {
    await new Promise((resolve) => setTimeout(resolve, this.#network.fault === 'ignores timeoutMs' ? 15_000 : timeoutMs))
    throw new OckamError('transport/timeout', 'nobody answered')
  }

  async #deliverEarly({ services }: LoopbackListener, connection: LoopbackConnection): Promise<void> {
    dropPressure(
      services.deliver(connection, { onwardRoute: Route.of('early'), returnRoute: Route.empty, payload: new Uint8Array(0) }, true),
    )
  }
}
