/** TCP inlets and outlets of a node. */

import { MultiAddr, type Session } from '@ockam/core'
import { createTcpInlet, createTcpOutlet } from '@ockam/portals'
import * as z from 'zod'
import { CommandError, usageError } from '../../error.ts'
import type { HostedInlet } from '../hosted-thing.ts'
import { type Host, trustOf } from '../host.ts'
import { identifiers, type Method, method, named, nothing, text, timeoutMs } from './method.ts'

export interface InletInfo {
  readonly alias: string
  /** Where clients connect. */
  readonly bind_addr: string
  /** The ways to the outlet, the first one preferred. */
  readonly outlet_addr: readonly string[]
  readonly status: 'up' | 'down'
  readonly connections: number
  readonly sent_bytes: number
  readonly received_bytes: number
}

export interface OutletInfo {
  readonly address: string
  readonly worker_address: string
  readonly to: string
  readonly allowed_identifiers: readonly string[]
  readonly connections: number
  readonly sent_bytes: number
  readonly received_bytes: number
}

function inletInfo(host: Host, alias: string): InletInfo {
  const { inlet, session, to } = host.things.inlets.get(alias)
  const { connections, sentBytes, receivedBytes } = inlet.statistics()
  const status = session.state === 'up' ? 'up' : 'down'
  return { alias, bind_addr: inlet.address, outlet_addr: to, status, connections, sent_bytes: sentBytes, received_bytes: receivedBytes }
}

function outletInfo(host: Host, address: string): OutletInfo {
  const { outlet, allowed } = host.things.outlets.get(address)
  const { connections, sentBytes, receivedBytes } = outlet.statistics()
  const worker = `/service/${address}`
  const counted = { connections, sent_bytes: sentBytes, received_bytes: receivedBytes }
  return { address, worker_address: worker, to: outlet.target, allowed_identifiers: allowed, ...counted }
}

export const listInlets = (host: Host): readonly InletInfo[] => host.things.inlets.entries().map(([alias]) => inletInfo(host, alias))
export const listOutlets = (host: Host): readonly OutletInfo[] =>
  host.things.outlets.entries().map(([address]) => outletInfo(host, address))

/** The way to the outlet's node, and the outlet. */
function splitOutlet(to: string): { readonly way: MultiAddr; readonly outlet: string } {
  const address = MultiAddr.parse(to)
  const last = address.pieces.at(-1)
  if (last !== undefined && (last.name === 'service' || last.name === 'worker')) return { way: address.slice(0, -1), outlet: last.value }
  throw usageError(`"${to}" does not end with an outlet.`, `Add its address: ${to}/service/outlet`)
}

interface InletParameters {
  readonly alias: string
  readonly from: string
  readonly to: readonly string[]
  readonly authorized: readonly string[]
  readonly allow: readonly string[]
  readonly identity?: string | undefined
  readonly waitMs?: number | undefined
}

async function createInlet(parameters: InletParameters, host: Host, signal: AbortSignal): Promise<InletInfo> {
  const { alias, waitMs = 0 } = parameters
  await host.things.inlets.make(alias, async () => {
    const made = await makeInlet(parameters, host)
    await untilUp(made.session, waitMs, signal)
    if (!signal.aborted) return made
    // Whoever asked has gone, and would not expect a port that nobody told about.
    await made.inlet.close()
    await made.session.close()
    throw signal.reason
  })
  return inletInfo(host, alias)
}

async function makeInlet(parameters: InletParameters, host: Host): Promise<HostedInlet> {
  const { alias, to, authorized, allow } = parameters
  const ways = to.map(splitOutlet)
  const counts = ways.map(({ way }) => way.pieces.filter((piece) => piece.name === 'secure').length)
  const [first] = ways
  const [count = 0] = counts
  const { identifier } = await host.identityNamed(parameters.identity)
  const isEncrypted = count > 0 || ways.every(({ way }) => isOwnChannel(host, way))
  if (first === undefined || ways.some(({ outlet }) => outlet !== first.outlet) || new Set(counts).size !== 1 || !isEncrypted) {
    throw usageError('All routes of an inlet end with the same outlet and have the same number of secure channels, at least one.')
  }
  if (count === 0) for (const { way } of ways) requireTrusted(host, way, authorized, parameters.identity && identifier.toString())
  const side = { identity: identifier, trust: trustOf(authorized) }
  const session = host.node.openSession(
    ways.map(({ way }) => way),
    { name: `inlet ${alias}`, ...(count > 0 && { ...side, hops: Array.from({ length: count - 1 }, () => side) }) },
  )
  try {
    const rule = allow.length === 0 ? {} : { allow }
    const inlet = await createTcpInlet(host.node, { listen: parameters.from, to: session, outlet: [first.outlet], isLazy: true, ...rule })
    return { inlet, session, to }
  } catch (error) {
    await session.close()
    throw error
  }
}

