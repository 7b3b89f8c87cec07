/**
 * Listens on one address and turns sockets into connections, up to a limit.
 */

import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import type { MultiAddr, TransportListener } from '@ockam/core'
import { withOwnMemory } from './accepted-socket.ts'
import { closedError, listenFailed, systemCode } from './error.ts'
import { ReadSlab } from './read-slab.ts'
import { type TcpTarget, tcpMultiAddr } from './tcp-address.ts'
import { TcpConnection, type TcpEnvironment } from './tcp-connection.ts'

export class TcpListener implements TransportListener {
  readonly address: MultiAddr
  readonly closed: Promise<void>
  readonly #server: Server
  #resolveClosed: () => void = () => undefined

  private constructor(server: Server, environment: TcpEnvironment) {
    const { address, port } = server.address() as AddressInfo
    this.address = tcpMultiAddr(address, port)
    this.#server = server
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve
    })
    const { diagnostics } = environment.services
    server.on('connection', (socket) => this.#accept(socket, environment))
    server.on('drop', () => diagnostics.event('transport/connection-refused', { reason: 'too-many', listener: this.address.toString() }))
    server.on('error', (error) => {
      diagnostics.event('transport/accept-failed', { code: systemCode(error), listener: this.address.toString() })
    })
  }

  /** @throws {OckamError} `transport/listen-failed`, `transport/closed` when `isOpen` says so afterwards. */
  static open(target: TcpTarget, environment: TcpEnvironment, isOpen: () => boolean): Promise<TcpListener> {
    const { keepAliveMs, maxConnections, isBackground } = environment.options
    const server = createServer({ allowHalfOpen: true, noDelay: true, keepAlive: keepAliveMs > 0, keepAliveInitialDelay: keepAliveMs })
    server.maxConnections = maxConnections
    if (isBackground) server.unref()
    return new Promise((resolve, reject) => {
      const onError = (error: Error): void => reject(listenFailed(target.text, error))
      server.once('error', onError)
      server.listen(target.port, target.host, () => {
        server.off('error', onError)
        if (isOpen()) {
          resolve(new TcpListener(server, environment))
          return
        }
        server.close()
        reject(closedError(`Cannot listen on ${target.text}`))
      })
    })
  }

  close(): Promise<void> {
    // The callback of `server.close` would wait for the connections, which live on.
    this.#server.close()
    this.#resolveClosed()
    return this.closed
  }

  #accept(accepted: Socket, environment: TcpEnvironment): void {
    const slab = new ReadSlab(environment.readSlabs)
    const reading = withOwnMemory(accepted, slab.onread)
    const socket = reading ?? accepted
    const { remoteAddress, remotePort } = socket
    if (remoteAddress === undefined || remotePort === undefined) {
      // Reset before we came to it.
      socket.destroy()
      return
    }
    const connection = new TcpConnection(socket, tcpMultiAddr(remoteAddress, remotePort), environment)
    if (!environment.services.accepted(this, connection)) {
      connection.refuse()
      return
    }
    if (reading !== undefined) slab.serve(reading, connection)
    // Each chunk is memory of its own, which Node does not use again. Only its plain form leaves this package.
    else
      socket.on('data', (chunk: Buffer) =>
        connection.receive(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length), 0, chunk.length),
      )
    connection.start()
  }
}
