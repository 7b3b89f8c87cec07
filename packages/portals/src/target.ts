/** Where an outlet leads: connecting to it, plainly or with TLS. */

import { connect as connectPlain, isIP, type Socket, type TcpNetConnectOpts } from 'node:net'
import { type ConnectionOptions as TlsConnectOptions, connect as connectTls } from 'node:tls'
import { portalError } from './error.ts'
import type { PortalSocket } from './portal-socket.ts'
import { formatSocketAddress, type SocketAddress } from './socket-address.ts'
import { eventReader, SlabReader } from './socket-reader.ts'
import { checkedProtocols, secureContextOf } from './tls-material.ts'

/** TLS towards the target. The certificate is always verified. */
export interface TargetTls {
  /** Host name in the certificate, and in SNI. Default: the target's host; required for Unix sockets. */
  readonly serverName?: string
  /** Certificates, PEM, that are trusted instead of the system's: for a private authority. */
  readonly ca?: string | Uint8Array | readonly (string | Uint8Array)[]
  /** Own certificate and key, PEM, for targets that ask for one. */
  readonly cert?: string | Uint8Array
  readonly key?: string | Uint8Array
  /** Protocols offered in ALPN, such as `h2`. Default: none. */
  readonly alpnProtocols?: readonly string[]
}

export interface ConnectTargetOptions {
  readonly tls: TlsConnectOptions | undefined
  readonly keepAliveMs: number
  readonly signal: AbortSignal
}

/**
 * What each connection to the target makes of {@link TargetTls}.
 * @throws {OckamError} `portals/invalid-argument` for a TLS target without a name, with an address for a name, or with material that is none.
 */
export function targetTls(of: string, target: SocketAddress, tls: TargetTls | undefined): TlsConnectOptions | undefined {
  if (tls === undefined) return undefined
  const { serverName, ca, cert, key, alpnProtocols } = tls
  if (serverName === undefined ? target.kind === 'unix' : isIP(serverName) !== 0) {
    throw portalError('portals/invalid-argument', `${of}: tls.serverName is the host name in the certificate; a Unix socket needs it.`)
  }
  // Addresses are no names: SNI does not carry them, and Node verifies them as the host.
  const name = serverName ?? (target.kind === 'tcp' && isIP(target.host) === 0 ? target.host : undefined)
  return {
    ...(name !== undefined && { servername: name }),
    rejectUnauthorized: true,
    secureContext: secureContextOf(of, { ca, cert, key }),
    ...checkedProtocols(of, alpnProtocols),
  }
}

/** Resolves with a connected socket that is not read yet. Rejects with the system's error, or when aborted. */
export function connectTarget(target: SocketAddress, { tls, keepAliveMs, signal }: ConnectTargetOptions): Promise<PortalSocket> {
  const where = target.kind === 'unix' ? { path: target.path } : { host: target.host, port: target.port }
  const common = { ...where, allowHalfOpen: true, noDelay: true, keepAlive: keepAliveMs > 0, keepAliveInitialDelay: keepAliveMs }
  const remote = formatSocketAddress(target)
  if (tls !== undefined) {
    const socket = connectTls({ ...common, ...tls })
    socket.pause()
    return connected(socket, 'secureConnect', signal).then(() => ({ socket, reader: eventReader(socket), remote, canReset: false }))
  }
  const reader = new SlabReader()
  const socket = connectPlain({ ...common, onread: reader.onread } as TcpNetConnectOpts)
  reader.attach(socket)
  return connected(socket, 'connect', signal).then(() => ({ socket, reader, remote, canReset: target.kind === 'tcp' }))
}

function connected(socket: Socket, event: 'connect' | 'secureConnect', signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      signal.removeEventListener('abort', aborted)
      socket.off('error', failed).off(event, done)
    }
    const done = (): void => {
      settle()
      resolve()
    }
    const failed = (error: unknown): void => {
      settle()
      // What fails after this is nobody's business.
      socket.on('error', () => undefined).destroy()
      reject(error)
    }
    const aborted = (): void => failed(signal.reason)
    socket.once(event, done).once('error', failed)
    signal.addEventListener('abort', aborted, { once: true })
    if (signal.aborted) aborted()
  })
}
