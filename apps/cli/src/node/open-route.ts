/**
 * Opens the way an address names, for one message, one trace, or a portal. Identity and trust are the same for every `secure` hop of an address, as the
 * published Rust command has it.
 */

import { MultiAddr, type ResolvedRoute } from '@ockam/core'
import { type Host, trustOf } from './host.ts'

export interface RouteOptions {
  readonly identity?: string | undefined
  readonly authorized: readonly string[]
  readonly timeoutMs?: number | undefined
  readonly signal?: AbortSignal
}

export async function openRoute(host: Host, to: MultiAddr, options: RouteOptions): Promise<ResolvedRoute> {
  const { timeoutMs, signal } = options
  const identity = (await host.identityNamed(options.identity)).identifier
  const trust = trustOf(options.authorized)
  const count = to.pieces.filter(({ name }) => name === 'secure').length
  const hops = Array.from({ length: Math.max(0, count - 1) }, () => ({ identity, trust }))
  return host.node.router.resolve(to, {
    hops,
    ...(count > 0 && { identity, trust }),
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(signal && { signal }),
  })
}

/** For addresses of workers: a `secure` piece at the end names the listener itself, and opens no channel. */
export function withoutTrailingSecure(address: MultiAddr): MultiAddr {
  const last = address.pieces.at(-1)
  if (last?.name !== 'secure') return address
  return address.slice(0, -1).concat(MultiAddr.parse(`/service/${last.value}`))
}
