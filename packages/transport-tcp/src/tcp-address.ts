/**
 * TCP addresses: `/ip4/…/tcp/…`, `/ip6/…/tcp/…`, `/dnsaddr/…/tcp/…` as host and port, and back.
 */

import { MultiAddr, OckamError, type TransportErrorCode } from '@ockam/core'

export interface TcpTarget {
  readonly host: string
  readonly port: number
  /** As people write it, for messages: `example.com:4000`, `[::1]:4000`. */
  readonly text: string
}

/** What the transport connects to and listens on. */
export const TCP_HOPS: readonly (readonly string[])[] = [
  ['ip4', 'tcp'],
  ['ip6', 'tcp'],
  ['dnsaddr', 'tcp'],
]

/** @throws {OckamError} `transport/unsupported-address` */
export function tcpTarget(address: MultiAddr): TcpTarget {
  const [host, port] = address.pieces
  if (
    host === undefined ||
    port === undefined ||
    address.length !== 2 ||
    !TCP_HOPS.some(([name]) => name === host.name) ||
    port.name !== 'tcp'
  ) {
    throw unsupported(address, 'write it as /dnsaddr/example.com/tcp/4000 or /ip4/127.0.0.1/tcp/4000')
  }
  if (host.value === '') throw unsupported(address, 'the host name is empty')
  return {
    host: host.value,
    port: Number(port.value),
    text: host.name === 'ip6' ? `[${host.value}]:${port.value}` : `${host.value}:${port.value}`,
  }
}

/** An address as the operating system reports it. IPv4 that came in through an IPv6 listener is shown as IPv4. */
export function tcpMultiAddr(host: string, port: number): MultiAddr {
  const ip4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(host)?.[1] ?? host
  // A zone (fe80::1%eth0) means something on this machine only.
  const plain = ip4.replace(/%.*$/, '')
  return MultiAddr.parse(`/${plain.includes(':') ? 'ip6' : 'ip4'}/${plain}/tcp/${port}`)
}

function unsupported(address: MultiAddr, hint: string): OckamError<TransportErrorCode> {
  return new OckamError('transport/unsupported-address', `${address} is not a TCP address: ${hint}.`)
}
