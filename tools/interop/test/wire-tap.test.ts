/** What the Rust peer shows of its own connections: every message as it stands on the wire, while its tap is open, and the same bytes as a proxy sees. */

import { describe, expect, test } from 'vitest'
import { type Direction, FrameProxy, framed } from './fixture/frame-proxy.ts'
import type { Answer, RustPeer } from './fixture/rust-peer.ts'
import { hex, ours, rust, socketOf, utf8 } from './fixture/world.ts'

const VERSION = '01'
const PAYLOAD = utf8('over the wire')

const shown = (peer: RustPeer, direction: Answer['direction']): readonly string[] =>
  peer
    .untaken('wire')
    .filter((event) => event.direction === direction)
    .map(({ message }) => message)
const passed = (proxy: FrameProxy, direction: Direction): readonly string[] => [
  VERSION,
  ...proxy.messages(direction).map((message) => hex(framed(message))),
]

describe('the tap of a Rust peer', () => {
  test('shows what comes and goes over connections to its listeners', async () => {
    const { peer } = await rust()
    await peer.ask('wire.open')
    const { address, flowControlId } = await peer.ask('tcp.listen')
    await peer.ask('worker.start', { address: 'echo', kind: 'echo', consumerOf: [flowControlId] })
    const proxy = await FrameProxy.to(address)
    const node = await ours()
    const connection = await node.connect(proxy.address)
    expect((await node.request([connection.address, 'echo'], PAYLOAD)).payload).toEqual(PAYLOAD)
    await expect.poll(() => shown(peer, 'sent')).toEqual(passed(proxy, 'answered'))
    expect(shown(peer, 'received')).toEqual(passed(proxy, 'sent'))
    expect(shown(peer, 'sent')).toHaveLength(2)
  })

  test('shows what goes and comes over connections that it dials, each with its number and its other end', async () => {
    const node = await ours()
    const { address } = await node.listen('/ip4/127.0.0.1/tcp/0')
    const proxy = await FrameProxy.to(socketOf(address))
    const { peer } = await rust()
    await peer.ask('wire.open')
    for (const payload of ['aa', 'bb']) {
      const { worker } = await peer.ask('tcp.connect', { to: proxy.socket })
      expect((await peer.ask('message.request', { route: [worker, 'echo'], payload })).payload).toBe(payload)
    }
    const events = peer.untaken('wire')
    expect(new Set(events.map(({ peer: other }) => other))).toEqual(new Set([proxy.socket]))
    const [first, second] = [...new Set(events.map(({ connection }) => connection))]
    expect(second).not.toBe(first)
    const of = (connection: number | undefined, direction: Answer['direction']): readonly string[] =>
      events.filter((event) => event.connection === connection && event.direction === direction).map(({ message }) => message)
    const frames = (direction: Direction): readonly string[] => proxy.messages(direction).map((message) => hex(framed(message)))
    expect([of(first, 'sent'), of(second, 'sent')]).toEqual(frames('sent').map((frame) => [VERSION, frame]))
    expect([of(first, 'received'), of(second, 'received')]).toEqual(frames('answered').map((frame) => [VERSION, frame]))
  })

  test('lets messages of every size through, and shows each once', async () => {
    const { peer } = await rust()
    await peer.ask('wire.open')
    const { address, flowControlId } = await peer.ask('tcp.listen')
    await peer.ask('worker.start', { address: 'echo', kind: 'echo', consumerOf: [flowControlId] })
    const node = await ours()
    const [host, port] = address.split(':')
    const connection = await node.connect(`/ip4/${host}/tcp/${port}`)
    const sizes = [0, 1, 65_536, 3_000_000]
    for (const size of sizes) {
      const body = Buffer.alloc(size, 7)
      const { payload } = await node.request([connection.address, 'echo'], body)
      expect(body.equals(payload)).toBe(true)
    }
    await expect.poll(() => shown(peer, 'sent').length).toBe(1 + sizes.length)
    for (const direction of ['received', 'sent'] as const) {
      const [version, ...messages] = shown(peer, direction)
      expect(version).toBe(VERSION)
      expect(messages.map((message) => message.length / 2 - 4)).toEqual(messages.map((message) => Number.parseInt(message.slice(0, 8), 16)))
      expect(messages).toHaveLength(sizes.length)
    }
  })

  test('shows nothing of what is made while it is closed', async () => {
    const { peer, address, flow } = await rust()
    await peer.ask('worker.start', { address: 'echo', kind: 'echo', consumerOf: [flow] })
    await peer.ask('wire.open')
    await peer.ask('wire.close')
    const node = await ours()
    const connection = await node.connect(address)
    expect((await node.request([connection.address, 'echo'], PAYLOAD)).payload).toEqual(PAYLOAD)
    const { worker } = await peer.ask('tcp.connect', { to: socketOf(address) })
    await peer.ask('message.request', { route: [worker, 'echo'], payload: '00' })
    expect(peer.untaken('wire')).toEqual([])
  })

  test('goes away with its listener', async () => {
    const { peer } = await rust()
    await peer.ask('wire.open')
    const { address, worker } = await peer.ask('tcp.listen')
    await peer.ask('tcp.stop_listener', { worker })
    await peer.ask('wire.close')
    expect((await peer.ask('tcp.listen', { address })).address).toBe(address)
  })
})
