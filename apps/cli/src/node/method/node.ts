/** What a node says about itself. */

import type { Host } from '../host.ts'
import { type Method, method, nothing } from './method.ts'
import { type InletInfo, listInlets, listOutlets, type OutletInfo } from './portal.ts'
import { type RelayInfo, listRelays } from './relay.ts'
import { type ChannelInfo, type ChannelListenerInfo, listChannelListeners, listChannels } from './secure-channel.ts'
import { type ServiceInfo, listServices } from './service.ts'
import { type ConnectionInfo, type ListenerInfo, listTcpConnections, listTcpListeners } from './tcp.ts'

export interface NodeInfo {
  readonly name: string
  readonly pid: number
  readonly started_at: string
  readonly identity: { readonly name: string | undefined; readonly identifier: string }
  readonly status_endpoint_address: string | null
  readonly listeners: readonly ListenerInfo[]
  readonly connections: readonly ConnectionInfo[]
  readonly secure_channel_listeners: readonly ChannelListenerInfo[]
  readonly secure_channels: readonly ChannelInfo[]
  readonly services: readonly ServiceInfo[]
  readonly relays: readonly RelayInfo[]
  readonly inlets: readonly InletInfo[]
  readonly outlets: readonly OutletInfo[]
  readonly messages: { readonly delivered: number; readonly dropped: Readonly<Record<string, number>> }
}

export const nodeInfo = (host: Host): NodeInfo => {
  const { delivered, dropped } = host.node.router.statistics()
  return {
    name: host.name,
    pid: process.pid,
    started_at: new Date(host.startedAtMs).toISOString(),
    identity: { name: host.identity.name, identifier: host.identity.identifier.toString() },
    status_endpoint_address: host.statusEndpoint ?? null,
    listeners: listTcpListeners(host),
    connections: listTcpConnections(host),
    secure_channel_listeners: listChannelListeners(host),
    secure_channels: listChannels(host),
    services: listServices(host),
    relays: listRelays(host),
    inlets: listInlets(host),
    outlets: listOutlets(host),
    messages: { delivered, dropped },
  }
}

export const nodeMethods: Readonly<Record<string, Method>> = {
  'node.show': method(nothing, (_, host) => nodeInfo(host)),
}
