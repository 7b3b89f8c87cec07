/** The listening socket of an inlet: TCP or Unix, plain or TLS. */

import { chmod } from 'node:fs/promises'
import { createServer as createPlainServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type TlsOptions, TLSSocket } from 'node:tls'
import { portalError, systemCode } from './error.ts'
import { removeLeftBehind } from './left-behind-socket.ts'
import type { PortalSettings } from './option.ts'
import type { PortalSocket } from './portal-socket.ts'
import { formatSocketAddress, type SocketAddress } from './socket-address.ts'
import { eventReader } from './socket-reader.ts'
import { checkedProtocols, secureContextOf } from './tls-material.ts'

/** TLS that an inlet serves: certificate chain and private key in PEM. */
export interface InletTls {
  readonly cert: string | Uint8Array
  readonly key: string | Uint8Array
  /** Protocols accepted in ALPN, such as `h2`. Default: none. */
  readonly alpnProtocols?: readonly string[]
}

const HANDSHAKE_MS = 10_000
/** Of a socket's file: whoever may write to it speaks in the name of this node. */
const OWNER_ONLY = 0o600
const ALL = 0o777

export interface InletListenerOptions {
  readonly listen: SocketAddress
  readonly tls: TlsOptions | undefined
  readonly settings: PortalSettings
  onClient(this: void, socket: PortalSocket): void
  onRefused(this: void, reason: 'too-many-connections' | 'tls-failed'): void
  /** Accepting failed for a reason of this machine: too many open files. */
  onFailure(code: string): void
}

export interface InletListener {
  readonly address: SocketAddress
  close(): Promise<void>
}

/** What a server makes of {@link InletTls}. @throws {OckamError} `portals/invalid-argument` */
export function inletTls(of: string, tls: InletTls | undefined): TlsOptions | undefined {
  if (tls === undefined) return undefined
  const { cert, key, alpnProtocols } = tls
  if (cert === undefined || key === undefined) throw portalError('portals/invalid-argument', `${of}: tls needs cert and key, in PEM.`)
  // Node's server makes its context of the same material, which has been shown to be good.
  secureContextOf(of, { cert, key })
  return { cert: cert as string, key: key as string, ...checkedProtocols(of, alpnProtocols) }
}

/** @throws {OckamError} `portals/listen-failed` */
export async function listenForClients(options: InletListenerOptions): Promise<InletListener> {
  const { listen } = options
  const belowTls = new Set<Socket>()
  let server = serverOf(options, belowTls)
  try {
    await listening(server, listen)
  } catch (error) {
    if (listen.kind !== 'unix' || systemCode(error) !== 'EADDRINUSE' || !(await removeLeftBehind(listen.path)))
      throw listenFailed(listen, error)
    server = serverOf(options, belowTls)
    await listening(server, listen).catch((cause: unknown) => {
      throw listenFailed(listen, cause)
    })
  }
  // Does not wait for connections: they are closed by their owner.
  const close = async (): Promise<void> => {
    server.close(() => undefined)
    for (const socket of belowTls) socket.destroy()
  }
  try {
    if (listen.kind === 'unix') await chmod(listen.path, OWNER_ONLY)
  } catch (cause) {
    await close()
    throw listenFailed(listen, cause)
  }
  server.on('error', (error) => options.onFailure(systemCode(error) ?? 'unknown'))
  return { address: boundAddress(server, listen), close }
}

/** @param belowTls gets the sockets below TLS, of connections and of handshakes. */
function serverOf({ listen, tls, settings, onClient, onRefused }: InletListenerOptions, belowTls: Set<Socket>): Server {
  const { keepAliveMs, maxConnections } = settings
  const common = { allowHalfOpen: true, noDelay: true, keepAlive: keepAliveMs > 0, keepAliveInitialDelay: keepAliveMs }
  const accept = (socket: Socket): void => {
    // A handshake that ends after the server was closed is still told.
    if (!server.listening) {
      socket.destroy()
      return
    }
    socket.pause()
    const remote = listen.kind === 'unix' ? listen.path : `${socket.remoteAddress}:${socket.remotePort}`
    onClient({ socket, reader: eventReader(socket), remote, canReset: listen.kind === 'tcp' && !(socket instanceof TLSSocket) })
  }
  let server: Server
  if (tls === undefined) server = createPlainServer({ ...common, pauseOnConnect: true }, accept)
  else {
    server = createTlsServer({ ...common, ...tls, handshakeTimeout: HANDSHAKE_MS }, accept)
    server.on('connection', (socket: Socket) => {
      belowTls.add(socket)
      socket.once('close', () => belowTls.delete(socket))
    })
    server.on('tlsClientError', (_error: Error, socket: Socket) => {
      if (server.listening) onRefused('tls-failed')
      socket.destroy()
    })
  }
  server.maxConnections = maxConnections
  server.on('drop', () => onRefused('too-many-connections'))
  return server
}

function listening(server: Server, listen: SocketAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    const done = (): void => {
      server.off('error', reject)
      resolve()
    }
    if (listen.kind === 'tcp') server.listen({ host: listen.host, port: listen.port }, done)
    else listenPrivately(server, listen.path, done)
  })
}

/** The file is made in this call, and is its owner's alone from the start: nobody can be quicker than a change of its mode. */
function listenPrivately(server: Server, path: string, onListening: () => void): void {
  let mask: number | undefined
  try {
    mask = process.umask(ALL & ~OWNER_ONLY)
  } catch {
    // Only the main thread may; for others the mode is changed afterwards.
  }
  try {
    server.listen({ path }, onListening)
  } finally {
    if (mask !== undefined) process.umask(mask)
  }
}

function boundAddress(server: Server, listen: SocketAddress): SocketAddress {
  const bound = server.address()
  return bound === null || typeof bound === 'string' || listen.kind === 'unix' ? listen : { ...listen, port: bound.port }
}

const HINTS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'something else listens there already. Choose another port, or 0 for any.',
  EADDRNOTAVAIL: 'this machine does not have that address. Choose one of its own, or 127.0.0.1.',
  EACCES: 'this user may not listen there. Choose a port above 1023, or another folder.',
  ENOTFOUND: 'there is no such host name.',
  ENOENT: 'the folder of the socket does not exist.',
}

function listenFailed(listen: SocketAddress, cause: unknown): Error {
  const code = systemCode(cause)
  const hint = (code !== undefined && HINTS[code]) || 'the operating system refused.'
  return portalError(
    'portals/listen-failed',
    `Cannot listen on ${formatSocketAddress(listen)}: ${hint}${code === undefined ? '' : ` (${code})`}`,
    {
      cause,
    },
  )
}
