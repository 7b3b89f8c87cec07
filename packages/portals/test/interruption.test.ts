/**
 * What two ends say to each other after their way was lost and their channel has moved to another one: Mark, which tells each end what it must have
 * received (`docs/wire.md`). That real relays can be killed is tested in tools/integration.
 */

import { type ResolvedRoute, type Session, type SessionEvents } from '@ockam/core'
import { type NodeOptions, trustEveryone } from '@ockam/node'
import type { Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { createTcpOutlet, type TcpInlet, type TcpInletOptions } from '../src/index.ts'
import { RawPeer, bytesOf, endOf, hexOf, rawOutlet } from './fixture/raw-peer.ts'
import { connectTo, cutOf, endSockets, readBytes, startEchoServer, startServer, until } from './fixture/socket.ts'
import { hastyClock, inletOf, portalTo, type Side, World } from './fixture/world.ts'

let world: World | undefined
const newWorld = (): World => (world = new World())
afterEach(async () => {
  endSockets()
  await world?.close()
})

/** A session whose ups and downs the test decides. */
class SteeredSession implements Session {
  readonly name = 'steered'
  readonly state = 'up'
  readonly way = 0
  readonly closed: Promise<void> = new Promise(() => undefined)
  readonly route: ResolvedRoute
  readonly #up = new Set<(event: SessionEvents['up']) => void>()
  readonly #down = new Set<(event: SessionEvents['down']) => void>()
  readonly #moving = new Set<(event: SessionEvents['moving']) => void>()

  constructor(route: ResolvedRoute) {
    this.route = route
  }

  /** Along the only channel of a side to the server. */
  static async of(side: Side): Promise<SteeredSession> {
    return new SteeredSession(await channelOf(side))
  }

  goDown(): void {
    for (const listener of this.#down) listener({ error: undefined, retryInMs: 1 })
  }

  /** @param route with a new channel; default: with the one from before. */
  comeUp(route: ResolvedRoute = this.route): void {
    for (const listener of this.#up) listener({ route, way: 0 })
  }

  /** Is about to move. @returns what has to be waited for, and what ends the move. */
  move(): { readonly ready: Promise<unknown>; readonly end: () => void } {
    const ready: Promise<unknown>[] = []
    let end: () => void = () => undefined
    const over = new Promise<void>((resolve) => {
      end = resolve
    })
    for (const listener of this.#moving) listener({ over, waitUntil: (promise) => void ready.push(promise) })
    return { ready: Promise.all(ready), end }
  }

  async whenUp(): Promise<ResolvedRoute> {
    return this.route
  }

  on<Name extends keyof SessionEvents>(event: Name, listener: (event: SessionEvents[Name]) => void): () => void {
    const all = { up: this.#up, down: this.#down, moving: this.#moving }
    const listeners = all[event] as unknown as Set<(event: SessionEvents[Name]) => void>
    listeners.add(listener)
    return () => void listeners.delete(listener)
  }

  async close(): Promise<void> {}
  async [Symbol.asyncDispose](): Promise<void> {}
}

const channelOf = ({ node, identifier }: Side): Promise<ResolvedRoute> =>
  node.router.resolve('/memory/server/secure/api', { identity: identifier, trust: trustEveryone() })

const PORTAL_WORKER = `portal1_${'0'.repeat(32)}`

/** An inlet of ours on a steered session, one of its clients, and an outlet that speaks byte by byte. */
async function inletWithRawOutlet(worker = PORTAL_WORKER, clock = {}, options: Partial<TcpInletOptions> = {}) {
  const here = newWorld()
  const server = await here.server()
  const client = await here.side(clock)
  const listener = rawOutlet(server, 'outlet')
  const portal = rawOutlet(server, worker)
  const session = await SteeredSession.of(client)
  const inlet: TcpInlet = await inletOf(client, { to: session, outlet: 'outlet', ...options })
  const socket = await connectTo(inlet.port)
  const ping = await listener.mailbox.receive({ timeoutMs: 10_000 })
  await portal.answer(ping, '01')
  await until(() => inlet.statistics().opened === 1, 'the inlet has the Pong')
  const answer = (hex: string): Promise<void> => portal.answer(ping, hex)
  /** The next message that is no Credit, its payload in hexadecimal. */
  const next = async (): Promise<string> => {
    for (;;) {
      const hex = Buffer.from((await portal.mailbox.receive({ timeoutMs: 10_000 })).payload).toString('hex')
      if (!hex.startsWith('04')) return hex
    }
  }
  /** The same, with Challenges answered. */
  const nextOther = async (): Promise<string> => {
    for (;;) {
      const hex = await next()
      if (!hex.startsWith('07')) return hex
      await answer(`08${hex.slice(2)}`)
    }
  }
  /** What the outlet itself gets. */
  const atOutlet = async (timeoutMs = 10_000): Promise<string> => {
    const { onwardRoute, payload } = await listener.mailbox.receive({ timeoutMs })
    return `${onwardRoute.toString()} ${hexOf(payload)}`
  }
  return { inlet, client, session, socket, answer, next, nextOther, atOutlet }
}

const reasons = (side: Side): unknown[] => side.ledger.of('portals/connection-closed').map(({ reason }) => reason)

describe('an inlet after an interruption', () => {
  test('reads nothing from its clients until it is over, says what it has sent, and goes on when the answer agrees', async () => {
    const { session, socket, answer, next, inlet } = await inletWithRawOutlet()
    socket.write('a')
    expect(await next()).toBe('03016101' + '0000')
    session.goDown()
    session.goDown()
    socket.write('b')
    await answer('03' + '0163' + '010000')
    expect(String(await readBytes(socket, 1))).toBe('c')
    expect(inlet.statistics().sentBytes).toBe(1)
    session.comeUp()
    // One Payload, 786,432 bytes of credit granted so far, not ended.
    expect(await next()).toBe('06' + '0100' + '808030' + '00')
    expect(await next()).toBe('03016201' + '0100')
    await answer('06' + '0100' + '00' + '00')
    await answer('03' + '0164' + '010100')
    expect(String(await readBytes(socket, 1))).toBe('d')
  })

  test('ends a connection of which bytes were lost, and tells the other side', async () => {
    const { client, session, socket, answer, next } = await inletWithRawOutlet()
    session.goDown()
    session.comeUp()
    expect(await next()).toMatch(/^060000/)
    await answer('06' + '0100' + '00' + '00')
    expect(await next()).toBe('02')
    expect(await cutOf(socket)).toBe('ECONNRESET')
    expect(reasons(client)).toEqual(['messages-lost'])
  })

  test('takes credit and an end that were lost from the Mark', async () => {
    const { session, socket, answer, nextOther, inlet } = await inletWithRawOutlet()
    const ended = new Promise((resolve) => socket.once('end', resolve))
    socket.resume().write(new Uint8Array(600_000))
    // What may be sent without credit, less what messages cost.
    let sent = 0
    while (sent < 230_000) sent += (await nextOther()).length / 2 - 7
    session.goDown()
    session.comeUp()
    let mark = await nextOther()
    while (!mark.startsWith('06')) mark = await nextOther()
    expect(inlet.statistics().sentBytes).toBeLessThan(300_000)
    await answer('06' + '0000' + '808040' + '01')
    await ended
    while (inlet.statistics().sentBytes < 600_000) await nextOther()
  })

  test('asks again whether what it has sent has come, because the question may have been lost', async () => {
    const { session, socket, answer, next, inlet } = await inletWithRawOutlet(PORTAL_WORKER, {}, { maxInFlightBytes: 128 * 1024 })
    socket.write(new Uint8Array(200_000))
    // What may be under way is sent; the questions in between get lost.
    let questions = 0
    while (questions < 1) if ((await next()).startsWith('07')) questions++
    session.goDown()
    session.comeUp()
    let mark = await next()
    while (!mark.startsWith('06')) mark = await next()
    await answer('06' + '0000' + '00' + '00')
    let question = await next()
    while (!question.startsWith('07')) question = await next()
    expect(inlet.statistics().sentBytes).toBeLessThan(128 * 1024)
    await answer(`08${question.slice(2)}`)
    await until(() => inlet.statistics().sentBytes === 200_000, 'the rest was sent')
  })

  test.each([
    ['less credit than was received', '06000000' + '00', '0481 01'],
    ['more credit than there can be', '060000ffffffffffff07' + '00', '0481 01'],
  ])('ends a connection whose Mark tells of %s', async (_, mark, credit) => {
    const { client, session, socket, answer, next } = await inletWithRawOutlet()
    await answer(credit)
    session.goDown()
    session.comeUp()
    expect(await next()).toMatch(/^06/)
    await answer(mark)
    expect(await next()).toBe('02')
    expect(await cutOf(socket)).toBe('ECONNRESET')
    expect(reasons(client)).toEqual(['protocol-violation'])
  })

  test('ends a connection whose other side does not answer: it is gone', async () => {
    const { client, session, socket } = await inletWithRawOutlet(PORTAL_WORKER, { clock: hastyClock })
    session.goDown()
    session.comeUp()
    expect(await cutOf(socket)).toBe('ECONNRESET')
    expect(reasons(client)).toEqual(['timeout'])
  })

  test('says again that a connection has ended, when the other side may not have heard it', async () => {
    const { session, socket, next } = await inletWithRawOutlet()
    session.goDown()
    socket.resetAndDestroy()
    expect(await next()).toBe('02')
    session.comeUp()
    expect(await next()).toBe('02')
  })

  test.each(['before', 'after'] as const)('tells the outlet along the next channel what has ended with the one %s it', async (order) => {
    const { client, session, socket, atOutlet } = await inletWithRawOutlet()
    const next = await channelOf(client)
    session.goDown()
    if (order === 'after') session.comeUp(next)
    await session.route.close()
    expect(await cutOf(socket)).toBe('ECONNRESET')
    if (order === 'before') session.comeUp(next)
    expect(await atOutlet()).toBe(`0#outlet => 0#${PORTAL_WORKER} 02`)
    await expect(atOutlet(200)).rejects.toMatchObject({ code: 'routing/timeout' })
    expect(reasons(client)).toEqual(['route-lost'])
  })

  test('tells an outlet of another make nothing that it would not understand', async () => {
    const { client, session, atOutlet } = await inletWithRawOutlet('other-make')
    const next = await channelOf(client)
    session.goDown()
    await session.route.close()
    session.comeUp(next)
    await expect(atOutlet(200)).rejects.toMatchObject({ code: 'routing/timeout' })
    expect(reasons(client)).toEqual(['route-lost'])
  })

  test('ends a connection with an outlet of another make, where nobody can tell what was lost', async () => {
    const { client, session, socket, next } = await inletWithRawOutlet('other-make')
    session.goDown()
    expect(await cutOf(socket)).toBe('ECONNRESET')
    expect([await next(), reasons(client)]).toEqual(['02', ['route-lost']])
  })

  test('cuts a client whose Ping was not answered, so that it tries again', async () => {
    const here = newWorld()
    const server = await here.server()
    const client = await here.side()
    const listener = rawOutlet(server, 'outlet')
    const session = await SteeredSession.of(client)
    const inlet = await inletOf(client, { to: session, outlet: 'outlet' })
    const socket = await connectTo(inlet.port)
    await listener.mailbox.receive({ timeoutMs: 10_000 })
    session.goDown()
    session.comeUp()
    expect(await cutOf(socket)).toBe('ECONNRESET')
    expect(inlet.statistics().refused).toEqual({ 'no-answer': 1 })
  })

  test('disturbs nothing when the session moves without having been down', async () => {
    const { inlet, client } = await portalTo(newWorld(), await startEchoServer())
    const session = await SteeredSession.of(client)
    const second = await inletOf(client, { to: session, outlet: 'outlet' })
    const socket = await connectTo(second.port)
    socket.write('one')
    expect(String(await readBytes(socket, 3))).toBe('one')
    session.comeUp()
    socket.write('two')
    expect(String(await readBytes(socket, 3))).toBe('two')
    expect(inlet.statistics().connections).toBe(0)
  })
})

describe('an inlet whose session is about to move', () => {
  test('sends no more, asks the outlet to do the same, is ready when that has answered, and compares when it is over', async () => {
    const { session, socket, answer, next, inlet } = await inletWithRawOutlet()
    socket.write('a')
    expect(await next()).toBe('03016101' + '0000')
    const { ready, end } = session.move()
    let isReady = false
    const told = ready.then(() => (isReady = true))
    expect(await next()).toBe('09')
    socket.write('b')
    // What was under way still comes.
    await answer('03' + '0163' + '010000')
    expect(String(await readBytes(socket, 1))).toBe('c')
    expect([isReady, inlet.statistics().sentBytes]).toEqual([false, 1])
    await answer('09')
    await told
    expect(inlet.statistics().sentBytes).toBe(1)
    end()
    const after = [await next(), await next()].sort()
    expect(after).toEqual(['03016201' + '0100', expect.stringMatching(/^060[12]00/)])
    await answer('06' + '0100' + '00' + '00')
    await answer('03' + '0164' + '010100')
    expect(String(await readBytes(socket, 1))).toBe('d')
  })

  test('is never ready with an outlet of another make, which cannot tell; its connection goes on as it is', async () => {
    const { session, socket, answer, next } = await inletWithRawOutlet('other-make')
    const { ready, end } = session.move()
    await expect(ready).rejects.toThrow('another make')
    socket.write('a')
    expect(await next()).toBe('030161')
    end()
    await answer('030162')
    expect(String(await readBytes(socket, 1))).toBe('b')
  })

  test('begins no connection before it is over, and waits for those that have begun', async () => {
    const here = newWorld()
    const server = await here.server()
    const client = await here.side()
    const listener = rawOutlet(server, 'outlet')
    const portal = rawOutlet(server, PORTAL_WORKER)
    const session = await SteeredSession.of(client)
    const inlet = await inletOf(client, { to: session, outlet: 'outlet' })
    await connectTo(inlet.port)
    const first = await listener.mailbox.receive({ timeoutMs: 10_000 })
    const { ready, end } = session.move()
    await connectTo(inlet.port)
    await until(() => inlet.statistics().connections === 2, 'the second client was accepted')
    await expect(listener.mailbox.receive({ timeoutMs: 200 })).rejects.toMatchObject({ code: 'routing/timeout' })
    await portal.answer(first, '01')
    await portal.answer(first, '09')
    await ready
    await expect(listener.mailbox.receive({ timeoutMs: 200 })).rejects.toMatchObject({ code: 'routing/timeout' })
    end()
    await listener.mailbox.receive({ timeoutMs: 10_000 })
  })
})

describe('an outlet', () => {
  async function outletWithRawInlet(options: NodeOptions = {}) {
    const here = newWorld()
    const server = await here.server('server', options)
    const client = await here.side()
    const targets: Socket[] = []
    await createTcpOutlet(server.node, 'outlet', { to: await startServer((socket) => targets.push(socket)), allow: [client.identifier] })
    const peer = await RawPeer.open(client, PORTAL_WORKER)
    const route = await peer.connect()
    const next = async (): Promise<string> => {
      for (;;) {
        const { hex } = await peer.receive()
        if (!hex.startsWith('04')) return hex
      }
    }
    return { server, client, peer, route, next, targets }
  }

  test('answers each Mark with its own', async () => {
    const { peer, route, next } = await outletWithRawInlet()
    await peer.send(route, '03016101' + '0000')
    for (let i = 0; i < 2; i++) {
      await peer.send(route, '06' + '0100' + '00' + '00')
      expect(await next()).toBe('06' + '0000' + '808030' + '00')
    }
  })

  test('cuts the target off when bytes were lost, so that nobody takes half of something for the whole', async () => {
    const { server, peer, route, next, targets } = await outletWithRawInlet()
    await peer.send(route, '03016101' + '0000')
    await peer.send(route, '06' + '0200' + '00' + '00')
    expect(await next()).toBe('02')
    expect(await cutOf(targets[0] as Socket)).toBe('ECONNRESET')
    expect(reasons(server)).toEqual(['messages-lost'])
  })

  test('answers a Pause with one and sends nothing more, until there is a Mark', async () => {
    const { peer, route, next, targets } = await outletWithRawInlet()
    await until(() => targets.length === 1, 'the target was reached')
    targets[0]?.write('a')
    expect(await next()).toBe('03016101' + '0000')
    await peer.send(route, '09')
    expect(await next()).toBe('09')
    targets[0]?.write('b')
    await peer.send(route, '09')
    expect(await next()).toBe('09')
    await expect(peer.receive(200)).rejects.toMatchObject({ code: 'routing/timeout' })
    await peer.send(route, '06' + '0000' + '00' + '00')
    const after = [await next(), await next()].sort()
    expect(after).toEqual(['03016201' + '0100', expect.stringMatching(/^060[12]00/)])
  })

  test('does not wait for a Mark for ever', async () => {
    const { peer, route, next, targets } = await outletWithRawInlet({ clock: hastyClock })
    await until(() => targets.length === 1, 'the target was reached')
    await peer.send(route, '09')
    expect(await next()).toBe('09')
    targets[0]?.write('a')
    expect(await next()).toBe('03016101' + '0000')
  })

  test('an inlet ends a connection whose outlet asks it to pause: that is for the side that has the session', async () => {
    const { client, socket, answer, next } = await inletWithRawOutlet()
    await answer('09')
    expect(await next()).toBe('02')
    expect(await cutOf(socket)).toBe('ECONNRESET')
    expect(reasons(client)).toEqual(['protocol-violation'])
  })

  test('ends a connection whose peer says so along another channel, because the first one is gone', async () => {
    const { server, client, route, targets } = await outletWithRawInlet()
    const second = await RawPeer.open(client)
    const other = await second.connect()
    await until(() => targets.length === 2, 'both have a target')
    await second.send(second.channel.routeTo(['outlet', endOf(route)]), '02')
    expect(await cutOf(targets[0] as Socket)).toBe('ECONNRESET')
    expect(reasons(server)).toEqual(['peer-disconnected'])
    await second.send(other, '03016101' + '0000')
    expect(String(await readBytes(targets[1] as Socket, 1))).toBe('a')
  })

  test('does not take a Mark from anybody but its peer', async () => {
    const { server, client, peer, route, next } = await outletWithRawInlet()
    const second = await RawPeer.open(client)
    await second.send(second.channel.routeTo([endOf(route)]), '06' + '0900' + '00' + '00')
    await second.send('echo', bytesOf('00'))
    await second.receive()
    await peer.send(route, '06' + '0000' + '00' + '00')
    expect(await next()).toBe('06' + '0000' + '808030' + '00')
    expect(reasons(server)).toEqual([])
  })
})
