/** Portals over sessions: TCP connections that outlive the end of a relay where they can, and end where they cannot. Nothing hangs, nothing is garbled. */

import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { PortalStatistics } from '@ockam/portals'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Child, until } from './fixture/child.ts'
import { EchoFlow, EchoTarget } from './fixture/echo-flow.ts'
import { BACK_WITHIN_MS, SessionWorld, TEST_MS } from './fixture/session-world.ts'
import { StallingProxy } from './fixture/stalling-proxy.ts'
import { TcpEnd, TcpTarget } from './fixture/tcp-target.ts'

let world: SessionWorld
let target: TcpTarget
const clients: TcpEnd[] = []
const proxies: StallingProxy[] = []

beforeEach(async () => {
  world = await SessionWorld.create()
})

afterEach(async () => {
  for (const { socket } of clients.splice(0)) socket.destroy()
  await world.end()
  for (const proxy of proxies.splice(0)) proxy.close()
  target.close()
})

/** The service's target at a port of the device, through so many relays. @returns what is between device and relays. */
async function startPortal({
  relays: count = 1,
  isEcho = false,
  inlet = 'session',
  primary,
  to,
}: {
  readonly relays?: number
  readonly isEcho?: boolean
  readonly inlet?: 'session' | 'address'
  readonly primary?: { readonly drainMs: number } | undefined
  /** Port of another target. */
  readonly to?: number
} = {}): Promise<readonly StallingProxy[]> {
  target = await TcpTarget.start({ isEcho })
  const relays = await Promise.all(Array.from({ length: count }, (_, index) => world.startRelay(index)))
  const service = await world.startService(relays, to ?? target.port)
  for (const { address } of relays) proxies.push(await StallingProxy.to(address))
  await world.startDevice(
    proxies.map(({ address }) => address),
    service,
    inlet,
    primary,
  )
  return proxies
}

async function newClient(): Promise<TcpEnd> {
  const client = await TcpEnd.connect(world.device?.ready as number)
  clients.push(client)
  return client
}

const soon = (isDone: () => boolean, what: string): Promise<unknown> => until(isDone, Boolean, what, BACK_WITHIN_MS / 25)

async function passes(from: TcpEnd, to: () => TcpEnd | undefined, text: string): Promise<void> {
  const before = to()?.text ?? ''
  from.socket.write(text)
  await soon(() => to()?.text === before + text, `"${text}" has arrived behind "${before}"`)
}

/** A connection that carries something both ways. */
async function newConversation(): Promise<{ readonly client: TcpEnd; readonly server: TcpEnd }> {
  const index = target.ends.length
  const client = await newClient()
  await passes(client, () => target.ends[index], 'hello')
  const server = target.ends[index] as TcpEnd
  await passes(server, () => client, 'welcome')
  return { client, server }
}

/** New connections work within the bound, whatever happened to old ones. One that began on a way that was just lost is made again. */
async function newOnesWork(): Promise<void> {
  const endsAtMs = performance.now() + BACK_WITHIN_MS
  let problem: unknown
  while (performance.now() < endsAtMs) {
    const client = await newClient()
    client.socket.write('hello')
    const arrived = target.ends.length
    try {
      await until(
        () => client.isOver || target.ends.slice(arrived - 1).some(({ text }) => text === 'hello'),
        Boolean,
        'it has arrived',
        200,
      )
      if (!client.isOver) return
    } catch (error) {
      problem = error
    } finally {
      client.socket.destroy()
    }
  }
  throw new Error(`No new connection worked within ${BACK_WITHIN_MS} ms.`, { cause: problem })
}

async function sentThrough(program: Child | undefined, bytes: number): Promise<void> {
  await until(
    () => (program as Child).ask<{ readonly sentBytes: number }>('portal'),
    ({ sentBytes }) => sentBytes === bytes,
    `${bytes} bytes have gone into the portal`,
  )
}

