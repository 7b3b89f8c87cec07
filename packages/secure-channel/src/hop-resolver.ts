/** Resolves the hop `/secure/<listener>` of a MultiAddr: opens a channel along the route so far. */

import { Address, type HopResolver, type MultiAddr, type ResolvedRoute, type ResolveOptions, Route, type SecureHop } from '@ockam/core'
import type { ChannelServices } from './channel/services.ts'
import { channelError } from './error.ts'
import { openChannel } from './handshake/initiator.ts'

export function secureHopResolver(services: ChannelServices): HopResolver {
  return {
    hops: [['secure']],
    async resolve(
      hop: MultiAddr,
      before: ResolvedRoute | undefined,
      options: ResolveOptions & { readonly secure?: SecureHop },
    ): Promise<ResolvedRoute> {
      const { secure, timeoutMs, signal, from } = options
      if (secure === undefined) {
        throw channelError('secure-channel/trust-missing', `${hop} opens a secure channel: give identity and trust for it.`)
      }
      const listener = Route.of(Address.local(hop.pieces[0]?.value ?? ''))
      const channel = await openChannel(services, before === undefined ? listener : before.route.concat(listener), {
        ...secure,
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
        ...(signal === undefined ? {} : { signal }),
        ...(from === undefined ? {} : { from }),
      })
      // Such a channel is not moved to another route: it ends with what it was opened over, and the program learns that it was cut.
      const { flowControls } = services.router
      const unwatch = before?.producer === undefined ? undefined : flowControls.onEnd(before.producer, () => channel.cut())
      return {
        route: channel.route,
        producer: channel.producer,
        closed: channel.closed.then(() => unwatch?.()),
        async close(): Promise<void> {
          await channel.close()
          await before?.close()
        },
      }
    },
  }
}
