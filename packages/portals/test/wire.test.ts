/**
 * Inlet and outlet against peers that are played byte by byte: the sequences of the routing specification's portal section, and what only our own ends
 * say to each other.
 */

import type { Socket } from 'node:net'
import type { Route } from '@ockam/core'
import type { NodeOptions } from '@ockam/node'
import { tcp } from '@ockam/transport-tcp'
import { afterEach, describe, expect, test } from 'vitest'
import { createTcpInlet, createTcpOutlet, type TcpInlet, type TcpOutlet, type TcpOutletOptions } from '../src/index.ts'
import { bytesOf, endOf, hexOf, RawPeer, rawOutlet } from './fixture/raw-peer.ts'
import { connectTo, cutOf, endSockets, pattern, readAll, readBytes, startServer, until } from './fixture/socket.ts'
import { hastyClock, inletOf, type Side, World } from './fixture/world.ts'

let world: World
afterEach(async () => {
  endSockets()
  await world.close()
})

const OURS = `portal1_${'0123456789abcdef'.repeat(2)}`
/** Credit that an end of ours gives at once: its window without what needs no credit. */
const FIRST_CREDIT = '04808030'

/** An outlet, what its target was sent, and a peer to play the inlet. */
async function outletAndPeer(
  address?: string,
  options: Partial<TcpOutletOptions> = {},
  nodeOptions: NodeOptions = {},
): Promise<{ server: Side; outlet: TcpOutlet; peer: RawPeer; served: Socket[] }> {
  world = new World()
  const server = await world.server('server', nodeOptions)
  const client = await world.side()
  const served: Socket[] = []
  const to = await startServer((socket) => void served.push(socket))
  const outlet = await createTcpOutlet(server.node, 'outlet', { to, allow: [client.identifier], ...options })
  return { server, outlet, peer: await RawPeer.open(client, address), served }
}

/** An inlet, and a mailbox that plays its outlet. */
async function inletAndOutlet(options: Parameters<typeof inletOf>[1] = {}): Promise<{
  client: Side
  inlet: TcpInlet
  outlet: ReturnType<typeof rawOutlet>
}> {
  world = new World()
  const server = await world.server()
  const client = await world.side()
  const outlet = rawOutlet(server, 'outlet')
  return { client, inlet: await inletOf(client, options), outlet }
}

describe('an outlet and an inlet of another make', () => {
  test('Ping, Pong, Payload and Disconnect are the bytes of the specification, without a counter', async () => {
    const { peer, served, outlet } = await outletAndPeer('in1')
    const way = await peer.connect()
    expect(endOf(way).name).toMatch(/^[0-9a-f]{32}$/)
    await peer.send(way, '0303616263')
    await until(() => served.length === 1, 'the target was reached')
    expect(String(await readBytes(served[0]!, 3))).toBe('abc')
    served[0]!.write('hello')
    expect((await peer.receive()).hex).toBe('030568656c6c6f')
    served[0]!.end()
    expect((await peer.receive()).hex).toBe('02')
    await until(() => outlet.statistics().connections === 0, 'the connection ended')
  })

  test('a Ping that names the outlet twice is as good as one', async () => {
    const { peer } = await outletAndPeer()
    await peer.send('outlet => outlet', '00')
    expect((await peer.receive()).hex).toBe('01')
  })

  test('counters are verified when they are there: the right ones pass, also around 65535, a wrong one ends it', async () => {
    const { peer, served, outlet } = await outletAndPeer()
    const way = await peer.connect()
    for (let i = 0; i < 65_538; i++) {
      const counter = i & 0xffff
      await peer.send(way, Uint8Array.of(3, 1, 0x61, 1, counter & 0xff, counter >> 8))
    }
    // Without a counter nothing is checked, but it counts.
    await peer.send(way, '030162')
    await peer.send(way, '030163010300')
    const target = served[0]!
    expect(String(await readBytes(target, 65_540)).endsWith('aabc')).toBe(true)
    await peer.send(way, '030164010300')
    expect((await peer.receive()).hex).toBe('02')
    expect(await cutOf(target)).toBe('ECONNRESET')
    await until(() => outlet.statistics().connections === 0, 'the connection ended')
  })

  test('a Disconnect ends the target after what was sent before it', async () => {
    const { peer, served } = await outletAndPeer()
    const way = await peer.connect()
    await peer.send(way, '0303616263')
    await peer.send(way, '02')
    await until(() => served.length === 1, 'the target was reached')
    expect(String(await readAll(served[0]!))).toBe('abc')
  })

  test('Credit and End are no messages of such a peer, and end the connection', async () => {
    const { peer } = await outletAndPeer()
    for (const hex of ['040a', '05']) {
      await peer.send(await peer.connect(), hex)
      expect((await peer.receive()).hex).toBe('02')
    }
  })

  test('what is no portal message, has hops behind it, or is a second Ping, is dropped and counted', async () => {
    const { peer, outlet } = await outletAndPeer()
    await peer.send('outlet', '0303616263')
    await peer.send('outlet', '')
    const way = await peer.connect()
    await peer.send(way, '07')
    await peer.send(way, '00')
    await peer.send(way.concat(way.withoutRecipient()), '02')
    await until(() => outlet.statistics().dropped['malformed'] === 3 && outlet.statistics().dropped['unexpected'] === 2, 'all were counted')
    expect(outlet.statistics().connections).toBe(1)
  })

  test('a target that cannot be reached is answered with Disconnect', async () => {
    const port = await startServer(() => undefined)
    endSockets()
    const { peer } = await outletAndPeer(undefined, { to: port })
    await peer.send('outlet', '00')
    expect((await peer.receive()).hex).toBe('02')
  })

  test('one read of the target is one Payload of at most 48 KiB', async () => {
    const { peer, served } = await outletAndPeer()
    await peer.connect()
    await until(() => served.length === 1, 'the target was reached')
    const bytes = pattern(400_000)
    served[0]!.write(bytes)
    const parts: Buffer[] = []
    for (let length = 0; length < bytes.length; ) {
      const { message } = await peer.receive()
      const data = Buffer.from(message.payload.subarray(message.payload.length < 131 ? 2 : message.payload.length < 16_387 ? 3 : 4))
      expect(data.length).toBeLessThanOrEqual(48 * 1024)
      parts.push(data)
      length += data.length
    }
    expect(Buffer.concat(parts).equals(bytes)).toBe(true)
  })
})

