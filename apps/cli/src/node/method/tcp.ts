/** TCP listeners and connections of a node. */

import type { ConnectionHandle } from '@ockam/core'
import { MultiAddr } from '@ockam/core'
import * as z from 'zod'
import { formatSocketAddress, listenAddress, multiaddrOf, parseSocketAddress, socketAddressOf } from '../../address/socket-address.ts'
import { notFoundError } from '../../error.ts'
import type { Host } from '../host.ts'
import { type Method, method, named, nothing, text, timeoutMs } from './method.ts'

export interface ListenerInfo {
  readonly socket_address: string
  readonly multiaddr: string
}

export interface ConnectionInfo {
  /** Worker on this node that leads to the other side. */
  readonly address: string
  readonly to: string
  readonly remote: string
  readonly multiaddr: string
}

const listenerInfo = (address: MultiAddr): ListenerInfo => {
  const socket = socketAddressOf(address)
  return { socket_address: socket === undefined ? '' : formatSocketAddress(socket), multiaddr: address.toString() }
}

/** A listener is named by its socket address or its MultiAddr. */
function findListener(host: Host, name: string): readonly [string, { close(): Promise<void> }] & { readonly info: ListenerInfo } {
  for (const [key, handle] of host.things.listeners.entries()) {
    const info = listenerInfo(handle.address)
    if (name === info.socket_address || name === info.multiaddr) return Object.assign([key, handle] as const, { info })
  }
  throw notFoundError(`tcp-listener "${name}" not found on this node.`, 'See which there are: ockam tcp-listener list')
}

/** A connection is named by its worker or by where it leads. */
function findConnection(host: Host, name: string): readonly [string, ConnectionHandle, ConnectionInfo] {
  for (const [key, { handle, to }] of host.things.connections.entries()) {
    if (name === key || name === to || name === `/worker/${key}`) return [key, handle, connectionInfo(key, handle, to)]
  }
  throw notFoundError(`tcp-connection "${name}" not found on this node.`, 'See which there are: ockam tcp-connection list')
}

const connectionInfo = (key: string, handle: ConnectionHandle, to: string): ConnectionInfo => ({
  address: key,
  to,
  remote: handle.remote,
  multiaddr: `/worker/${key}`,
})

export const listTcpListeners = (host: Host): readonly ListenerInfo[] =>
  host.things.listeners.entries().map(([, handle]) => listenerInfo(handle.address))

export const listTcpConnections = (host: Host): readonly ConnectionInfo[] =>
  host.things.connections.entries().map(([key, { handle, to }]) => connectionInfo(key, handle, to))

export const tcpMethods: Readonly<Record<string, Method>> = {
  'tcp-listener.create': method(
    z.strictObject({ address: text }),
    async ({ address }, host) => {
      const handle = await host.node.listen(listenAddress(address))
      host.things.listeners.add(handle.address.toString(), handle)
      return listenerInfo(handle.address)
    },
    { kept: (_, info) => ({ key: info.multiaddr, parameters: { address: info.socket_address } }) },
  ),
  'tcp-listener.list': method(nothing, (_, host) => listTcpListeners(host)),
  'tcp-listener.show': method(named, ({ name }, host) => findListener(host, name).info),
  'tcp-listener.delete': method(
    named,
    async ({ name }, host) => {
      const found = findListener(host, name)
      await found[1].close()
      host.things.listeners.remove(found[0])
      return found.info
    },
    { forgotten: (info) => info.multiaddr },
  ),
  'tcp-connection.create': method(z.strictObject({ to: text, timeoutMs }), async (parameters, host, signal) => {
    const where = parameters.to.startsWith('/') ? MultiAddr.parse(parameters.to) : multiaddrOf(parseSocketAddress(parameters.to))
    const socket = socketAddressOf(where)
    const to = socket === undefined ? where.toString() : formatSocketAddress(socket)
    // A node that hops for others does so through the connections it was told to make; any other node lets nobody through.
    const isHopping = host.things.services.entries().some(([, { type }]) => type === 'hop')
    const handle = await host.node.connect(where, {
      from: isHopping ? 'anyone' : 'local',
      signal,
      ...(parameters.timeoutMs !== undefined && { timeoutMs: parameters.timeoutMs }),
    })
    const key = handle.address.name
    host.things.connections.add(key, { handle, to })
    handle.closed.then(
      () => host.things.connections.remove(key),
      () => undefined,
    )
    return connectionInfo(key, handle, to)
  }),
  'tcp-connection.list': method(nothing, (_, host) => listTcpConnections(host)),
  'tcp-connection.show': method(named, ({ name }, host) => findConnection(host, name)[2]),
  'tcp-connection.delete': method(named, async ({ name }, host) => {
    const [key, handle, info] = findConnection(host, name)
    await handle.close()
    host.things.connections.remove(key)
    return info
  }),
}
