import { type ResolvedRoute, Route, type Router } from '@ockam/core'
import { encodeBareString } from '@ockam/core/bare'
import {
  createRelayClient,
  createRelaySession,
  createRouter,
  createSessions,
  type RelaySessionOptions,
  startEcho,
  startRelayService,
} from '@ockam/routing'
import { memoryNetwork } from '@ockam/transport-memory'
import { afterEach, describe, expect, test } from 'vitest'
import { ManualClock } from '../fixture/manual-clock.ts'
import { RecordingDiagnostics } from '../fixture/recording-diagnostics.ts'
import { turn, until } from '../fixture/settle.ts'
import { rawNode } from './fixture/raw-transport.ts'

const open: { close(): Promise<unknown> }[] = []
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close()
})

const ECHO = Route.of('echo')

/** Waits for what the system's timers bring. */
async function untilLater(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 1000 && !condition(); i++) await new Promise((resolve) => setTimeout(resolve, 10))
  expect(condition()).toBe(true)
}

async function steps(clock: ManualClock, count: number, ms = 1000): Promise<void> {
  await turn()
  for (let i = 0; i < count; i++) {
    clock.advance(ms)
    for (let turns = 0; turns < 6; turns++) await turn()
  }
}

/** A relay's node made of bytes, and a client that keeps itself registered there. */
async function client(options: RelaySessionOptions = {}) {
  const clock = new ManualClock()
  const diagnostics = new RecordingDiagnostics()
  const { router, transport } = await rawNode({ clock, diagnostics })
  const sessions = createSessions(router)
  open.push(router, sessions)
  const relay = createRelaySession(router, sessions, () => router.resolve('/raw/relay'), { name: 'n1', ...options })
  const peer = async (index: number) => {
    await until(() => (transport.peers[index]?.received.length ?? 0) > 0, `connection ${index}`)
    return transport.peers[index] as (typeof transport.peers)[0]
  }
  const registrations = (index: number) =>
    transport.peers[index]?.messages.filter(({ onward }) => onward.includes('forwarding_service')) ?? []
  const accept = async (index: number, address = 'forward_to_n1') => {
    const at = await peer(index)
    at.tell(registrations(index)[0]?.back as string, address, encodeBareString(address))
  }
  return { clock, diagnostics, router, sessions, relay, transport, peer, registrations, accept }
}

