/** Makes a session of the addresses people write: one way for each, all with one secure channel that moves between them. */

import {
  type Establish,
  MultiAddr,
  type MultiAddrProtocol,
  OckamError,
  type ResolvedRoute,
  Route,
  type Router,
  type SessionOptions,
  type Sessions,
} from '@ockam/core'
import { type ChannelIdentity, givenIdentity, secureHops, splitChannel, splitListener } from './address.ts'
import { ChannelKeeper } from './channel-keeper.ts'
import type { NodeChannel } from './node-channel.ts'
import { NodeSession } from './node-session.ts'
import { CHANNEL_ATTEMPT_MS, overlapping } from './overlapping-attempt.ts'

/** The default of `backoff.attemptMs` is 120 000 where an address has a secure channel; a handshake that takes longer than 30 s is begun anew beside it. */
export interface OpenSessionOptions extends Partial<ChannelIdentity>, Pick<SessionOptions, 'ping' | 'backoff' | 'primary'> {
  /** For events and errors. Default: the first address. */
  readonly name?: string
  /** Identity and trust for each `secure` hop before the last, in order. */
  readonly hops?: readonly ChannelIdentity[]
}

export interface SessionOpeningServices {
  readonly router: Router
  readonly sessions: Sessions
  readonly protocols: readonly MultiAddrProtocol[]
  openSecureChannel(
    to: MultiAddr,
    options: ChannelIdentity & { readonly hops: readonly ChannelIdentity[]; readonly signal: AbortSignal; readonly timeoutMs: number },
  ): Promise<NodeChannel>
}

/** @throws {OckamError} `node/invalid-argument`, `node/no-secure-hop`, `secure-channel/trust-missing`, `core/invalid-multiaddr`: nothing was dialled. */
export function openNodeSession(
  services: SessionOpeningServices,
  to: MultiAddr | string | readonly (MultiAddr | string)[],
  options: OpenSessionOptions,
): NodeSession {
  const { router, sessions, protocols } = services
  const given = Array.isArray(to) ? (to as readonly (MultiAddr | string)[]) : [to as MultiAddr | string]
  const addresses = given.map((address) => MultiAddr.from(address, protocols))
  const [first] = addresses
  if (first === undefined) throw new OckamError('node/invalid-argument', 'A session needs at least one address.')
  const identities = [...(options.hops ?? []), ...givenIdentity(options)]
  for (const address of addresses) secureHops(address, identities)
  const attemptMs = options.backoff?.attemptMs ?? CHANNEL_ATTEMPT_MS
  const { clock } = router.services
  const keeper = new ChannelKeeper({
    clock,
    resolve: (channel, signal) => resolveBefore(router, channel, identities, signal),
    open: (channel, signal) => {
      const [last, ...hops] = [...identities].reverse() as [ChannelIdentity, ...ChannelIdentity[]]
      const side = { ...last, hops: hops.reverse(), timeoutMs: attemptMs }
      return overlapping(clock, signal, (one) => services.openSecureChannel(channel, { ...side, signal: one }))
    },
  })
  const channels = addresses.map(splitChannel)
  const ways = addresses.map((address, index): Establish => {
    const split = channels[index]
    if (split === undefined) return (signal) => router.resolve(address, { signal })
    return (signal) => keeper.establish(split.channel, split.behind, signal)
  })
  // The node that answers pings is at the end of the channel; what comes behind it is a worker of that node.
  const along = (route: Route): Route => (keeper.channelAt(route.next) === undefined ? route : Route.of(...[...route].slice(0, 1)))
  const { ping = {}, backoff, primary } = options
  const session = sessions.open({
    name: options.name ?? first.toString(),
    ways,
    handOver: keeper.handOver,
    ping: ping === false ? false : { along, ...ping },
    backoff: { ...backoff, ...(channels.some((channel) => channel !== undefined) && { attemptMs }) },
    ...(primary !== undefined && { primary }),
  })
  return new NodeSession(router, session, keeper)
}

/** Opens what a channel goes over, for a channel that exists already. */
async function resolveBefore(
  router: Router,
  channel: MultiAddr,
  identities: readonly ChannelIdentity[],
  signal: AbortSignal,
): Promise<ResolvedRoute | undefined> {
  const { way } = splitListener(channel)
  return way.length === 0 ? undefined : router.resolve(way, { ...secureHops(way, identities.slice(0, -1)), signal })
}
