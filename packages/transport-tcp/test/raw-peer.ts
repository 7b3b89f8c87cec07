/**
 * The other end of a connection as plain TCP: what a peer may do that no transport would.
 */

import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { RecordingServices } from '@ockam/conformance'
import { type Connection, MultiAddr, type Transport } from '@ockam/core'
import { expect } from 'vitest'
import { tcp, type TcpOptions } from '../src/index.ts'

const fromHex = (hex: string): Buffer => Buffer.from(hex.replaceAll(/\s/g, ''), 'hex')

export class RawPeer {
  readonly socket: Socket
  readonly #chunks: Buffer[] = []
  isEnded = false
  isClosed = false

  constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (chunk) => this.#chunks.push(chunk))
    socket.on('end', () => {
      this.isEnded = true
    })
    socket.on('close', () => {
      this.isClosed = true
    })
    // Being reset is what some tests are about.
    socket.on('error', () => undefined)
  }

  get received(): string {
    return Buffer.concat(this.#chunks).toString('hex')
  }

  write(hex: string): void {
    this.socket.write(fromHex(hex))
  }
}

export const until = async (condition: () => boolean, what: string, timeoutMs = 5_000): Promise<void> => {
  const deadline = performance.now() + timeoutMs
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`This did not happen within ${timeoutMs} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}

/** Lets what was written arrive and be handled. */
export const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 25))

export interface Bench {
  readonly services: RecordingServices
  readonly transport: Transport
  /** Connects a raw peer to a listener of the transport, at `host`, by default 127.0.0.1. */
  readonly dial: (options?: { readonly allowHalfOpen?: boolean; readonly host?: '127.0.0.1' | '::1' }) => Promise<RawPeer>
  /** Lets the transport connect to a raw peer. */
  readonly accept: () => Promise<{ readonly peer: RawPeer; readonly connection: Connection }>
}

/**
 * Runs `body` with a transport, and closes everything afterwards. A transport survives its own mistakes and those of the test's `onDeliver`; the test
 * must not, unless it is about them and sets `services.onEvent` itself.
 */
export async function withTransport(
  options: TcpOptions,
  body: (bench: Bench) => Promise<void>,
  services = new RecordingServices(),
): Promise<void> {
  const mistakes: unknown[] = []
  services.onEvent = (name, details) => {
    if (name === 'transport/receive-failed') mistakes.push(details)
  }
  const transport = tcp({ closeTimeoutMs: 200, ...options }).create(services)
  const sockets: Socket[] = []
  const servers: { close(): unknown }[] = []
  const dial: Bench['dial'] = async ({ host = '127.0.0.1', ...socketOptions } = {}) => {
    const listener = await transport.listen(MultiAddr.parse(`/${host === '::1' ? 'ip6' : 'ip4'}/${host}/tcp/0`))
    const socket = connect({ host, port: portOf(listener.address), noDelay: true, ...socketOptions })
    sockets.push(socket)
    const peer = new RawPeer(socket)
    await new Promise((resolve) => socket.once('connect', resolve))
    return peer
  }
  const accept: Bench['accept'] = async () => {
    const server = createServer({ noDelay: true })
    servers.push(server)
    const peers = new Promise<RawPeer>((resolve) => {
      server.on('connection', (socket) => {
        sockets.push(socket)
        resolve(new RawPeer(socket))
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const connection = await transport.connect(MultiAddr.parse(`/ip4/127.0.0.1/tcp/${(server.address() as AddressInfo).port}`))
    return { peer: await peers, connection }
  }
  try {
    await body({ services, transport, dial, accept })
  } finally {
    for (const socket of sockets) socket.destroy()
    for (const server of servers) server.close()
    await transport.close()
  }
  expect(mistakes).toEqual([])
}

export const portOf = (address: MultiAddr): number => Number(address.pieces[1]?.value)
