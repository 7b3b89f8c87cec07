/**
 * What a transport's plug-in says of itself, checked: it comes from third parties, perhaps in plain JavaScript, and whoever plugs it in is told
 * what is missing.
 *
 * A plug-in without `hops` is for its own names: those that take a port come behind an IP address or a host name, all others stand alone.
 */
import type { MultiAddrProtocol, Transport, TransportFactory, TransportServices } from '@ockam/core'
import { routingError } from './error.ts'

/** Protocol-name sequences: `[['ip4', 'tcp'], ['dnsaddr', 'tcp']]`. */
export type Hops = readonly (readonly string[])[]

const HOSTS = ['ip4', 'ip6', 'dnsaddr'] as const

/** The hops a plug-in is for. @throws {OckamError} `routing/invalid-argument` */
export function hopsOf(factory: TransportFactory): Hops {
  const given: Partial<TransportFactory> | null | undefined = factory
  if (given === null || given === undefined || typeof given.create !== 'function' || !Array.isArray(given.protocols)) {
    throw malformed('it needs protocols, the list of names it adds (which may be empty), and create(services)')
  }
  if (!given.protocols.every(isProtocol))
    throw malformed("each of its protocols is { name, code, value }, such as { name: 'quic', code: 460, value: 'port' }")
  const hops: unknown = given.hops ?? given.protocols.flatMap(hopsWith)
  if (!isHops(hops))
    throw malformed("its hops are lists of names, such as [['ip4', 'tcp'], ['dnsaddr', 'tcp']]; they can be left out when it adds a name")
  return hops
}

/** @throws {OckamError} `routing/invalid-argument` when the plug-in makes no transport; and what it throws itself. */
export function createTransport(factory: TransportFactory, services: TransportServices): Transport {
  const transport: Partial<Transport> | null | undefined = factory.create(services)
  for (const method of ['connect', 'listen', 'close'] as const) {
    if (typeof transport?.[method] !== 'function') throw malformed(`what its create(services) returns has no ${method}()`)
  }
  return transport as Transport
}

function hopsWith({ name, value }: MultiAddrProtocol): Hops {
  return value === 'port' ? HOSTS.map((host) => [host, name]) : [[name]]
}

function isProtocol(protocol: Partial<MultiAddrProtocol> | null | undefined): boolean {
  return typeof protocol?.name === 'string' && typeof protocol.code === 'number' && typeof protocol.value === 'string'
}

function isHops(hops: unknown): hops is Hops {
  const isHop = (hop: unknown): boolean => Array.isArray(hop) && hop.length > 0 && hop.every((name) => typeof name === 'string')
  return Array.isArray(hops) && hops.length > 0 && hops.every(isHop)
}

function malformed(problem: string): Error {
  return routingError(
    'routing/invalid-argument',
    `A transport cannot be plugged in: ${problem}. Was its factory called, as in transports: [tcp()]?`,
  )
}
