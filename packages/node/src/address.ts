/** The addresses people write, taken apart: what is connected on the way, which listener a channel is opened with, what lies behind it. */

import { Address, type Identifier, MultiAddr, OckamError, type ResolveOptions, Route, type RouteLike, type TrustPolicy } from '@ockam/core'
import type { OwnIdentity } from '@ockam/identity'

/** Own identity: what `createIdentity` returned, an identifier, or its text. */
export type IdentityLike = OwnIdentity | Identifier | string

/** What has no default for a channel: as whom to speak, and whom to trust. */
export interface ChannelIdentity {
  readonly identity: IdentityLike
  readonly trust: TrustPolicy
}

export function identifierOf(identity: IdentityLike): Identifier | string {
  return typeof identity === 'object' && 'identifier' in identity ? identity.identifier : identity
}

/** What stands in front of the listener, and the listener as a route. */
export function splitListener(address: MultiAddr): { readonly way: MultiAddr; readonly listener: Route } {
  const last = address.pieces.at(-1)
  if (last?.name !== 'secure') {
    throw new OckamError('node/not-a-listener', `"${address}" does not end with a secure-channel listener, such as /secure/api.`)
  }
  return { way: address.slice(0, -1), listener: Route.of(Address.local(String(last.value))) }
}

/** An address cut behind its last `secure` hop; undefined when it has none. */
export function splitChannel(address: MultiAddr): { readonly channel: MultiAddr; readonly behind: Route } | undefined {
  const at = address.pieces.findLastIndex(({ name }) => name === 'secure')
  if (at < 0) return undefined
  const rest = address.slice(at + 1)
  return { channel: address.slice(0, at + 1), behind: rest.length === 0 ? Route.empty : Route.from(rest.toString()) }
}

/** Identity and trust for the secure hops of an address, as the router wants them: the last apart. Each hop has its own, and none is left over. */
export function secureHops(address: MultiAddr, given: readonly ChannelIdentity[]): Pick<ResolveOptions, 'identity' | 'trust' | 'hops'> {
  const needed = address.pieces.filter(({ name }) => name === 'secure').length
  if (given.length > needed) {
    throw new OckamError(
      'node/no-secure-hop',
      `"${address}" has ${needed} secure hops, but identity and trust were given for ${given.length}: they would protect nothing. Add /secure/<listener> to the address, or leave them out.`,
    )
  }
  if (given.length < needed) throw trustMissing()
  const hops = given.map(({ identity, trust }) => ({ identity: identifierOf(identity), trust }))
  return { hops: hops.slice(0, -1), ...hops.at(-1) }
}

/** Both or neither. @throws {OckamError} `secure-channel/trust-missing` */
export function givenIdentity({ identity, trust }: Partial<ChannelIdentity>): readonly ChannelIdentity[] {
  if ((identity === undefined) !== (trust === undefined)) throw trustMissing()
  return identity === undefined || trust === undefined ? [] : [{ identity, trust }]
}

export function trustMissing(): OckamError {
  return new OckamError(
    'secure-channel/trust-missing',
    'Each secure hop of an address needs an identity to speak as and a policy whom to trust: give both, for every hop. Nothing was dialled.',
  )
}

/** Text that starts with a slash is a MultiAddr; everything else is a route. */
export function isMultiAddr(to: MultiAddr | RouteLike): to is MultiAddr | string {
  return MultiAddr.is(to) || (typeof to === 'string' && to.startsWith('/'))
}
