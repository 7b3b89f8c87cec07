/**
 * How connections through portals begin and end between both kinds of nodes. A Rust end knows no half-close: when one program has sent all it had, both
 * directions end, and what was sent until then arrives whole.
 */

import { once } from 'node:events'
import type { Socket } from 'node:net'
import type { Route } from '@ockam/core'
import { trustIdentifier } from '@ockam/node'
import { createTcpInlet, createTcpOutlet } from '@ockam/portals'
import { describe, expect, test } from 'vitest'
import { type Direction, FrameProxy } from './fixture/frame-proxy.ts'
import { ourInlet, ourOutlet, PORTALS } from './fixture/portal-world.ts'
import { closedPort, dial, drain, isOver, pour, readAll, startTarget } from './fixture/tcp-program.ts'
import { hex, ours, rust, rustListener, socketOf, unhex, utf8 } from './fixture/world.ts'

const LENGTH = 3 * 1024 * 1024

describe.each(PORTALS)('%s', (_name, open) => {
  test('bring the target all that a client sent before it ended its side, and then the end; an answer after that is lost', async () => {
    const received: Promise<Buffer>[] = []
    const target = await startTarget((socket) => {
      received.push(readAll(socket))
      socket.once('end', () => socket.end('late'))
    })
    const { port } = await open(target, 'channel')
    const socket = await dial(port)
    const sent = await pour(socket, LENGTH, 1)
    let answered = 0
    socket.on('data', (chunk: Buffer) => (answered += chunk.length))
    socket.end()
    await isOver(socket)
    expect(answered).toBe(0)
    await expect.poll(() => received.length).toBe(1)
    const bytes = (await received[0]) as Buffer
    expect(bytes).toHaveLength(LENGTH)
    expect(await sha256(bytes)).toBe(sent)
  })

  test('bring the client all that the target sent before it ended its side, and then the end', async () => {
    let sent: Promise<string> | undefined
    const target = await startTarget((socket) => {
      sent = pour(socket, LENGTH, 2)
      sent.then(
        () => socket.end(),
        () => undefined,
      )
    })
    const { port } = await open(target, 'channel')
    const bytes = await readAll(await dial(port))
    expect(bytes).toHaveLength(LENGTH)
    expect(await sha256(bytes)).toBe(await sent)
  })

  test('end at the other side when a program cuts its connection', async () => {
    const targets: Socket[] = []
    const target = await startTarget((socket) => void targets.push(socket.resume()))
    const { port } = await open(target, 'channel')
    const first = await dial(port)
    first.write('x')
    await expect.poll(() => targets.length).toBe(1)
    first.destroy()
    await isOver(targets[0] as Socket)
    const second = await dial(port)
    second.write('x')
    await expect.poll(() => targets.length).toBe(2)
    targets[1]?.destroy()
    await isOver(second)
  })

  test('end when the inlet or outlet of ours is closed', async () => {
    const targets: Socket[] = []
    const target = await startTarget((socket) => void targets.push(socket.resume()))
    const { port, own } = await open(target, 'channel')
    const socket = await dial(port)
    socket.write('x')
    await expect.poll(() => targets.length).toBe(1)
    const over = Promise.all([isOver(socket), isOver(targets[0] as Socket)])
    await own.close()
    await over
  })
})

async function sha256(bytes: Uint8Array): Promise<string> {
  return hex(new Uint8Array(await crypto.subtle.digest('SHA-256', Uint8Array.from(bytes))))
}