/** Stops the relay in the middle of a transfer, when it holds bytes that nobody else has: a moment may come when all have arrived. */
async function stopRelayInTransfer(): Promise<void> {
  const traffic = async (): Promise<number[]> => {
    const both = [world.device, world.service].map((program) => (program as Child).ask<PortalStatistics>('portal'))
    return (await Promise.all(both)).flatMap(({ sentBytes, receivedBytes }) => [sentBytes, receivedBytes])
  }
  for (let tries = 0; tries < 100; tries++) {
    world.relays[0]?.suspend()
    let last: number[] = []
    let looks = 0
    const isAtRest = async (): Promise<boolean> => {
      const seen = await traffic()
      looks = String(seen) === String(last) ? looks + 1 : 0
      last = seen
      return looks >= 5
    }
    await until(isAtRest, Boolean, 'what the relay has sent has arrived')
    const [sentUp, receivedDown, sentDown, receivedUp] = last as [number, number, number, number]
    if (sentUp > receivedUp || sentDown > receivedDown) return
    world.relays[0]?.resume()
    await sleep(25)
  }
  throw new Error('Whenever the relay was stopped, all it had been sent had arrived.')
}

test.each(['session', 'address'] as const)(
  'the relay is killed and started again: a connection goes on, and what its client sent meanwhile arrives (inlet by %s)',
  async (inlet) => {
    await startPortal({ inlet })
    const { client, server } = await newConversation()
    for (const text of ['one', 'two']) {
      await world.relays[0]?.kill()
      await world.until(({ state }) => state !== 'up', 'the device has noticed')
      client.socket.write(text)
      await world.restartRelay(0)
      await soon(() => server.text.endsWith(text), `"${text}" has arrived`)
      await passes(server, () => client, text)
    }
    expect([server.text, client.text]).toEqual(['helloonetwo', 'welcomeonetwo'])
    expect(target.ends).toHaveLength(1)
  },
  TEST_MS,
)

test(
  'what a client had sent dies with the relay, and nothing follows: the connection ends at both sides, new ones work',
  async () => {
    await startPortal()
    const { client, server } = await newConversation()
    world.relays[0]?.suspend()
    client.socket.write('lost')
    await sentThrough(world.device, 'hello'.length + 'lost'.length)
    await world.relays[0]?.kill()
    await world.restartRelay(0)
    await soon(() => client.isOver && server.isOver, 'both ends have been told')
    expect(server.text).toBe('hello')
    await newConversation()
  },
  TEST_MS,
)

test(
  'what the service had sent dies with the relay, and nothing follows: the connection ends at both sides, new ones work',
  async () => {
    await startPortal()
    const { client, server } = await newConversation()
    world.relays[0]?.suspend()
    server.socket.write('lost')
    await sentThrough(world.service, 'welcome'.length + 'lost'.length)
    await world.relays[0]?.kill()
    await world.restartRelay(0)
    await soon(() => client.isOver && server.isOver, 'both ends have been told')
    expect(client.text).toBe('welcome')
    await newConversation()
  },
  TEST_MS,
)

test(
  'the relay is killed in the middle of a transfer: what arrived is the beginning of what was sent, and the connection ends at both sides',
  async () => {
    await startPortal({ isEcho: true })
    const client = await newClient()
    const sent = Buffer.alloc(64 * 1024 * 1024, '0123456789abcdef'.repeat(16) + '.')
    client.socket.write(sent)
    await soon(() => client.received.length > 1_000_000, 'the transfer is under way')
    await stopRelayInTransfer()
    await world.relays[0]?.kill()
    expect(client.received.length).toBeLessThan(sent.length)
    await world.restartRelay(0)
    await soon(() => client.isOver && target.ends[0]?.isOver === true, 'both ends have been told')
    for (const { received } of [client, target.ends[0] as TcpEnd]) {
      expect(received.length).toBeLessThan(sent.length)
      expect(received.equals(sent.subarray(0, received.length))).toBe(true)
    }
    await newOnesWork()
  },
  TEST_MS,
)

test(
  'more messages die with the relay than a channel outlives: the connections on it end at both sides, also those that had lost nothing',
  async () => {
    await startPortal()
    const { client, server } = await newConversation()
    const { binding } = await world.status()
    world.relays[0]?.suspend()
    await (world.device as Child).ask('send', 40)
    await world.relays[0]?.kill()
    await world.restartRelay(0)
    await soon(() => client.isOver && server.isOver, 'both ends have been told')
    expect([server.text, client.text]).toEqual(['hello', 'welcome'])
    await newConversation()
    expect((await world.status()).binding).not.toBe(binding)
  },
  TEST_MS,
)