describe('an inlet and an outlet of another make', () => {
  test('the Ping is one byte, nothing is read from the client before the Pong, no counter is sent', async () => {
    const { inlet, outlet } = await inletAndOutlet()
    const socket = await connectTo(inlet.port)
    socket.write('early')
    const ping = await outlet.mailbox.receive()
    expect(hexOf(ping.payload)).toBe('00')
    await expect(outlet.mailbox.receive({ timeoutMs: 50 })).rejects.toMatchObject({ code: 'routing/timeout' })
    await outlet.answer(ping, '01')
    expect(hexOf((await outlet.mailbox.receive()).payload)).toBe('03056561726c79')
    await outlet.answer(ping, '0303616263')
    expect(String(await readBytes(socket, 3))).toBe('abc')
    socket.end()
    expect(hexOf((await outlet.mailbox.receive()).payload)).toBe('02')
  })

  test('without a Pong in time the client is cut off', async () => {
    const { inlet, outlet } = await inletAndOutlet({ openTimeoutMs: 300 })
    const socket = await connectTo(inlet.port)
    await outlet.mailbox.receive()
    expect(await cutOf(socket)).toBe('ECONNRESET')
    expect(inlet.statistics()).toMatchObject({ connections: 0, refused: { 'no-answer': 1 } })
  })

  test('a Disconnect instead of the Pong cuts the client off', async () => {
    const { inlet, outlet } = await inletAndOutlet()
    const socket = await connectTo(inlet.port)
    await outlet.answer(await outlet.mailbox.receive(), '02')
    expect(await cutOf(socket)).toBe('ECONNRESET')
    expect(inlet.statistics()).toMatchObject({ connections: 0, refused: { 'target-unreachable': 1 } })
  })

  test('a second Pong, and a Payload before the first, are dropped and counted', async () => {
    const { inlet, outlet } = await inletAndOutlet()
    const socket = await connectTo(inlet.port)
    const ping = await outlet.mailbox.receive()
    await outlet.answer(ping, '030178')
    await outlet.answer(ping, '01')
    await outlet.answer(ping, '01')
    await outlet.answer(ping, '030179')
    expect(String(await readBytes(socket, 1))).toBe('y')
    expect(inlet.statistics().dropped).toEqual({ unexpected: 2 })
  })

  test('a client that has gone before the Pong is told to the outlet when the Pong comes', async () => {
    const { inlet, outlet } = await inletAndOutlet()
    const socket = await connectTo(inlet.port)
    const ping = await outlet.mailbox.receive()
    socket.destroy()
    await outlet.answer(ping, '01')
    expect(hexOf((await outlet.mailbox.receive()).payload)).toBe('02')
    await until(() => inlet.statistics().connections === 0, 'the connection ended')
  })
})

