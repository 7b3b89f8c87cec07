/**
 * Ends of a portal as people write them: `host:port`, `[::1]:5432`, a port alone (of this machine's loopback), or the path of a Unix socket, which
 * has a slash in it.
 */

import { portalError } from './error.ts'

export type SocketAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string }

const LOOPBACK = '127.0.0.1'
const FORM = /^(?:(?<host>[^:[\]]+|\[[0-9a-fA-F:.%\w]+\]):)?(?<port>\d{1,5})$/

/**
 * @param what names the argument in the error: `createTcpOutlet({ to })`.
 * @throws {OckamError} `portals/invalid-argument`
 */
export function parseSocketAddress(value: string | number, what: string, leastPort: 0 | 1): SocketAddress {
  if (typeof value === 'string' && value.includes('/')) return { kind: 'unix', path: value }
  const groups = FORM.exec(String(value))?.groups
  const port = Number(groups?.['port'] ?? Number.NaN)
  if (!(port >= leastPort && port <= 65_535)) {
    throw portalError(
      'portals/invalid-argument',
      `${what} is host:port, a port from ${leastPort} to 65535, or the path of a Unix socket with a slash in it; got ${JSON.stringify(value)}.`,
    )
  }
  return { kind: 'tcp', host: groups?.['host']?.replace(/^\[|\]$/g, '') ?? LOOPBACK, port }
}

export function formatSocketAddress(address: SocketAddress): string {
  if (address.kind === 'unix') return address.path
  return `${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`
}
