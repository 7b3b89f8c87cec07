/**
 * Floods of begun handshakes over real sockets, and who is still let in (security rule 9): an honest client from another network address, one behind
 * the same address, one behind the same relay. Their answers are held back while the flood runs, so that they would lose their place if anything
 * could take it.
 */

import { createSocket } from 'node:dgram'
import { Route } from '@ockam/core'
import { createNode, type OckamNode, trustEveryone } from '@ockam/node'
import type { ChannelListener } from '@ockam/secure-channel'
import { tcp } from '@ockam/transport-tcp'
import { afterEach, expect, test } from 'vitest'
import { until } from './fixture/child.ts'
import { HoldingProxy } from './fixture/holding-proxy.ts'

const nodes: OckamNode[] = []
const proxies: HoldingProxy[] = []

afterEach(async () => {
  for (const proxy of proxies.splice(0)) proxy.close()
  for (const node of nodes.splice(0)) await node.close()
})

async function newNode(): Promise<OckamNode> {
  const node = await createNode({ transports: [tcp()] })
  nodes.push(node)
  return node
}

async function server(limits: { readonly maxHandshakes: number; readonly maxHandshakesPerSource: number }) {
  const node = await newNode()
  const identity = await node.createIdentity()
  const listener = await node.listenSecureChannels('api', { identity, trust: trustEveryone(), ...limits })
  const { address } = await node.listen('/ip4/127.0.0.1/tcp/0')
  return { node, listener, address: address.toString() }
}

async function proxyTo(target: string, localAddress: string): Promise<HoldingProxy> {
  const proxy = await HoldingProxy.to(target, localAddress)
  proxies.push(proxy)
  return proxy
}

/** Whether this machine answers at 127.0.0.2 as well, as Linux and Windows do and macOS does not by itself. */
async function hasSecondLoopback(): Promise<boolean> {
  const socket = createSocket('udp4')
  return new Promise((resolve) => {
    socket.once('error', () => resolve(false))
    socket.bind(0, '127.0.0.2', () => socket.close(() => resolve(true)))
  })
}

/** A first message anybody can make. */
const firstMessage = (): Uint8Array => crypto.getRandomValues(new Uint8Array(32))

/** Begins handshakes at `way` and goes on with none. */
async function beginHandshakes(attacker: OckamNode, way: Route, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    await attacker.router.context.dispatch({ onwardRoute: way, returnRoute: Route.of(`r${i}`), payload: firstMessage() })
    if (i % 8 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
}

/** Begins honest handshakes over one connection to `proxy`, and holds their answers back until `finish` is called. */
async function beginHonest(proxy: HoldingProxy, listener: ChannelListener, count: number, relay: readonly string[] = []) {
  const client = await newNode()
  const identity = await client.createIdentity()
  const connection = await client.connect(proxy.address)
  // The connection is up in both directions before anything is held back.
  await client.request([connection.address, 'echo'], new Uint8Array(1))
  proxy.hold()
  const answers = Promise.all(
    Array.from({ length: count }, async () => {
      const channel = await client.openSecureChannel([connection.address, ...relay, 'api'], { identity, trust: trustEveryone() })
      const [answer] = await channel.request('echo', Uint8Array.of(7))
      return answer
    }),
  )
  await until(
    () => listener.statistics().halfOpen,
    (halfOpen) => halfOpen === count,
    'the honest handshakes have begun',
  )
  return {
    finish: () => {
      proxy.release()
      return answers
    },
  }
}

const LIMITS = { maxHandshakes: 64, maxHandshakesPerSource: 32 }

test.skipIf(!(await hasSecondLoopback()))(
  'rule 9: a hundred connections from one network address displace each other, and no handshake from another address',
  async () => {
    // As many in all as of one network: only its sum tells the flood, of which no connection has more than one handshake.
    const { listener, address } = await server({ ...LIMITS, maxHandshakes: 32 })
    const honest = await beginHonest(await proxyTo(address, '127.0.0.2'), listener, 4)
    const attacker = await newNode()
    for (let i = 0; i < 100; i++) await beginHandshakes(attacker, Route.of((await attacker.connect(address)).address, 'api'), 1)
    await until(
      () => listener.statistics().evicted,
      (evicted) => evicted === 100 + 4 - 32,
      'the flood has displaced what it can',
    )
    expect(await honest.finish()).toEqual([7, 7, 7, 7])
  },
)

test('rule 9: a flood over one connection leaves alone whoever is behind the same network address with a connection of his own', async () => {
  const { listener, address } = await server(LIMITS)
  const honest = await beginHonest(await proxyTo(address, '127.0.0.1'), listener, 4)
  const attacker = await newNode()
  await beginHandshakes(attacker, Route.of((await attacker.connect(address)).address, 'api'), 500)
  await until(
    () => listener.statistics().evicted,
    (evicted) => evicted === 500 + 4 - 32,
    'the flood has displaced what it can',
  )
  expect(await honest.finish()).toEqual([7, 7, 7, 7])
})

test('rule 9: whoever is behind a relay is let in during a flood beside the relay, and during one through it', async () => {
  const relay = await newNode()
  relay.startRelayService()
  const { address: relayAddress } = await relay.listen('/ip4/127.0.0.1/tcp/0')
  const { node, listener, address } = await server({ maxHandshakes: 512, maxHandshakesPerSource: 256 })
  await node.createRelay(relayAddress.toString(), { name: 'service' })
  const attacker = await newNode()

  // Relay and attacker have the same network address: the attacker's own connection is the heavier one.
  const honest = await beginHonest(await proxyTo(relayAddress.toString(), '127.0.0.1'), listener, 4, ['forward_to_service'])
  await beginHandshakes(attacker, Route.of((await attacker.connect(address)).address, 'api'), 1000)
  await until(
    () => listener.statistics().evicted,
    (evicted) => evicted === 1000 + 4 - 256,
    'the flood has displaced what it can',
  )
  expect(await honest.finish()).toEqual([7, 7, 7, 7])

  // Through the relay all share one connection: an honest handshake has to be faster than the flood is long.
  const way = Route.of((await attacker.connect(relayAddress)).address, 'forward_to_service', 'api')
  const client = await newNode()
  const { address: toRelay } = await client.connect(relayAddress)
  const identity = await client.createIdentity()
  const flood = beginHandshakes(attacker, way, 2000)
  const channel = await client.openSecureChannel([toRelay, 'forward_to_service', 'api'], { identity, trust: trustEveryone() })
  expect(await channel.request('echo', Uint8Array.of(7))).toEqual(Uint8Array.of(7))
  await flood
})