describe('a target that nobody serves', () => {
  test('behind a Rust outlet: it says nothing, and our inlet cuts the client when its time is up', async () => {
    const { port, own } = await ourInlet(await closedPort(), 'channel', { openTimeoutMs: 5000 })
    await isOver(await dial(port))
    expect(own.statistics()).toMatchObject({ connections: 0, opened: 0, refused: { 'no-answer': 1 } })
  })

  test('behind our outlet: we say Disconnect, a Rust inlet reads over it before the Pong, and serves the next client', async () => {
    let isServed = false
    const target = await startTarget((socket) => (isServed ? socket.end('served') : socket.destroy()))
    const { port, peer, node, own } = await ourOutlet(target, 'channel')
    await own.close()
    const { identifier } = await peer.ask('channel.list').then(({ channels }) => channels[0] as { identifier: string })
    const unreachable = await createTcpOutlet(node, 'outlet', { to: await closedPort(), allow: [identifier] })
    const waiting = await dial(port)
    let hasEnded = false
    waiting.once('close', () => (hasEnded = true)).resume()
    await expect.poll(() => unreachable.statistics().refused).toEqual({ 'target-unreachable': 1 })
    await unreachable.close()
    isServed = true
    await createTcpOutlet(node, 'outlet', { to: target, allow: [identifier] })
    expect(String(await readAll(await dial(port)))).toBe('served')
    expect(hasEnded).toBe(false)
  })

  test('because nobody may use it: a Rust inlet gets no word from our outlet', async () => {
    const stranger = `I${'0'.repeat(63)}1`
    const target = await startTarget((socket) => socket.end('never'))
    const { port, peer, node, own } = await ourOutlet(target, 'channel')
    await own.close()
    const refusing = await createTcpOutlet(node, 'outlet', { to: target, allow: [stranger] })
    const refused = await dial(port)
    let received = 0
    refused.on('data', (chunk: Buffer) => (received += chunk.length))
    const { channels } = await peer.ask('channel.list')
    const pinged = peer.ask('message.request', { route: [channels[0]?.encryptor ?? '', 'outlet'], payload: '00', timeoutMs: 1000 })
    await expect(pinged).rejects.toThrow('timeout')
    expect(received).toBe(0)
    expect(refusing.statistics()).toMatchObject({ opened: 0, connections: 0 })
  })
})

describe('the messages of a portal', () => {
  /** A mailbox of ours in place of an inlet, at a Rust outlet whose target notes what it gets. */
  async function atRustOutlet() {
    const targets: Socket[] = []
    const target = await startTarget((socket) => void targets.push(socket))
    const { peer, address, flow } = await rust()
    await peer.ask('portal.outlet', { address: 'outlet', to: `127.0.0.1:${target}`, consumerOf: [flow] })
    const node = await ours()
    const connection = await node.connect(address)
    const mailbox = node.router.createMailbox('inlet', { from: 'anyone' })
    const ping = async (...outlet: readonly string[]): Promise<Route> => {
      await mailbox.send([connection.address, ...outlet], unhex('00'))
      const pong = await mailbox.receive()
      expect(hex(pong.payload)).toBe('01')
      await expect.poll(() => targets.length).toBe(1)
      return pong.returnRoute
    }
    return { mailbox, ping, targets }
  }

  test('at a Rust outlet: Ping, Pong, Payloads with and without counters, Disconnect', async () => {
    const { mailbox, ping, targets } = await atRustOutlet()
    const worker = await ping('outlet')
    const target = targets[0] as Socket
    const data = drain(target, 10).then(String, String)
    // Without a counter, with the mark that there is none, with the first two counters, and with one that leaves out number 2.
    for (const payload of ['03026162', '0302636400', '03026566010000', '03026768010100', '0302696a010300'])
      await mailbox.send(worker, unhex(payload))
    const answer = await mailbox.receive()
    expect(hex(answer.payload)).toBe('02')
    expect(await data).toContain('with 2 of 10 bytes missing')
  })

  test('at a Rust outlet: what its target says comes as Payload without a counter, its end as Disconnect', async () => {
    const { mailbox, ping, targets } = await atRustOutlet()
    await ping('outlet')
    targets[0]?.write('hello')
    expect(hex((await mailbox.receive()).payload)).toBe('030568656c6c6f')
    targets[0]?.end()
    expect(hex((await mailbox.receive()).payload)).toBe('02')
  })

  test('a Ping to an outlet that is named twice is answered by both kinds', async () => {
    const { ping } = await atRustOutlet()
    await ping('outlet', 'outlet')
    const target = await startTarget((socket) => void socket.resume())
    const node = await ours()
    await createTcpOutlet(node, 'outlet', { to: target, allowAnyone: true, from: 'anyone' })
    const { address } = await node.listen('/ip4/127.0.0.1/tcp/0')
    const { peer } = await rust()
    const { worker } = await peer.ask('tcp.connect', { to: socketOf(address) })
    const pong = await peer.ask('message.request', { route: [worker, 'outlet', 'outlet'], payload: '00' })
    expect(pong.payload).toBe('01')
  })

  test('between a Rust inlet and our outlet are Ping, Pong, Payloads without counters and Disconnect, and nothing else', async () => {
    const target = await startTarget((socket) => void socket.on('data', (chunk) => socket.write(chunk)))
    const node = await ours()
    await createTcpOutlet(node, 'outlet', { to: target, allowAnyone: true, from: 'anyone' })
    const { address } = await node.listen('/ip4/127.0.0.1/tcp/0')
    const proxy = await FrameProxy.to(socketOf(address))
    const { peer } = await rust()
    const { worker } = await peer.ask('tcp.connect', { to: proxy.socket })
    const inlet = await peer.ask('portal.inlet', { route: [worker, 'outlet'] })
    const socket = await dial(Number(inlet.address.split(':')[1]))
    socket.write('once')
    expect(String((await once(socket, 'data'))[0])).toBe('once')
    socket.end()
    const bodies = (direction: Direction): readonly string[] =>
      proxy.messages(direction).map((message) => /8182005820[0-9a-f]{64}(4.*?)(?:f6|627b7d)$/.exec(hex(message))?.[1] ?? hex(message))
    await expect.poll(() => bodies('sent')).toEqual(['4100', '4603046f6e6365', '4102'])
    expect(bodies('answered')).toEqual(['4101', '4603046f6e6365'])
  })

  test('a Rust inlet that skips the handshake is not understood by our outlet: its Payloads go to the outlet and are dropped', async () => {
    let atTarget = 0
    const target = await startTarget((socket) => void socket.on('data', (chunk: Buffer) => (atTarget += chunk.length)))
    const { port, own } = await ourOutlet(target, 'channel', { skipHandshake: true })
    const socket = await dial(port)
    socket.write('early')
    await expect.poll(() => own.statistics().dropped).not.toEqual({})
    expect(atTarget).toBe(0)
  })
})

