/**
 * The plug-in: options now, the node's services later.
 */

import type { TransportFactory } from '@ockam/core'
import { resolveTcpOptions, type TcpOptions } from './option.ts'
import { TCP_HOPS } from './tcp-address.ts'
import { TcpTransport } from './tcp-transport.ts'

/**
 * TCP for `createNode({ transports: [tcp()] })`: connects to and listens on `/ip4/…/tcp/…`, `/ip6/…/tcp/…` and `/dnsaddr/…/tcp/…`.
 * @throws {OckamError} `transport/invalid-argument` for options that make no sense.
 */
export function tcp(options: TcpOptions = {}): TransportFactory {
  const resolved = resolveTcpOptions(options)
  return { protocols: [], hops: TCP_HOPS, create: (services) => new TcpTransport(services, resolved) }
}
