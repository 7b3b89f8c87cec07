/** A TCP connection to or from a Rust node as bytes: writes what a test gives, keeps what comes. */

import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { hex, unhex } from '../../../interop/test/fixture/world.ts'
import { until } from './recording.ts'

const open: (Socket | Server)[] = []

export class RawSocket {
  readonly #socket: Socket
  /** When both directions have ended. */
  readonly closed: Promise<unknown>
  #bytes = Buffer.alloc(0)

  private constructor(socket: Socket) {
    this.#socket = socket
    this.closed = once(socket, 'close')
    open.push(socket)
    socket.on('error', () => undefined)
    socket.on('data', (chunk: Buffer) => (this.#bytes = Buffer.concat([this.#bytes, chunk])))
  }

  /** @param target `127.0.0.1:…` */
  static async to(target: string): Promise<RawSocket> {
    const [host, port] = target.split(':')
    const socket = connect(Number(port), host)
    const raw = new RawSocket(socket)
    await once(socket, 'connect')
    return raw
  }

  /** A server for one connection. */
  static async listen(): Promise<{
    readonly target: string
    readonly accepted: Promise<RawSocket>
    readonly close: () => Promise<unknown>
  }> {
    const server = createServer()
    open.push(server)
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const bound = server.address()
    if (bound === null || typeof bound === 'string') throw new Error('The server has no port.')
    const accepted = once(server, 'connection').then(([socket]) => new RawSocket(socket as Socket))
    const close = (): Promise<unknown> => once(server.close(), 'close')
    return { target: `127.0.0.1:${bound.port}`, accepted, close }
  }

  write(bytes: string): void {
    this.#socket.write(unhex(bytes))
  }

  end(): void {
    this.#socket.end()
  }

  /** The next `count` bytes, in hexadecimal. */
  async take(count: number): Promise<string> {
    await until(() => this.#bytes.length >= count, `${count} bytes come from a Rust node`)
    const taken = hex(this.#bytes.subarray(0, count))
    this.#bytes = this.#bytes.subarray(count)
    return taken
  }

  /** The next frame with its length in front, in hexadecimal. */
  async takeFrame(): Promise<string> {
    const head = await this.take(4)
    return head + (await this.take(Number.parseInt(head, 16)))
  }
}

export function closeSockets(): void {
  for (const one of open.splice(0)) {
    if ('destroy' in one) one.destroy()
    else one.close()
  }
}