test(
  'a router forgets its connections and tells nobody: an idle connection goes on, one that sent something into the void ends at both sides',
  async () => {
    const [proxy] = await startPortal()
    const idle = await newConversation()
    const busy = await newConversation()
    proxy?.forget()
    busy.client.socket.write('lost')
    await world.until(({ downs }) => downs > 0, 'the silence was noticed')
    await soon(() => busy.client.isOver && busy.server.isOver, 'both ends have been told')
    await passes(idle.client, () => idle.server, 'still')
    await passes(idle.server, () => idle.client, 'here')
    await newConversation()
  },
  TEST_MS,
)

/** Through two relays, of which the first was killed and has come back: a conversation from before, and one that began after it. */
async function cameBack(primary?: { readonly drainMs: number }): Promise<readonly { readonly client: TcpEnd; readonly server: TcpEnd }[]> {
  await startPortal({ relays: 2, primary })
  const old = await newConversation()
  await world.relays[0]?.kill()
  await world.until(({ state, way }) => state === 'up' && way === 1, 'the session has fallen back')
  await newConversation()
  await passes(old.client, () => old.server, 'still')
  await passes(old.server, () => old.client, 'here')
  await world.restartRelay(0)
  await world.until(({ state, way }) => state === 'up' && way === 0, 'the session is back on its primary way')
  return [old, await newConversation()]
}

async function allGoOn(conversations: readonly { readonly client: TcpEnd; readonly server: TcpEnd }[]): Promise<void> {
  for (const { client, server } of conversations) {
    await passes(client, () => server, 'and')
    await passes(server, () => client, 'after')
  }
  await newConversation()
  expect(target.ends.map(({ isOver }) => isOver)).toEqual([false, false, false, false])
}

describe('one of two relays is killed and comes back: connections from before and after go on, and new ones work,', () => {
  test(
    'when nothing else happens',
    async () => {
      await allGoOn(await cameBack())
    },
    TEST_MS,
  )

  test(
    'when that relay is killed again',
    async () => {
      const conversations = await cameBack()
      await world.relays[0]?.kill()
      await world.until(({ state, way }) => state === 'up' && way === 1, 'the session has fallen back again')
      await allGoOn(conversations)
    },
    TEST_MS,
  )

  test(
    'when the other relay is killed',
    async () => {
      const conversations = await cameBack()
      await world.relays[1]?.kill()
      await allGoOn(conversations)
      expect(await world.status()).toMatchObject({ state: 'up', way: 0 })
    },
    TEST_MS,
  )

  test(
    'when the fallback is not kept open any longer',
    async () => {
      const drainMs = 200
      const conversations = await cameBack({ drainMs })
      await sleep(5 * drainMs)
      await allGoOn(conversations)
    },
    TEST_MS,
  )
})

test(
  'a transfer in both directions goes on unchanged while the session goes back to its primary way, along the same channel',
  async () => {
    const echo = await EchoTarget.start()
    try {
      await startPortal({ relays: 2, to: echo.port })
      await world.relays[0]?.kill()
      await world.until(({ state, way }) => state === 'up' && way === 1, 'the session has fallen back')
      const flow = await EchoFlow.connect(world.device?.ready as number)
      flow.start()
      await soon(() => flow.echoedBytes > 1_000_000, 'the transfer is under way')
      const { binding } = await world.status()
      await world.restartRelay(0)
      await world.until(({ state, way }) => state === 'up' && way === 0, 'the session is back on its primary way')
      const { echoedBytes } = flow
      await soon(() => flow.echoedBytes > echoedBytes + 1_000_000 || flow.isOver, 'the transfer goes on')
      flow.stop()
      await soon(() => flow.isComplete || flow.isOver, 'all has come back')
      expect([flow.isOver, flow.isGarbled, flow.isComplete]).toEqual([false, false, true])
      expect((await world.status()).binding).toBe(binding)
      flow.close()
    } finally {
      echo.close()
    }
  },
  TEST_MS,
)

test(
  'the service is killed and started again: connections end, and new ones work',
  async () => {
    await startPortal()
    const { client, server } = await newConversation()
    await world.service?.kill()
    if (!server.isOver) await once(server.socket, 'close')
    await world.restartService()
    await soon(() => client.isOver, 'the client has been told')
    await newOnesWork()
  },
  TEST_MS,
)
