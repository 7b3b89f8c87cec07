/**
 * The transport: dials, listens, and closes everything it opened.
 */

import { connect } from 'node:net'
import type { Connection, ConnectOptions, MultiAddr, Transport, TransportListener, TransportServices } from '@ockam/core'
import { dropPressure, OckamError } from '@ockam/core'
import { closedError, connectFailed, type TcpErrorCode } from './error.ts'
import { integer, MAX_TIMER_MS, type ResolvedTcpOptions } from './option.ts'
import { PartialBudget } from './partial-budget.ts'
import { ReadSlab, SlabBudget } from './read-slab.ts'
import { SlabPool } from './slab-pool.ts'
import { tcpMultiAddr, tcpTarget } from './tcp-address.ts'
import { TcpConnection, type TcpEnvironment } from './tcp-connection.ts'
import { TcpListener } from './tcp-listener.ts'

const CONNECT_TIMEOUT_MS = 15_000

export class TcpTransport implements Transport {
  readonly #environment: TcpEnvironment
  readonly #listeners = new Set<TcpListener>()
  /** Ends attempts to connect that are under way. */
  readonly #attempts = new Set<() => void>()
  #isOpen = true

  constructor(services: TransportServices, options: ResolvedTcpOptions) {
    const budget = new PartialBudget(options.maxPartialBytes)
    this.#environment = { services, options, budget, slabs: new SlabPool(), readSlabs: new SlabBudget(), connections: new Set() }
  }

  async connect(hop: MultiAddr, options: ConnectOptions = {}): Promise<Connection> {
    const target = tcpTarget(hop)
    const timeoutMs = integer('timeoutMs', options.timeoutMs, CONNECT_TIMEOUT_MS, 1, MAX_TIMER_MS)
    const { signal } = options
    signal?.throwIfAborted()
    if (!this.#isOpen) throw closedError(`Cannot connect to ${target.text}`)
    if (target.port === 0) throw connectFailed(`${target.text} (port 0 means "any" and is for listening only)`, undefined)

    const environment = this.#environment
    const { keepAliveMs } = environment.options
    const slab = new ReadSlab(environment.readSlabs)
    return new Promise((resolve, reject) => {
      const socket = connect({
        host: target.host,
        port: target.port,
        // What was received before the other side's end may still be answered.
        allowHalfOpen: true,
        noDelay: true,
        keepAlive: keepAliveMs > 0,
        keepAliveInitialDelay: keepAliveMs,
        onread: slab.onread,
      })
      const stop = (): void => {
        timer.cancel()
        signal?.removeEventListener('abort', onAbort)
        this.#attempts.delete(onClose)
        socket.off('connect', onConnect)
        socket.off('error', onError)
      }
      const fail = (reason: unknown): void => {
        stop()
        // Whatever the socket still reports is about a connection nobody has.
        socket.on('error', () => undefined)
        socket.destroy()
        reject(reason)
      }
      const onConnect = (): void => {
        const { remoteAddress, remotePort } = socket
        if (remoteAddress === undefined || remotePort === undefined) {
          fail(connectFailed(target.text, { code: 'ECONNRESET' }))
          return
        }
        stop()
        const connection = new TcpConnection(socket, tcpMultiAddr(remoteAddress, remotePort), environment)
        slab.serve(socket, connection)
        connection.start()
        resolve(connection)
      }
      const onError = (error: Error): void => fail(connectFailed(target.text, error))
      const onAbort = (): void => fail(signal?.reason)
      const onClose = (): void => fail(closedError(`Cannot connect to ${target.text}`))
      const onTimeout = (): void =>
        fail(
          new OckamError<TcpErrorCode>(
            'transport/timeout',
            `Cannot connect to ${target.text}: it did not answer within ${timeoutMs} ms. Check the address and firewalls, or allow more time.`,
          ),
        )
      const timer = environment.services.clock.schedule(timeoutMs, onTimeout)
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#attempts.add(onClose)
      socket.once('connect', onConnect)
      socket.once('error', onError)
    })
  }

  async listen(address: MultiAddr): Promise<TransportListener> {
    const target = tcpTarget(address)
    if (!this.#isOpen) throw closedError(`Cannot listen on ${target.text}`)
    const listener = await TcpListener.open(target, this.#environment, () => this.#isOpen)
    this.#listeners.add(listener)
    dropPressure(listener.closed.then(() => void this.#listeners.delete(listener)))
    return listener
  }

  async close(): Promise<void> {
    this.#isOpen = false
    for (const end of this.#attempts) end()
    await Promise.all([...this.#listeners].map((listener) => listener.close()))
    await Promise.all([...this.#environment.connections].map((connection) => connection.close()))
  }
}