describe('who may use a portal', () => {
  test('our inlet refuses a Rust outlet behind another identity than the trusted one', async () => {
    const target = await startTarget((socket) => socket.end('never'))
    const { peer, address, channels } = await rustListener()
    await peer.ask('portal.outlet', { address: 'outlet', to: `127.0.0.1:${target}`, consumerOf: [channels] })
    const node = await ours()
    const identity = await node.createIdentity()
    const trust = trustIdentifier(`I${'0'.repeat(63)}1`)
    const opening = createTcpInlet(node, { listen: 0, to: `${address}/secure/api/service/outlet`, identity, trust, openTimeoutMs: 20_000 })
    await expect(opening).rejects.toMatchObject({ code: 'secure-channel/untrusted-peer' })
  })

  test('a Rust outlet that is offered to channels only answers nobody over plain TCP', async () => {
    const target = await startTarget((socket) => socket.end('never'))
    const { peer, address, channels } = await rustListener()
    await peer.ask('portal.outlet', { address: 'outlet', to: `127.0.0.1:${target}`, consumerOf: [channels] })
    const node = await ours()
    const connection = await node.connect(address)
    const asked = node.request([connection.address, 'outlet'], utf8('\0'), { timeoutMs: 1000 })
    await expect(asked).rejects.toMatchObject({ code: 'routing/timeout' })
  })
})

test('two ends of ours keep half-close through a Rust relay: an answer after the end arrives', async () => {
  const target = await startTarget((socket) => void readAll(socket).then((asked) => socket.end(`${asked.length} bytes`), String))
  const relay = await rust()
  await relay.peer.ask('relay.serve', { consumerOf: [relay.flow] })
  const [service, device] = [await ours(), await ours()]
  const [own, peer] = [await service.createIdentity(), await device.createIdentity()]
  await service.listenSecureChannels('api', { identity: own, trust: trustIdentifier(peer.identifier) })
  await createTcpOutlet(service, 'outlet', { to: target, allow: [peer.identifier] })
  await service.createRelay(relay.address, { name: 'service' })
  const to = `${relay.address}/service/forward_to_service/secure/api/service/outlet`
  const inlet = await createTcpInlet(device, { listen: 0, to, identity: peer, trust: trustIdentifier(own.identifier) })
  const socket = await dial(inlet.port as number)
  const answer = readAll(socket)
  await pour(socket, LENGTH, 1)
  socket.end()
  expect(String(await answer)).toBe(`${LENGTH} bytes`)
})