describe('two ends of ours', () => {
  test('find each other by the form of their addresses; the outlet gives credit at once and numbers its Payloads', async () => {
    const { peer, served } = await outletAndPeer(OURS)
    const way = await peer.connect()
    expect(endOf(way).name).toMatch(/^portal1_[0-9a-f]{32}$/)
    expect((await peer.receive()).hex).toBe(FIRST_CREDIT)
    await peer.send(way, FIRST_CREDIT)
    await until(() => served.length === 1, 'the target was reached')
    served[0]!.write('hello')
    expect((await peer.receive()).hex).toBe('030568656c6c6f010000')
    served[0]!.end()
    expect((await peer.receive()).hex).toBe('05')
    await peer.send(way, '030162010000')
    expect(String(await readBytes(served[0]!, 1))).toBe('b')
    await peer.send(way, '05')
    expect(String(await readAll(served[0]!))).toBe('')
  })

  test('an inlet offers by its address, in a Ping of one byte, and uses nothing of it with an outlet that does not', async () => {
    const { inlet, outlet } = await inletAndOutlet()
    await connectTo(inlet.port)
    const ping = await outlet.mailbox.receive()
    expect(hexOf(ping.payload)).toBe('00')
    expect(endOf(ping.returnRoute).name).toMatch(/^portal1_[0-9a-f]{32}$/)
    await outlet.answer(ping, '01')
    await outlet.answer(ping, '05')
    expect(hexOf((await outlet.mailbox.receive()).payload)).toBe('02')
  })

  test('no more is sent than there is credit for, and goes on with more of it', async () => {
    const { peer, served } = await outletAndPeer(OURS)
    const way = await peer.connect()
    expect((await peer.receive()).hex).toBe(FIRST_CREDIT)
    await until(() => served.length === 1, 'the target was reached')
    served[0]!.write(pattern(1_000_000))
    let spent = 0
    const take = async (): Promise<void> => {
      const { hex, message } = await peer.receive(500)
      if (hex.startsWith('07')) return
      // Kind, length, the data, three bytes of counter; and what a Payload costs besides.
      spent += message.payload.length - (message.payload.length < 16_390 ? 6 : 7) + 512
    }
    await expect(
      (async () => {
        for (;;) await take()
      })(),
    ).rejects.toMatchObject({ code: 'routing/timeout' })
    expect(spent).toBeLessThanOrEqual(256 * 1024)
    expect(spent).toBeGreaterThan(256 * 1024 - 5000)
    await peer.send(way, bytesOf('0480800c'))
    const before = spent
    await expect(
      (async () => {
        for (;;) await take()
      })(),
    ).rejects.toMatchObject({ code: 'routing/timeout' })
    expect(spent - before).toBeLessThanOrEqual(196_608 + 5000)
    expect(spent - before).toBeGreaterThan(196_608 - 5000)
  })

  test('a Challenge is answered with the same number, at once; it and a Response are no messages of other makes', async () => {
    const { peer } = await outletAndPeer(OURS)
    const way = await peer.connect()
    expect((await peer.receive()).hex).toBe(FIRST_CREDIT)
    await peer.send(way, '070102030405060708')
    expect((await peer.receive()).hex).toBe('080102030405060708')
    const other = await RawPeer.open(peer.side)
    for (const hex of ['070102030405060708', '080102030405060708']) {
      await other.send(await other.connect(), hex)
      expect((await other.receive()).hex).toBe('02')
    }
  })

  test('a peer that gives credit and answers nothing gets one window, over all of its connections; an answer to what it was asked gets it more', async () => {
    const { peer, served } = await outletAndPeer(OURS)
    const ways: Route[] = []
    while (ways.length < 10) {
      ways.push(await peer.connect())
      expect((await peer.receive()).hex).toBe(FIRST_CREDIT)
    }
    await until(() => served.length === 10, 'the target was reached')
    // 2^30 bytes for each.
    for (const way of ways) await peer.send(way, '048080808004')
    for (const target of served) target.write(pattern(1_000_000))
    let bytes = 0
    let challenge = ''
    const take = async (): Promise<void> => {
      for (;;) {
        const { hex, message } = await peer.receive(500)
        if (hex.startsWith('03')) bytes += message.payload.length
        else challenge = hex
      }
    }
    const isOver = { code: 'routing/timeout' }
    await expect(take()).rejects.toMatchObject(isOver)
    expect(bytes).toBeLessThan(1024 * 1024)
    expect(bytes).toBeGreaterThan(700_000)
    const before = bytes
    for (const way of ways) await peer.send(way, '080102030405060708')
    await expect(take()).rejects.toMatchObject(isOver)
    expect(bytes).toBe(before)
    expect(challenge).toMatch(/^07.{16}$/)
    // On another connection than it came by: what counts is the number.
    await peer.send(ways[0] as Route, `08${challenge.slice(2)}`)
    await expect(take()).rejects.toMatchObject(isOver)
    expect(bytes - before).toBeGreaterThan(700_000)
    expect(bytes - before).toBeLessThan(1024 * 1024)
  })

  test('a peer that sends more than it has credit for is cut off', async () => {
    const { peer, served, outlet } = await outletAndPeer(OURS, { windowBytes: 512 * 1024 })
    const way = await peer.connect()
    await until(() => served.length === 1, 'the target was reached')
    served[0]!.pause()
    const piece = new Uint8Array(4 + 40_000)
    piece.set(bytesOf('03c0b802'))
    for (let i = 0; i < 400 && outlet.statistics().connections > 0; i++) await peer.send(way, piece)
    await until(() => outlet.statistics().connections === 0, 'the connection ended')
    expect(outlet.statistics().receivedBytes).toBeLessThan(16_000_000)
  })

  test('credit beyond all measure ends the connection', async () => {
    const { peer, outlet } = await outletAndPeer(OURS)
    const way = await peer.connect()
    await peer.send(way, '04ffffffff0f')
    await until(() => outlet.statistics().connections === 0, 'the connection ended')
  })

  test('an inlet that never confirms the Pong does not keep its target open', async () => {
    const { peer, outlet, server } = await outletAndPeer(OURS, {}, { clock: hastyClock })
    await peer.connect()
    expect((await peer.receive()).hex).toBe(FIRST_CREDIT)
    expect((await peer.receive()).hex).toBe('02')
    expect(outlet.statistics()).toMatchObject({ connections: 0, opened: 1 })
    expect(server.ledger.of('portals/connection-closed')).toMatchObject([{ reason: 'timeout' }])
  })
})

