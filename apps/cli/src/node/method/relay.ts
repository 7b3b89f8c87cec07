/** Relays at other nodes that lead to this one. */

import { MultiAddr } from '@ockam/core'
import * as z from 'zod'
import { usageError } from '../../error.ts'
import type { HostedRelay } from '../hosted-thing.ts'
import { type Host, trustOf } from '../host.ts'
import { identifiers, type Method, method, named, nothing, text, timeoutMs } from './method.ts'

export interface RelayInfo {
  readonly name: string
  /** Where others reach this node: a worker of the relay's node. */
  readonly remote_address: string
  readonly multiaddr: string
  /** The relay's node. */
  readonly at: string
  readonly status: 'up' | 'down'
}

function relayInfo(host: Host, name: string): RelayInfo {
  const { handle, at, address: asked } = host.things.relays.get(name)
  const status = handle.session === undefined || handle.session.state === 'up' ? 'up' : 'down'
  const address = status === 'up' ? handle.address.name : asked
  return { name, remote_address: address, multiaddr: `/service/${address}`, at, status }
}

export const listRelays = (host: Host): readonly RelayInfo[] => host.things.relays.entries().map(([name]) => relayInfo(host, name))

interface RelayParameters {
  readonly name: string
  readonly relayAddress?: string | undefined
  readonly at: string
  readonly authorized: readonly string[]
  readonly identity?: string | undefined
  readonly timeoutMs?: number | undefined
  readonly isFirstRequired: boolean
}

async function makeRelay(parameters: RelayParameters, host: Host, signal: AbortSignal): Promise<HostedRelay> {
  const { at, authorized, relayAddress = parameters.name } = parameters
  const secure = MultiAddr.parse(at).pieces.filter((piece) => piece.name === 'secure').length
  if (secure > 1) throw usageError(`A relay is registered through one secure channel at most; "${at}" has ${secure}.`)
  const { identifier } = await host.identityNamed(parameters.identity)
  const handle = await host.node.createRelay(at, {
    name: relayAddress,
    signal,
    isFirstRequired: parameters.isFirstRequired,
    ...(secure === 1 && { identity: identifier, trust: trustOf(authorized) }),
    ...(parameters.timeoutMs !== undefined && { timeoutMs: parameters.timeoutMs }),
  })
  try {
    // It is registered by now; the session takes it over within the turn.
    if (parameters.isFirstRequired) await handle.session?.whenUp({ signal })
    signal.throwIfAborted()
  } catch (error) {
    await handle.close()
    throw error
  }
  return { handle, at, address: `forward_to_${relayAddress}` }
}

export const relayMethods: Readonly<Record<string, Method>> = {
  'relay.create': method(
    z.strictObject({
      name: text,
      relayAddress: text.optional(),
      at: text,
      authorized: identifiers,
      identity: text.optional(),
      timeoutMs,
      isFirstRequired: z.boolean().default(true),
    }),
    async (parameters, host, signal) => {
      await host.things.relays.make(parameters.name, () => makeRelay(parameters, host, signal))
      return relayInfo(host, parameters.name)
    },
    // When the node starts again, the relay's node may come up later.
    { kept: (parameters) => ({ key: parameters.name, parameters: { ...parameters, isFirstRequired: false } }) },
  ),
  'relay.list': method(nothing, (_, host) => listRelays(host)),
  'relay.show': method(named, ({ name }, host) => relayInfo(host, name)),
  'relay.delete': method(
    named,
    async ({ name }, host) => {
      const info = relayInfo(host, name)
      await host.things.relays.get(name).handle.close()
      host.things.relays.remove(name)
      return info
    },
    { forgotten: (info) => info.name },
  ),
}
