/** Who may use a portal, and what those cannot do who may not, or who may use it for something else (security rule 11: a session belongs to its peer). */

import type { Socket } from 'node:net'
import { type LocalMessage, Route, systemClock } from '@ockam/core'
import { trustEveryone, trustIdentifiers } from '@ockam/node'
import { afterEach, describe, expect, test } from 'vitest'
import { createTcpInlet, createTcpOutlet } from '../src/index.ts'
import { RawPeer } from './fixture/raw-peer.ts'
import { connectTo, cutOf, endSockets, readBytes, startEchoServer, startServer, until } from './fixture/socket.ts'
import { inletOf, portalTo, type Side, World } from './fixture/world.ts'

const world = { current: new World() }
afterEach(async () => {
  endSockets()
  await world.current.close()
  world.current = new World()
})

describe('an outlet', () => {
  test('does not start without a rule about who may use it', async () => {
    const { node } = await world.current.side()
    await expect(createTcpOutlet(node, 'outlet', { to: 5432 })).rejects.toMatchObject({ code: 'portals/no-rule' })
    await expect(createTcpOutlet(node, 'outlet', { to: 5432, from: 'anyone' })).rejects.toMatchObject({ code: 'portals/no-rule' })
    await expect(createTcpOutlet(node, 'outlet', { to: 5432, allow: [], allowAnyone: true })).rejects.toMatchObject({
      code: 'portals/invalid-argument',
    })
  })

  test('takes identifiers, a trust policy, or an access control, and refuses everybody else with silence', async () => {
    const to = await startEchoServer()
    const server = await world.current.server()
    const friend = await world.current.side()
    const stranger = await world.current.side()
    const rules = {
      'by-list': [friend.identifier.toString()],
      'by-policy': trustIdentifiers([friend.identifier]),
      'by-control': {
        description: 'the friend',
        isAllowed: async (message: LocalMessage) => String(message.localInfo.length) === '1' && isFrom(friend, message),
      },
    }
    for (const [name, allow] of Object.entries(rules)) {
      const outlet = await createTcpOutlet(server.node, name, { to, allow })
      await (await RawPeer.open(friend)).connect(name)
      const peer = await RawPeer.open(stranger)
      await peer.send(name, '00')
      await expect(peer.receive(100)).rejects.toMatchObject({ code: 'routing/timeout' })
      expect(outlet.statistics()).toMatchObject({ connections: 1, opened: 1 })
    }
  })

  test('a rule that fails refuses', async () => {
    const server = await world.current.server()
    const outlet = await createTcpOutlet(server.node, 'outlet', {
      to: await startEchoServer(),
      allow: { description: 'broken', isAllowed: () => Promise.reject(new Error('no database')) },
    })
    const peer = await RawPeer.open(await world.current.side())
    await peer.send('outlet', '00')
    await expect(peer.receive(100)).rejects.toMatchObject({ code: 'routing/timeout' })
    expect(outlet.statistics().connections).toBe(0)
  })

  test('is not reached without a channel, unless it says so; a rule about identities never admits who has none', async () => {
    const to = await startEchoServer()
    const server = await world.current.server()
    const client = await world.current.side()
    await createTcpOutlet(server.node, 'by-channel', { to, allowAnyone: true })
    await createTcpOutlet(server.node, 'with-rule', { to, allow: trustEveryone(), from: 'anyone' })
    await createTcpOutlet(server.node, 'open', { to, allowAnyone: true, from: 'anyone' })
    const connection = await client.node.connect('/memory/server')
    const ask = (outlet: string): Promise<LocalMessage> =>
      client.node.request([connection.address, outlet], Uint8Array.of(0), { timeoutMs: outlet === 'open' ? 10_000 : 100 })
    await expect(ask('by-channel')).rejects.toMatchObject({ code: 'routing/timeout' })
    await expect(ask('with-rule')).rejects.toMatchObject({ code: 'routing/timeout' })
    expect((await ask('open')).payload).toEqual(Uint8Array.of(1))
  })
})

