/**
 * Which network a remote address belongs to: what shares and quotas tell strangers apart by. Whoever has one IPv6 address usually has all of its
 * /64 (RFC 6177), so those count as one place; IPv4 mapped into IPv6 (RFC 4291, section 2.5.5.2) is IPv4.
 *
 * Not here: who may connect. An address says where something came from, never who sent it.
 */

import { formatIp4, formatIp6, parseIp6 } from './multiaddr/ip.ts'

const MAPPED_PREFIX = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff)
const NETWORK_BYTES = 8

/**
 * @param remoteAddress an IP address without port, as a transport reports it, or any other name of a place.
 * @returns an IPv4 address, the /64 of an IPv6 address (`2001:db8:0:1::/64`), or the name unchanged.
 */
export function remoteNetwork(remoteAddress: string): string {
  // A zone (fe80::1%eth0) names an interface of this machine.
  const ip6 = parseIp6(remoteAddress.replace(/%.*$/, ''))
  if (ip6 === undefined) return remoteAddress
  if (MAPPED_PREFIX.every((byte, i) => ip6[i] === byte)) return formatIp4(ip6.subarray(MAPPED_PREFIX.length))
  return `${formatIp6(ip6.fill(0, NETWORK_BYTES))}/64`
}