/** Whether a way is a channel that was made by hand on this node, and nothing else: then its other end has the outlet. */
const isOwnChannel = (host: Host, way: MultiAddr): boolean =>
  way.length === 1 && host.things.channels.find(way.pieces[0]?.value ?? '') !== undefined

/** A channel that is there already has an identity at each end. @throws {CommandError} `cli/refused` when they are not those asked for. */
function requireTrusted(host: Host, way: MultiAddr, authorized: readonly string[], identifier: string | undefined): void {
  const { channel, identity } = host.things.channels.get(way.pieces[0]?.value ?? '')
  const peer = channel.peer.identifier.toString()
  if (authorized.length > 0 && !authorized.includes(peer)) {
    throw new CommandError('cli/refused', `The channel at ${way} is with ${peer}, whom --authorized does not name.`)
  }
  if (identifier !== undefined && identifier !== identity) {
    throw new CommandError('cli/refused', `The channel at ${way} was opened as ${identity}, and --identity names ${identifier}.`)
  }
}

/** Waits a while for the way; an inlet whose way is not open yet serves its clients when it is. */
async function untilUp(session: Session, waitMs: number, signal: AbortSignal): Promise<void> {
  if (waitMs > 0) await session.whenUp({ timeoutMs: waitMs, signal }).catch(() => undefined)
}

export const portalMethods: Readonly<Record<string, Method>> = {
  'tcp-inlet.create': method(
    z.strictObject({
      alias: text,
      from: text,
      to: z.array(text).min(1).max(8),
      authorized: identifiers,
      allow: identifiers,
      identity: text.optional(),
      waitMs: timeoutMs,
    }),
    createInlet,
    {
      kept(parameters, { bind_addr: from, outlet_addr }) {
        // A channel that was made by hand ends with the node's process, and what goes through it too.
        if (!outlet_addr.every((to) => MultiAddr.parse(to).pieces.some(({ name }) => name === 'secure'))) return undefined
        // The port that was bound stays the inlet's port.
        return { key: parameters.alias, parameters: { ...parameters, from, waitMs: undefined } }
      },
    },
  ),
  'tcp-inlet.list': method(nothing, (_, host) => listInlets(host)),
  'tcp-inlet.show': method(named, ({ name }, host) => inletInfo(host, name)),
  'tcp-inlet.delete': method(
    named,
    async ({ name }, host) => {
      const info = inletInfo(host, name)
      const { inlet, session } = host.things.inlets.get(name)
      await inlet.close()
      await session.close()
      host.things.inlets.remove(name)
      return info
    },
    { forgotten: (info) => info.alias },
  ),
  'tcp-outlet.create': method(
    z.strictObject({ address: text, to: text, allow: identifiers, isTls: z.boolean().default(false) }),
    async ({ address, to, allow, isTls }, host) => {
      host.things.outlets.requireFree(address)
      // Without a rule of its own it is open to whoever has a channel, and only to those: channels have rules of their own.
      const rule = allow.length === 0 ? ({ allowAnyone: true, from: 'channels' } as const) : { allow }
      const outlet = await createTcpOutlet(host.node, address, { to, ...rule, ...(isTls && { tls: true }) })
      host.things.outlets.add(address, { outlet, allowed: allow })
      return outletInfo(host, address)
    },
    { kept: (parameters) => ({ key: parameters.address, parameters }) },
  ),
  'tcp-outlet.list': method(nothing, (_, host) => listOutlets(host)),
  'tcp-outlet.show': method(named, ({ name }, host) => outletInfo(host, bareName(name))),
  'tcp-outlet.delete': method(
    named,
    async ({ name }, host) => {
      const address = bareName(name)
      const info = outletInfo(host, address)
      await host.things.outlets.get(address).outlet.close()
      host.things.outlets.remove(address)
      return info
    },
    { forgotten: (info) => info.address },
  ),
}

/** Names are accepted as they are printed: `outlet` and `/service/outlet`. */
const bareName = (name: string): string => name.replace(/^\/?service\//, '')