describe('a relay that stays registered', () => {
  test('registers again, over another connection and under the same name, when its connection ends', async () => {
    const { clock, relay, accept, peer, registrations } = await client()
    await accept(0)
    await relay.session.whenUp()
    expect(String(relay.address)).toBe('0#forward_to_n1')
    for (let i = 0; i < 3; i++) {
      ;(await peer(i)).cut()
      await until(() => relay.session.state === 'down')
      await steps(clock, 3)
      await accept(i + 1)
      await relay.session.whenUp()
      expect(registrations(i + 1)).toMatchObject([{ onward: 'static_forwarding_service', payload: '026e31' }])
    }
  })

  test('asks again on the same connection while the name still belongs to a connection that has died', async () => {
    const { clock, relay, transport, accept, registrations } = await client()
    await until(() => registrations(0).length === 1)
    await steps(clock, 9)
    expect(registrations(0)).toHaveLength(2)
    expect(new Set(registrations(0).map(({ back }) => back)).size).toBe(1)
    await accept(0)
    await relay.session.whenUp()
    await steps(clock, 60)
    expect([registrations(0).length, transport.peers.length]).toEqual([2, 1])
  })

  test('asks only once for a random name', async () => {
    const { clock, router, sessions, transport } = await client()
    const unnamed = createRelaySession(router, sessions, () => router.resolve('/raw/other'))
    await until(() => transport.peers.some(({ remote, received }) => remote === '/raw/other' && received.length === 1))
    await steps(clock, 20)
    const other = transport.peers.find(({ remote }) => remote === '/raw/other')
    expect(other?.messages.map(({ onward }) => onward)).toEqual(['forwarding_service'])
    expect(() => unnamed.address).toThrow(expect.objectContaining({ code: 'routing/stopped' }))
  })

  test('gives an attempt up after its time, closes the connection, and makes another', async () => {
    const { clock, relay, transport, registrations } = await client({
      backoff: { attemptMs: 12_000, firstAttemptMs: 12_000, initialMs: 1000 },
    })
    await until(() => registrations(0).length === 1)
    await steps(clock, 12)
    expect(relay.session.state).toBe('down')
    await steps(clock, 2)
    expect([registrations(0).length, transport.peers.length]).toEqual([3, 2])
  })

  test('gives up a registration that is not answered in its time, although the attempt has more', async () => {
    const { clock, relay, transport, registrations } = await client({
      registrationMs: 12_000,
      backoff: { attemptMs: 60_000, firstAttemptMs: 60_000, initialMs: 1000 },
    })
    await until(() => registrations(0).length === 1)
    await steps(clock, 11)
    expect(relay.session.state).toBe('connecting')
    await steps(clock, 1)
    expect(relay.session.state).toBe('down')
    await steps(clock, 2)
    expect([registrations(0).length, transport.peers.length]).toEqual([3, 2])
  })

  test('is not torn down because the node of the relay has no echo service, and says that it cannot watch it', async () => {
    const { clock, diagnostics, relay, transport, accept } = await client()
    await accept(0)
    await relay.session.whenUp()
    await steps(clock, 300)
    expect([relay.session.state, transport.peers.length]).toEqual(['up', 1])
    expect(diagnostics.named('routing/session-unanswered')).toHaveLength(1)
  })

  test('registers again when the node of the relay does not answer pings any more', async () => {
    const { clock, relay, transport, peer, accept } = await client()
    await accept(0)
    await relay.session.whenUp()
    const relayNode = await peer(0)
    await until(() => relayNode.messages.some(({ onward }) => onward === 'echo'))
    const ping = relayNode.messages.find(({ onward }) => onward === 'echo')
    relayNode.tell(ping?.back as string, 'echo', new Uint8Array(Buffer.from(ping?.payload ?? '', 'hex')))
    await steps(clock, 35)
    expect(transport.peers).toHaveLength(1)
    await steps(clock, 10)
    expect(transport.peers.length).toBeGreaterThan(1)
  })

  test('begins with a registration that was made already, and closes it also when it never began', async () => {
    const network = memoryNetwork({ encode: true })
    const [service, relay] = [createRouter({ transports: [network.transport()] }), createRouter({ transports: [network.transport()] })]
    const sessions = createSessions(service)
    open.push(service, relay, sessions)
    await relay.listen('/memory/relay')
    startEcho(relay)
    const names = startRelayService(relay)
    const first = async () => {
      const route = await service.resolve('/memory/relay')
      return { route, relay: await createRelayClient(service, route, { name: 'service' }) }
    }
    const dialled: ResolvedRoute[] = []
    const to = async (): Promise<ResolvedRoute> => {
      const route = await service.resolve('/memory/relay')
      dialled.push(route)
      return route
    }
    const kept = createRelaySession(service, sessions, to, { name: 'service', first: await first() })
    await kept.session.whenUp()
    expect([dialled.length, service.statistics().connections, String(kept.address)]).toEqual([0, 1, '0#forward_to_service'])
    await kept.close()
    await until(() => names.relays.length === 0)
    const never = createRelaySession(service, sessions, to, { name: 'service', first: await first() })
    await never.close()
    await until(() => service.statistics().connections === 0)
    expect(dialled).toHaveLength(0)
  })

  test('lets a name be reached again after its relay was closed and started anew, and at the other relay meanwhile', async () => {
    const network = memoryNetwork({ encode: true })
    const node = (): Router => {
      const router = createRouter({ transports: [network.transport()] })
      open.push(router)
      return router
    }
    const startRelay = async (name: string): Promise<Router> => {
      const relay = node()
      startEcho(relay)
      startRelayService(relay)
      await relay.listen(`/memory/${name}`)
      return relay
    }
    const [service, device] = [node(), node()]
    const relays = [await startRelay('one'), await startRelay('two')]
    startEcho(service)
    const sessions = [createSessions(service), createSessions(device)] as const
    open.push(...sessions)
    const backoff = { initialMs: 5, maximumMs: 20 }
    const kept = ['one', 'two'].map((name) =>
      createRelaySession(service, sessions[0], () => service.resolve(`/memory/${name}`), { name: 'service', backoff }),
    )
    await Promise.all(kept.map(({ session }) => session.whenUp()))
    const ways = ['one', 'two'].map((name) => () => device.resolve(`/memory/${name}/service/forward_to_service`))
    const session = sessions[1].open({ name: 'device', ways, backoff, primary: { retryMs: 5, answers: 1 }, ping: { intervalMs: 20 } })
    const ask = async (): Promise<number> => {
      const { route } = await session.whenUp()
      return (await device.context.request(route.concat(ECHO), Uint8Array.of(7))).payload[0] as number
    }
    expect([await ask(), session.way]).toEqual([7, 0])
    await relays[0]?.close()
    await until(() => session.way === 1)
    expect(await ask()).toBe(7)
    await startRelay('one')
    await untilLater(() => session.way === 0)
    expect(await ask()).toBe(7)
  })
})