describe('two ends of ours, when one of them is silent', () => {
  test('Ping on an open connection is answered with Pong', async () => {
    const { peer } = await outletAndPeer(OURS)
    const way = await peer.connect()
    expect((await peer.receive()).hex).toBe(FIRST_CREDIT)
    await peer.send(way, '00')
    expect((await peer.receive()).hex).toBe('01')
  })

  test('it is asked for a sign of life, and stays as long as it gives one', async () => {
    const { peer, outlet } = await outletAndPeer(OURS, { keepAliveMs: 500 })
    const way = await peer.connect()
    expect((await peer.receive()).hex).toBe(FIRST_CREDIT)
    for (let i = 0; i < 3; i++) {
      expect((await peer.receive()).hex).toBe('00')
      await peer.send(way, '01')
    }
    expect(outlet.statistics()).toMatchObject({ connections: 1, dropped: {} })
  })

  test('it is given up when it gives none, and its target is let go', async () => {
    const { peer, outlet, served, server } = await outletAndPeer(OURS, { keepAliveMs: 100 })
    const way = await peer.connect()
    expect((await peer.receive()).hex).toBe(FIRST_CREDIT)
    await peer.send(way, FIRST_CREDIT)
    await until(() => served.length === 1, 'the target was reached')
    expect((await peer.receive()).hex).toBe('00')
    expect((await peer.receive()).hex).toBe('02')
    expect(await cutOf(served[0]!)).toBe('ECONNRESET')
    expect(outlet.statistics().connections).toBe(0)
    expect(server.ledger.of('portals/connection-closed')).toMatchObject([{ reason: 'timeout' }])
  })

  test('an end of another make is not asked, and may be silent for ever', async () => {
    const { peer, outlet } = await outletAndPeer('in1', { keepAliveMs: 20 })
    await peer.connect()
    await expect(peer.receive(300)).rejects.toMatchObject({ code: 'routing/timeout' })
    expect(outlet.statistics().connections).toBe(1)
  })
})

describe('over plain TCP transport and without channels', () => {
  test('an outlet that says so is reached, as one of a Rust node without an authority is', async () => {
    world = new World()
    const server = await world.side({ transports: [tcp()] })
    const client = await world.side({ transports: [tcp()] })
    const { address } = await server.node.listen('/ip4/127.0.0.1/tcp/0')
    const to = await startServer((socket) => void socket.end('plain'))
    await createTcpOutlet(server.node, 'outlet', { to, allowAnyone: true, from: 'anyone' })
    const inlet = await createTcpInlet(client.node, { listen: 0, to: `${address}/service/outlet` })
    expect(String(await readAll(await connectTo(inlet.port)))).toBe('plain')
  })
})
