/**
 * The transport of one node of a network in memory: connects to and listens on `/memory/<name>`.
 */

import {
  type Connection,
  type ConnectOptions,
  MultiAddr,
  type MultiAddrProtocol,
  OckamError,
  type Transport,
  type TransportErrorCode,
  type TransportListener,
  type TransportServices,
} from '@ockam/core'
import type { MemoryConnection } from './memory-connection.ts'

/** A name of our own, with the code that multiformats give to `memory`. */
export const MEMORY: MultiAddrProtocol = { name: 'memory', code: 777, value: 'encoded-text' }

const CONNECT_TIMEOUT_MS = 15_000

/** One node: its name in rules and taps, and what it lends. */
export interface MemoryNode {
  readonly name: string
  readonly services: TransportServices
  /** Connections that are open. */
  readonly connections: Set<MemoryConnection>
}

/** What a transport needs of its network. */
export interface Switchboard {
  /** False when something listens there already. */
  register(name: string, listener: MemoryListener): boolean
  unregister(name: string): void
  /**
   * Calls `onAnswer` when the other side would have answered: with the connection, or with undefined when nobody listens. Never while a partition
   * lies between. Returns how to give up.
   */
  dial(node: MemoryNode, name: string, onAnswer: (connection: Connection | undefined) => void): () => void
}

export class MemoryListener implements TransportListener {
  readonly address: MultiAddr
  readonly closed: Promise<void>
  readonly node: MemoryNode
  readonly #onClose: () => void
  #resolveClosed: () => void = () => undefined

  constructor(address: MultiAddr, node: MemoryNode, onClose: () => void) {
    this.address = address
    this.node = node
    this.#onClose = onClose
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve
    })
  }

  close(): Promise<void> {
    this.#onClose()
    this.#resolveClosed()
    return this.closed
  }
}

export class MemoryTransport implements Transport {
  readonly #node: MemoryNode
  readonly #switchboard: Switchboard
  readonly #listeners = new Set<MemoryListener>()
  /** Ends attempts to connect that are under way. */
  readonly #attempts = new Set<() => void>()
  #isOpen = true

  constructor(node: MemoryNode, switchboard: Switchboard) {
    this.#node = node
    this.#switchboard = switchboard
  }

  async connect(hop: MultiAddr, options: ConnectOptions = {}): Promise<Connection> {
    const name = memoryName(hop)
    const { signal, timeoutMs = CONNECT_TIMEOUT_MS } = options
    signal?.throwIfAborted()
    this.#requireOpen(`connect to ${hop}`)
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        timer.cancel()
        signal?.removeEventListener('abort', onAbort)
        this.#attempts.delete(onClose)
        giveUp()
      }
      const fail = (reason: unknown): void => {
        stop()
        reject(reason)
      }
      const onAbort = (): void => fail(signal?.reason)
      const onClose = (): void => fail(closedError(`connect to ${hop}`))
      const timer = this.#node.services.clock.schedule(timeoutMs, () =>
        fail(error('transport/timeout', `Cannot connect to ${hop}: nobody answered within ${timeoutMs} ms. Is there a partition?`)),
      )
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#attempts.add(onClose)
      const giveUp = this.#switchboard.dial(this.#node, name, (connection) => {
        if (connection === undefined) {
          fail(error('transport/connect-failed', `Cannot connect to ${hop}: nobody in this network listens there.`))
          return
        }
        stop()
        resolve(connection)
      })
    })
  }

  async listen(address: MultiAddr): Promise<TransportListener> {
    const name = memoryName(address)
    this.#requireOpen(`listen on ${address}`)
    const listener = new MemoryListener(address, this.#node, () => {
      if (this.#listeners.delete(listener)) this.#switchboard.unregister(name)
    })
    if (!this.#switchboard.register(name, listener)) {
      throw error(
        'transport/listen-failed',
        `Cannot listen on ${address}: something in this network listens there already. Choose another name.`,
      )
    }
    this.#listeners.add(listener)
    return listener
  }

  async close(): Promise<void> {
    this.#isOpen = false
    for (const end of this.#attempts) end()
    await Promise.all([...this.#listeners].map((listener) => listener.close()))
    await Promise.all([...this.#node.connections].map((connection) => connection.close()))
  }

  #requireOpen(what: string): void {
    if (!this.#isOpen) throw closedError(what)
  }
}

/** `/memory/<name>` for a name that may hold any character. */
export function memoryAddress(name: string): MultiAddr {
  return MultiAddr.parse(`/memory/${encodeURIComponent(name)}`, [MEMORY])
}

function memoryName(address: MultiAddr): string {
  const [piece] = address.pieces
  if (piece === undefined || address.length !== 1 || piece.name !== MEMORY.name || piece.value === '') {
    throw error('transport/unsupported-address', `"${address}" is not an address in memory: write it as /memory/name.`)
  }
  return piece.value
}

function closedError(what: string): OckamError<TransportErrorCode> {
  return error('transport/closed', `Cannot ${what}: the transport of this node was closed.`)
}

function error(code: TransportErrorCode, message: string): OckamError<TransportErrorCode> {
  return new OckamError(code, message)
}