describe('an inlet', () => {
  test('accepts only the outlet that its rule names, tells the other one, and cuts the client off', async () => {
    const { inlet, server, client, outlet } = await portalTo(world.current, await startEchoServer(), { inlet: { allow: [] } })
    const socket = await connectTo(inlet.port)
    expect(await cutOf(socket)).toBe('ECONNRESET')
    expect(inlet.statistics()).toMatchObject({ connections: 0, refused: { 'not-allowed': 1 } })
    await until(() => outlet.statistics().connections === 0, 'the outlet was told')
    const second = await inletOf(client, { allow: { description: 'slow', isAllowed: async (message) => isFrom(server, message) } })
    const accepted = await connectTo(second.port)
    accepted.write('x')
    expect(String(await readBytes(accepted, 1))).toBe('x')
  })

  test('needs identity and trust for each secure hop, and dials nothing without', async () => {
    const { node } = await world.current.side()
    const to = '/memory/nobody/secure/api/service/outlet'
    await expect(createTcpInlet(node, { listen: 0, to })).rejects.toMatchObject({ code: 'secure-channel/trust-missing' })
  })
})

describe('a second peer that is as welcome, and knows the addresses of a connection', () => {
  test('cannot inject into it, end it, or give credit to it, at the outlet', async () => {
    const heard: string[] = []
    const to = await startServer((socket) => void socket.on('data', (bytes) => heard.push(String(bytes))))
    const server = await world.current.server()
    const [alice, mallory] = [await world.current.side(), await world.current.side()]
    const outlet = await createTcpOutlet(server.node, 'outlet', { to, allow: [alice.identifier, mallory.identifier] })
    const own = await RawPeer.open(alice)
    const way = await own.connect()
    const thief = await RawPeer.open(mallory)
    await thief.connect()
    const stolen = thief.channel.routeTo(Route.of(way.recipient!))
    const before = server.node.router.statistics().dropped['not-reachable'] ?? 0
    for (const hex of ['030565 76696c21', '02', '05', '04ff7f', '00', '01']) await thief.send(stolen, hex)
    await until(() => (server.node.router.statistics().dropped['not-reachable'] ?? 0) === before + 6, 'all were dropped')
    await own.send(way, '03046d696e65')
    await until(() => heard.length > 0, 'the honest bytes arrived')
    expect(heard).toEqual(['mine'])
    expect(outlet.statistics().connections).toBe(2)
  })

  test('cannot even when flow control would let it through: identity and flow are compared once more', async () => {
    const heard: string[] = []
    const to = await startServer((socket) => void socket.on('data', (bytes) => heard.push(String(bytes))))
    const server = await world.current.server()
    const [alice, mallory] = [await world.current.side(), await world.current.side()]
    const outlet = await createTcpOutlet(server.node, 'outlet', { to, allow: [alice.identifier, mallory.identifier] })
    const own = await RawPeer.open(alice)
    const way = await own.connect()
    const thief = await RawPeer.open(mallory)
    const second = await RawPeer.open(alice)
    // As if somebody had made the worker reachable for every channel of the listener.
    const listener = await server.node.listenSecureChannels('other', { identity: server.identifier, trust: trustEveryone() })
    const third = await RawPeer.open(mallory, undefined, '/memory/server/secure/other')
    server.node.router.flowControls.addConsumer(way.recipient!, listener.flowControlId)
    for (const hex of ['030565 76696c21', '02']) {
      await thief.send(thief.channel.routeTo(Route.of(way.recipient!)), hex)
      await second.send(second.channel.routeTo(Route.of(way.recipient!)), hex)
      await third.send(third.channel.routeTo(Route.of(way.recipient!)), hex)
    }
    await until(() => outlet.statistics().dropped['not-the-peer'] === 2, 'those that came through were dropped')
    // The node's own workers are not the peer either.
    server.node.send(way.recipient!, Uint8Array.of(2))?.catch(() => undefined)
    await until(() => outlet.statistics().dropped['not-the-peer'] === 3, 'the local one too')
    await own.send(way, '03046d696e65')
    await until(() => heard.length > 0, 'the honest bytes arrived')
    expect(heard).toEqual(['mine'])
  })

  test('cannot end it as if it had been her own on a channel that is gone', async () => {
    const to = await startEchoServer()
    const server = await world.current.server()
    const [alice, mallory] = [await world.current.side(), await world.current.side()]
    const open = { to, allowAnyone: true, from: 'anyone' } as const
    const outlets = [
      await createTcpOutlet(server.node, 'outlet', { to, allow: [alice.identifier, mallory.identifier] }),
      await createTcpOutlet(server.node, 'open', open),
    ]
    const own = await RawPeer.open(alice)
    const ways = [await own.connect('outlet'), await own.connect('open')]
    const thief = await RawPeer.open(mallory)
    await thief.connect('outlet')
    await thief.connect('open')
    const plain = await alice.node.connect('/memory/server')
    // A client of the server's own node, which has no identity there either.
    const local = server.node.router.createMailbox(undefined, { from: 'local' })
    const pong = await local.request('open', Uint8Array.of(0), { timeoutMs: 10_000 })
    ways.push(pong.returnRoute)
    const second = await RawPeer.open(alice)
    for (const [index, name] of ['outlet', 'open', 'open'].entries()) {
      const worker = ways[index]!.recipient!
      await thief.send(thief.channel.routeTo([name, worker]), '02')
      // Herself, but to somebody behind it.
      await second.send(second.channel.routeTo([name, worker, worker]), '02')
      // Herself, but nobody can tell.
      alice.node.send([plain.address, name, worker], Uint8Array.of(2))?.catch(() => undefined)
      server.node.send([name, worker], Uint8Array.of(2))?.catch(() => undefined)
    }
    await until(() => outlets[0]!.statistics().dropped.unexpected === 2, 'those that reached it were dropped')
    await until(() => outlets[1]!.statistics().dropped.unexpected === 8, 'all of them, where anyone may come')
    expect(outlets.map((outlet) => outlet.statistics().connections)).toEqual([2, 3])
  })

  test('cannot answer for the outlet, or inject, at the inlet', async () => {
    const { client, inlet } = await portalTo(world.current, await startEchoServer())
    const socket = await connectTo(inlet.port)
    socket.write('x')
    await readBytes(socket, 1)
    const address = client.node.router.addresses().find(({ name }) => name.startsWith('portal1_'))
    expect(address).toBeDefined()
    // The inlet's node listens too, and trusts the thief.
    await client.node.listen('/memory/client')
    await client.node.listenSecureChannels('api', { identity: client.identifier, trust: trustEveryone() })
    const thief = await RawPeer.open(await world.current.side(), undefined, '/memory/client/secure/api')
    const before = client.node.router.statistics().dropped['not-reachable'] ?? 0
    for (const hex of ['01', '030565 76696c21', '02']) await thief.send(thief.channel.routeTo(Route.of(address!)), hex)
    await until(() => (client.node.router.statistics().dropped['not-reachable'] ?? 0) === before + 3, 'all were dropped')
    socket.write('y')
    expect(String(await readBytes(socket, 1))).toBe('y')
  })
})

