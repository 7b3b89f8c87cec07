/** Sessions that live on pings: of ours against the echo of Rust nodes, and relays of both kinds that stay, or are registered again. */

import { type NodeRelay, trustEveryone, trustIdentifier } from '@ockam/node'
import { describe, expect, test } from 'vitest'
import { FrameProxy } from './fixture/frame-proxy.ts'
import { RustPeer } from './fixture/rust-peer.ts'
import { hex, multiAddr, ours, type RustNode, rust, rustListener, socketOf, utf8 } from './fixture/world.ts'

const PING = { intervalMs: 100, losses: 20 }
const BACKOFF = { initialMs: 50, maximumMs: 200 }
/** The raw CBOR integer of a ping, to `echo`, as it stands in a frame. */
const PING_FRAME = /^84818200446563686f81.*(?:41[01][0-9a-f]|4218[0-9a-f]{2}|4319[0-9a-f]{4}|451a[0-9a-f]{8}|491b[0-9a-f]{16})f6$/

/** A Rust node at a known place, as after a restart. */
async function rustAt(socket: string): Promise<RustNode> {
  const peer = await RustPeer.start()
  const { flowControlId } = await peer.ask('tcp.listen', { address: socket })
  return { peer, address: multiAddr(socket), socket, flow: flowControlId }
}

const echo = (node: RustNode, flow = node.flow) =>
  node.peer.ask('worker.start', { address: 'echo', kind: 'echo', consumerOf: [flow, node.flow] })

describe('a session of ours', () => {
  test('is up when the echo of a Rust node has answered over plain TCP, with pings that are raw CBOR integers', async () => {
    const target = await rust()
    await echo(target)
    const proxy = await FrameProxy.to(target.socket)
    const node = await ours()
    const session = node.openSession(proxy.address, { ping: PING })
    await session.whenUp()
    await expect.poll(() => proxy.messages('answered').length).toBeGreaterThan(3)
    for (const message of proxy.messages('sent')) expect(hex(message)).toMatch(PING_FRAME)
    expect(session.state).toBe('up')
  })

  test('pings through the channel, not beside it, and is up again after the Rust node was started anew', async () => {
    const first = await rustListener()
    const proxy = await FrameProxy.to(first.socket)
    const node = await ours()
    const identity = await node.createIdentity()
    const session = node.openSession(`${proxy.address}/secure/api`, {
      identity,
      trust: trustEveryone(),
      ping: PING,
      backoff: BACKOFF,
    })
    await session.whenUp()
    expect(await session.request('echo', utf8('first'))).toEqual(utf8('first'))
    for (const message of proxy.messages('sent')) expect(hex(message)).not.toMatch(PING_FRAME)

    const isDown = new Promise<unknown>((resolve) => session.on('down', resolve))
    await first.peer.stop()
    await isDown
    const second = await rustAt(first.socket)
    const { identifier } = await second.peer.ask('identity.create')
    const { flowControlId } = await second.peer.ask('channel.listen', { identifier, consumerOf: [second.flow] })
    await echo(second, flowControlId)
    await session.whenUp()
    expect(await session.request('echo', utf8('second'))).toEqual(utf8('second'))
  })

  test('goes through a Rust relay to a Rust node, and its pings are answered there', async () => {
    const relay = await rust()
    await relay.peer.ask('relay.serve', { consumerOf: [relay.flow] })
    const target = await rustListener()
    const { worker } = await target.peer.ask('tcp.connect', { to: relay.socket })
    const registered = await target.peer.ask('relay.create', { route: [worker], alias: 'far' })
    await target.peer.ask('flow.add_consumer', { address: 'api', consumerOf: [registered.flowControlId] })
    const node = await ours()
    const identity = await node.createIdentity()
    const session = node.openSession(`${relay.address}/service/forward_to_far/secure/api`, {
      identity,
      trust: trustIdentifier(target.identifier),
      ping: PING,
    })
    await session.whenUp()
    expect(await session.request('echo', utf8('far'))).toEqual(utf8('far'))
  })
})

describe('a relay', () => {
  /** A Rust relay with the echo that pings of registered nodes go to. */
  async function serve(node: RustNode): Promise<void> {
    await node.peer.ask('relay.serve', { consumerOf: [node.flow] })
    await echo(node)
  }

  /** Asks, from another Rust node, who is registered. */
  async function whoIs(relay: string, place: string): Promise<string> {
    const { peer } = await rust()
    const { worker } = await peer.ask('tcp.connect', { to: relay })
    return (await peer.ask('message.request', { route: [worker, place, 'who'], payload: '00' })).payload
  }

  test('at a Rust node stays registered while its echo answers, and is registered anew with the one that follows it', async () => {
    const first = await rust()
    await serve(first)
    const node = await ours()
    node.startWorker('who', (message, context) => context.send(message.returnRoute, utf8('we')), { from: 'anyone' })
    const relay: NodeRelay = await node.createRelay(first.address, { name: 'db', ping: PING, backoff: BACKOFF })
    expect(await whoIs(first.socket, 'forward_to_db')).toBe(hex(utf8('we')))

    const isDown = new Promise<unknown>((resolve) => relay.session?.on('down', resolve))
    await first.peer.stop()
    await isDown
    const second = await rustAt(first.socket)
    await serve(second)
    await relay.session?.whenUp()
    expect(await whoIs(second.socket, 'forward_to_db')).toBe(hex(utf8('we')))
  })

  test('of ours answers the pings of a registered Rust node, and gives it its name back after its connection was cut', async () => {
    const node = await ours()
    node.startRelayService()
    const { address } = await node.listen('/ip4/127.0.0.1/tcp/0')
    const proxy = await FrameProxy.to(socketOf(address))
    const { peer } = await rust()
    const register = async (to: string): Promise<void> => {
      const { worker } = await peer.ask('tcp.connect', { to })
      const { address: place, flowControlId } = await peer.ask('relay.create', { route: [worker], alias: 'rust' })
      expect(place).toBe('forward_to_rust')
      await peer.ask('flow.add_consumer', { address: 'who', consumerOf: [flowControlId] })
      const ping = await peer.ask('message.request', { route: [worker, 'echo'], payload: '1b0102030405060708' })
      expect(ping.payload).toBe('1b0102030405060708')
    }
    await peer.ask('worker.start', { address: 'who', kind: 'echo' })
    await register(proxy.socket)
    expect(await whoIs(socketOf(address), 'forward_to_rust')).toBe('00')
    proxy.close()
    await peer.event('connection-closed')
    await register(socketOf(address))
    expect(await whoIs(socketOf(address), 'forward_to_rust')).toBe('00')
  })
})
