/** `host:port` as people write it, and the MultiAddr it stands for. A port alone means this machine. */

import { isIPv4, isIPv6 } from 'node:net'
import { resolve } from 'node:path'
import { MultiAddr } from '@ockam/core'
import { usageError } from '../error.ts'

export interface SocketAddress {
  readonly host: string
  readonly port: number
}

/**
 * Reads `5000`, `127.0.0.1:5000`, `localhost:5000`, `[::1]:5000`, each also with `tcp://` in front.
 * @throws {CommandError} `cli/usage`
 */
export function parseSocketAddress(text: string, defaultHost = '127.0.0.1'): SocketAddress {
  const bare = text.replace(/^tcp:\/\//, '')
  const match = /^(?:(?:\[([0-9a-fA-F:.]+)\]|([^:/\s[\]]+)):)?(\d{1,5})$/.exec(bare)
  const port = Number(match?.[3] ?? Number.NaN)
  if (match === null || !(port <= 0xffff)) throw usageError(`"${text}" is not an address: write host:port, such as 127.0.0.1:5000.`)
  return { host: match[1] ?? match[2] ?? defaultHost, port }
}

export const formatSocketAddress = ({ host, port }: SocketAddress): string => (isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`)

export function multiaddrOf({ host, port }: SocketAddress): MultiAddr {
  const name = isIPv4(host) ? 'ip4' : isIPv6(host) ? 'ip6' : 'dnsaddr'
  return MultiAddr.parse(`/${name}/${host}/tcp/${port}`)
}

/** Where to listen: `localhost` is 127.0.0.1 there, so that it means one address. @throws {CommandError} `cli/usage` */
export function listenAddress(text: string): MultiAddr {
  const { host, port } = parseSocketAddress(text)
  return multiaddrOf({ host: host === 'localhost' ? '127.0.0.1' : host, port })
}

/** An end of a portal: `host:port`, or the path of a Unix socket, which has a slash in it. @throws {CommandError} `cli/usage` */
export function portalEnd(text: string): string {
  const bare = text.replace(/^tcp:\/\//, '')
  // The node works in another folder than whoever types.
  return bare.includes('/') ? resolve(bare) : formatSocketAddress(parseSocketAddress(bare))
}

/** The socket address at the beginning of a MultiAddr, undefined when it begins otherwise. */
export function socketAddressOf(address: MultiAddr): SocketAddress | undefined {
  const [host, port] = address.pieces
  if (host === undefined || port?.name !== 'tcp' || !['ip4', 'ip6', 'dnsaddr'].includes(host.name)) return undefined
  return { host: host.value, port: Number(port.value) }
}