describe('limits', () => {
  test('an outlet refuses connections over its own limit and over the limit of a peer, with Disconnect to those it knows', async () => {
    const to = await startEchoServer()
    const server = await world.current.server()
    const [alice, bob] = [await world.current.side(), await world.current.side()]
    const outlet = await createTcpOutlet(server.node, 'outlet', {
      to,
      allow: [alice.identifier, bob.identifier],
      maxConnections: 3,
      maxConnectionsPerPeer: 2,
    })
    const first = await RawPeer.open(alice)
    const way = await first.connect()
    await first.connect()
    // Another channel of the same identity counts with it.
    await expect((await RawPeer.open(alice)).connect()).rejects.toThrow('got 02')
    const other = await RawPeer.open(bob)
    await other.connect()
    await expect(other.connect()).rejects.toThrow('got 02')
    expect(outlet.statistics()).toMatchObject({ connections: 3, refused: { 'too-many-of-peer': 1, 'too-many-connections': 1 } })
    await first.send(way, '02')
    await until(() => outlet.statistics().connections + outlet.statistics().lingering === 2, 'one has ended, and its target is closed')
    await first.connect()
  })

  test('a connection that has ended counts until its socket is closed too, so that ended ones cannot pile up', async () => {
    const server = await world.current.server()
    const alice = await world.current.side()
    const served: Socket[] = []
    const to = await startServer((socket) => void served.push(socket.resume()))
    const outlet = await createTcpOutlet(server.node, 'outlet', {
      to,
      allow: [alice.identifier],
      maxConnectionsPerPeer: 2,
      maxConnections: 3,
    })
    const peer = await RawPeer.open(alice)
    for (let i = 0; i < 2; i++) await peer.send(await peer.connect(), '02')
    await until(() => outlet.statistics().connections === 0, 'both have ended')
    // The target does not close its side.
    await expect(peer.connect()).rejects.toThrow('got 02')
    expect(outlet.statistics()).toMatchObject({ connections: 0, lingering: 2, refused: { 'too-many-of-peer': 1 } })
    served[0]?.destroy()
    await until(() => outlet.statistics().lingering === 1, 'one is closed')
    await peer.connect()
    await outlet.close()
    expect(outlet.statistics()).toMatchObject({ connections: 0, lingering: 0 })
  })

  test('at its limit, a peer of another make gets a new connection for the one of its own that was idle for longest', async () => {
    let ahead = 0
    const clock = { ...systemClock, monotonic: () => systemClock.monotonic() + ahead }
    const server = await world.current.server('server', { clock })
    const [alice, bob] = [await world.current.side(), await world.current.side()]
    const outlet = await createTcpOutlet(server.node, 'outlet', {
      to: await startEchoServer(),
      allow: [alice.identifier, bob.identifier],
      maxConnectionsPerPeer: 2,
    })
    const other = await RawPeer.open(bob)
    await other.connect()
    const peer = await RawPeer.open(alice)
    const first = await peer.connect()
    await peer.connect()
    // Nobody was idle for so long.
    await expect(peer.connect()).rejects.toThrow('got 02')
    ahead = 300_000
    await peer.send(first, '03017800')
    expect((await peer.receive()).hex).toBe('030178')
    // The second goes, not the first, which has just been used, nor anybody else's, which is older.
    await peer.send('outlet', '00')
    expect([(await peer.receive()).hex, (await peer.receive()).hex]).toEqual(['02', '01'])
    expect(server.ledger.of('portals/connection-closed')).toMatchObject([
      { reason: 'idle', peer: alice.identifier.toString(), sentBytes: 0 },
    ])
    await expect(peer.connect()).rejects.toThrow('got 02')
    await peer.send(first, '03017900')
    expect((await peer.receive()).hex).toBe('030179')
    expect(outlet.statistics()).toMatchObject({ connections: 3, lingering: 0, refused: { 'too-many-of-peer': 2 } })
  })

  test('an inlet closes clients over its limit', async () => {
    const { inlet } = await portalTo(world.current, await startEchoServer(), { inlet: { maxConnections: 1 } })
    const socket = await connectTo(inlet.port)
    socket.write('x')
    await readBytes(socket, 1)
    await cutOf(await connectTo(inlet.port))
    await until(() => inlet.statistics().refused['too-many-connections'] === 1, 'it was counted')
    expect(inlet.statistics().connections).toBe(1)
  })

  test('options that make no sense are refused with their name', async () => {
    const { node } = await world.current.side()
    await expect(createTcpOutlet(node, 'outlet', { to: 1, allowAnyone: true, maxConnections: 0 })).rejects.toThrow('maxConnections')
    await expect(createTcpOutlet(node, 'outlet', { to: 1, allowAnyone: true, windowBytes: 1000 })).rejects.toThrow('windowBytes')
    await expect(createTcpOutlet(node, 'outlet', { to: 'no port', allowAnyone: true })).rejects.toThrow('no port')
    await expect(createTcpOutlet(node, 'outlet', { to: 65_536, allowAnyone: true })).rejects.toThrow('65536')
    await expect(createTcpInlet(node, { listen: 'localhost', to: 'outlet' })).rejects.toThrow('localhost')
    await expect(createTcpOutlet(node, 'outlet', { to: 1, allow: {} as never })).rejects.toThrow('allow')
  })
})

function isFrom({ identifier }: Side, message: LocalMessage): boolean {
  return message.localInfo.some((info) => 'identifier' in info && String(info.identifier) === identifier.toString())
}
