/** Secure channels made by hand, and the listeners they are made with. */

import { MultiAddr } from '@ockam/core'
import * as z from 'zod'
import { usageError } from '../../error.ts'
import { type Host, trustOf } from '../host.ts'
import { CHANNEL_MS } from '../limit.ts'
import { identifiers, type Method, method, named, nothing, text, timeoutMs } from './method.ts'

export interface ChannelInfo {
  /** Worker on this node that encrypts. */
  readonly address: string
  readonly multiaddr: string
  readonly to: string
  readonly identifier: string
  readonly peer_identifier: string
  readonly authorized_identifiers: readonly string[]
}

export interface ChannelListenerInfo {
  readonly address: string
  readonly multiaddr: string
  readonly identifier: string
  readonly authorized_identifiers: readonly string[]
}

/** The address with its last piece as the listener it names, however that is written: `/service/api`, `/secure/api`. */
function listenerAt(to: string): MultiAddr {
  const address = MultiAddr.parse(to)
  const last = address.pieces.at(-1)
  if (last === undefined || !['service', 'secure', 'worker'].includes(last.name)) {
    throw usageError(`"${to}" does not end with a secure-channel listener.`, `A default node has one at /service/api: ${to}/service/api`)
  }
  return address.slice(0, -1).concat(MultiAddr.parse(`/secure/${last.value}`))
}

function channelInfo(host: Host, key: string): ChannelInfo {
  const { channel, to, identity, authorized } = host.things.channels.get(key)
  return {
    address: key,
    multiaddr: `/service/${key}`,
    to,
    identifier: identity,
    peer_identifier: channel.peer.identifier.toString(),
    authorized_identifiers: authorized,
  }
}

function listenerInfo(host: Host, address: string): ChannelListenerInfo {
  const { identity, authorized } = host.things.channelListeners.get(address)
  return { address, multiaddr: `/service/${address}`, identifier: identity, authorized_identifiers: authorized }
}

/** Names are accepted as they are printed: `abc` and `/service/abc`. */
const bareName = (name: string): string => name.replace(/^\/?(?:service|worker|secure)\//, '').replace(/^0#/, '')

export const listChannels = (host: Host): readonly ChannelInfo[] => host.things.channels.entries().map(([key]) => channelInfo(host, key))

export const listChannelListeners = (host: Host): readonly ChannelListenerInfo[] =>
  host.things.channelListeners.entries().map(([address]) => listenerInfo(host, address))

export const secureChannelMethods: Readonly<Record<string, Method>> = {
  'secure-channel.create': method(
    z.strictObject({ to: text, authorized: identifiers, identity: text.optional(), timeoutMs }),
    async (parameters, host, signal) => {
      const { to, authorized } = parameters
      const address = listenerAt(to)
      const { identifier } = await host.identityNamed(parameters.identity)
      const side = { identity: identifier, trust: trustOf(authorized) }
      const before = address.pieces.slice(0, -1).filter(({ name }) => name === 'secure')
      const channel = await host.node.openSecureChannel(address, {
        ...side,
        hops: before.map(() => side),
        signal,
        timeoutMs: parameters.timeoutMs ?? CHANNEL_MS,
      })
      const key = channel.channel.address.name
      host.things.channels.add(key, { channel, to, identity: identifier.toString(), authorized })
      channel.channel.closed.then(
        () => host.things.channels.remove(key),
        () => undefined,
      )
      return channelInfo(host, key)
    },
  ),
  'secure-channel.list': method(nothing, (_, host) => listChannels(host)),
  'secure-channel.show': method(named, ({ name }, host) => channelInfo(host, bareName(name))),
  'secure-channel.delete': method(named, async ({ name }, host) => {
    const key = bareName(name)
    const info = channelInfo(host, key)
    await host.things.channels.get(key).channel.close()
    host.things.channels.remove(key)
    return info
  }),
  'secure-channel-listener.create': method(
    z.strictObject({ address: text, authorized: identifiers, identity: text.optional() }),
    async ({ address, authorized, identity: name }, host) => {
      const { identifier } = await host.identityNamed(name)
      host.things.channelListeners.requireFree(address)
      const listener = await host.node.listenSecureChannels(address, { identity: identifier, trust: trustOf(authorized) })
      host.things.channelListeners.add(address, { listener, identity: identifier.toString(), authorized })
      return listenerInfo(host, address)
    },
    { kept: (parameters) => ({ key: parameters.address, parameters }) },
  ),
  'secure-channel-listener.list': method(nothing, (_, host) => listChannelListeners(host)),
  'secure-channel-listener.show': method(named, ({ name }, host) => listenerInfo(host, bareName(name))),
  'secure-channel-listener.delete': method(
    named,
    async ({ name }, host) => {
      const address = bareName(name)
      const info = listenerInfo(host, address)
      await host.things.channelListeners.get(address).listener.close()
      host.things.channelListeners.remove(address)
      return info
    },
    { forgotten: (info) => info.address },
  ),
}
