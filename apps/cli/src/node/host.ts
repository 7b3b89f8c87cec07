/**
 * A node as the command runs it, in the background, in the foreground, or for the length of one command: the library's node, the services a default
 * node offers, and what commands have made on it since.
 *
 * Over plain TCP a default node offers `echo`, `uppercase`, the secure-channel listener `api`, and relays at `forward_to_<name>`. How the node is
 * controlled is not among them: that goes through a Unix socket.
 */

import { type ListenerHandle, OckamError, type TrustPolicy } from '@ockam/core'
import { createNode, type OckamNode, type OwnIdentity, trustEveryone, trustIdentifiers } from '@ockam/node'
import { startEcho, startUppercase } from '@ockam/routing'
import { tcp } from '@ockam/transport-tcp'
import type { OpenVault } from '../state/vault-records.ts'
import type { EventLog } from './event-log.ts'
import { HostedThings } from './hosted-thing.ts'
import type { KeptThings } from './kept-thing.ts'
import { ProbeLog } from './probe-log.ts'
import { listenAddress } from '../address/socket-address.ts'

export interface HostOptions {
  readonly name: string
  /** Where its identities and keys are. The node closes the store. */
  readonly vault: OpenVault
  readonly events: EventLog
  /** Name of the identity the node speaks as. */
  readonly identity: string
  /** `host:port`; undefined for a node that lives for one command and takes no connections. */
  readonly tcpListenerAddress: string | undefined
  /** Who may open a channel to `api`. Empty: everyone who proves an identity. */
  readonly authorized: readonly string[]
  /** What is remembered of the node: defaults that were deleted, or that something else takes the place of, are not offered. */
  readonly kept?: KeptThings
}

export class Host {
  readonly name: string
  readonly node: OckamNode
  readonly identity: OwnIdentity
  readonly events: EventLog
  readonly probes: ProbeLog
  readonly things: HostedThings = new HostedThings()
  /** Keys of the defaults that can be deleted, by the method that deletes them. */
  readonly defaults: Map<string, string> = new Map()
  readonly startedAtMs: number = Date.now()
  /** `host:port` where its status can be asked for over HTTP. */
  statusEndpoint: string | undefined

  /** @internal Use {@link openHost}. */
  constructor(options: HostOptions, node: OckamNode, identity: OwnIdentity, probes: ProbeLog) {
    this.name = options.name
    this.events = options.events
    this.probes = probes
    this.node = node
    this.identity = identity
  }

  /** Own identity by name or identifier; that of the node when none is named. @throws {OckamError} `identity/unknown-identity` */
  async identityNamed(name: string | undefined): Promise<OwnIdentity> {
    if (name === undefined) return this.identity
    const found = await this.node.identities.find(name)
    if (found !== undefined) return found
    throw new OckamError(
      'identity/unknown-identity',
      `Node "${this.name}" has no identity "${name}": a node uses the identities of one vault, that of its own identity.`,
    )
  }

  close(): Promise<void> {
    return this.node.close()
  }
}

/** Whom to trust: those who are written, or everyone when nobody is. */
export const trustOf = (authorized: readonly string[]): TrustPolicy =>
  authorized.length === 0 ? trustEveryone() : trustIdentifiers(authorized)

/** Opens a node and starts what a default node offers. What was opened is closed again when something fails. */
export async function openHost(options: HostOptions): Promise<Host> {
  const { store, protection } = options.vault
  const node = await createNode({ store, protection, transports: [tcp()], diagnostics: options.events, hasEcho: false })
  try {
    const probes = new ProbeLog()
    startEcho(node.router, 'echo', { incoming: probes })
    const identity = await node.createIdentity({ name: options.identity })
    const host = new Host(options, node, identity, probes)
    if (options.tcpListenerAddress !== undefined) await offerDefaults(host, options.tcpListenerAddress, options)
    return host
  } catch (error) {
    await node.close()
    throw error
  }
}

async function offerDefaults(host: Host, tcpListenerAddress: string, { authorized, kept = [] }: HostOptions): Promise<void> {
  const { node, things, identity, defaults } = host
  const isWanted = (kind: string, key: string): boolean =>
    !kept.some((thing) => thing.method === `${kind}.delete` || (thing.method === `${kind}.create` && thing.key === key))
  const uppercase = startUppercase(node.router)
  const relays = node.startRelayService()
  things.services.add('echo', { type: 'echo', close: undefined })
  things.services.add('uppercase', { type: 'uppercase', close: () => uppercase.close() })
  things.services.add('forwarding_service', { type: 'relay', close: () => relays.close() })
  defaults.set('secure-channel-listener.delete', 'api')
  if (isWanted('secure-channel-listener', 'api')) {
    const api = await node.listenSecureChannels('api', { identity, trust: trustOf(authorized) })
    things.channelListeners.add('api', { listener: api, identity: identity.identifier.toString(), authorized })
  }
  const where = listenAddress(tcpListenerAddress)
  defaults.set('tcp-listener.delete', where.toString())
  if (isWanted('tcp-listener', where.toString())) {
    const listener: ListenerHandle = await node.listen(where)
    things.listeners.add(listener.address.toString(), listener)
    defaults.set('tcp-listener.delete', listener.address.toString())
  }
}
