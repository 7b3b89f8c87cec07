import { memoryStore } from '@ockam/core'
import { messagePack, unchecked } from '@ockam/core/message-pack'
import { type MemoryNetwork, memoryNetwork } from '@ockam/transport-memory'
import { afterEach, describe, expect, test } from 'vitest'
import { StillClock } from './fixture/still-clock.ts'
import {
  createNode,
  type NodeOptions,
  type NodeSession,
  type OckamNode,
  type OpenSessionOptions,
  trustEveryone,
  trustIdentifier,
} from '../src/index.ts'

const bytes = (value: string): Uint8Array => new TextEncoder().encode(value)
const doubling = messagePack({ request: unchecked<{ n: number }>(), response: unchecked<{ n: number }>() })

const open: OckamNode[] = []
const makeNode = async (network: MemoryNetwork, options: NodeOptions = {}): Promise<OckamNode> => {
  const node = await createNode({ transports: [network.transport()], ...options })
  open.push(node)
  return node
}
afterEach(async () => {
  for (const node of open.splice(0)) await node.close()
})

/** Short, so that tests are; the promises do not depend on it. */
const QUICK = {
  backoff: { initialMs: 10, maximumMs: 50, attemptMs: 4000 },
  ping: { intervalMs: 300, losses: 3 },
  primary: { retryMs: 20, answers: 2, drainMs: 60_000 },
} as const
const QUICK_RELAY = { backoff: QUICK.backoff, ping: QUICK.ping, resendMs: 100 } as const

async function until(condition: () => boolean, what: string): Promise<void> {
  for (let i = 0; i < 2000 && !condition(); i++) await new Promise((resolve) => setTimeout(resolve, 10))
  if (!condition()) throw new Error(`Gave up waiting until ${what}.`)
}

async function startRelay(network: MemoryNetwork, name: string): Promise<OckamNode> {
  const relay = await makeNode(network)
  relay.startRelayService()
  await relay.listen(`/memory/${name}`)
  return relay
}

/** A service registered at relays, and a device with a session through all of them. */
async function world(...named: (string | OpenSessionOptions)[]) {
  const relayNames = named.filter((name) => typeof name === 'string')
  const options = named.find((name) => typeof name !== 'string')
  const network = memoryNetwork()
  const relays = await Promise.all(relayNames.map((name) => startRelay(network, name)))
  const service = await makeNode(network)
  const device = await makeNode(network)
  const serviceIdentity = await service.createIdentity()
  const identity = await device.createIdentity()
  await service.listenSecureChannels('api', { identity: serviceIdentity, trust: trustIdentifier(identity.identifier) })
  service.startWorker(
    'double',
    doubling.worker(({ n }) => ({ n: 2 * n })),
  )
  const registrations = await Promise.all(
    relayNames.map((name) => service.createRelay(`/memory/${name}`, { name: 'service', ...QUICK_RELAY })),
  )
  const session = device.openSession(
    relayNames.map((name) => `/memory/${name}/service/forward_to_service/secure/api`),
    { identity, trust: trustIdentifier(serviceIdentity.identifier), ...QUICK, ...options },
  )
  const double = async (n: number): Promise<number> => (await session.request('double', { n }, { body: doubling, timeoutMs: 10_000 })).n
  return { network, relays, service, device, serviceIdentity, identity, registrations, session, double }
}

describe('a session of a node', () => {
  test('sends requests along a secure channel through a relay, as soon as that is there', async () => {
    const { session, double, serviceIdentity } = await world('relay')
    expect(() => session.routeTo('double')).toThrow(expect.objectContaining({ code: 'node/not-connected' }))
    expect(await double(21)).toBe(42)
    expect(session.state).toBe('up')
    expect(String(session.channel?.peerIdentifier)).toBe(String(serviceIdentity.identifier))
    expect(await session.request('echo', bytes('raw'))).toEqual(bytes('raw'))
  })

  test('moves the same channel through the relay that was started anew: what stands on it goes on', async () => {
    const { network, relays, session, double, service, registrations } = await world('relay')
    expect(await double(1)).toBe(2)
    const { channel } = session
    const binding = channel?.channel.channelBinding()
    const address = session.route?.route.toString()
    for (let round = 2; round < 5; round++) {
      await relays[0]?.close()
      await until(() => session.state !== 'up', 'the session has noticed')
      relays[0] = await startRelay(network, 'relay')
      expect(await double(round)).toBe(2 * round)
    }
    expect(session.channel).toBe(channel)
    expect([session.channel?.channel.channelBinding(), session.route?.route.toString()]).toEqual([binding, address])
    expect(service.channels.channels()).toHaveLength(1)
    expect(registrations[0]?.session?.state).toBe('up')
  })

  test('opens a new channel to a peer that was started anew and does not know the old one', async () => {
    const network = memoryNetwork()
    await startRelay(network, 'relay')
    const device = await makeNode(network)
    const identity = await device.createIdentity()
    const stored = memoryStore()
    const store = new Proxy(stored, { get: (target, key) => (key === 'close' ? async () => undefined : bound(target, key)) })
    const startService = async (): Promise<OckamNode> => {
      const service = await makeNode(network, { store })
      await service.listenSecureChannels('api', {
        identity: await service.createIdentity({ name: 'main' }),
        trust: trustIdentifier(identity.identifier),
      })
      await service.createRelay('/memory/relay', { name: 'service', ...QUICK_RELAY })
      return service
    }
    const service = await startService()
    const { identifier } = await service.createIdentity({ name: 'main' })
    const options = { identity, trust: trustIdentifier(identifier), ...QUICK, backoff: { ...QUICK.backoff, attemptMs: 800 } }
    const session = device.openSession('/memory/relay/service/forward_to_service/secure/api', options)
    await session.request('echo', bytes('one'))
    const { channel } = session
    await service.router.close()
    await startService()
    await until(() => session.state === 'up' && session.channel !== channel, 'the session has another channel')
    expect(await session.request('echo', bytes('two'), { timeoutMs: 10_000 })).toEqual(bytes('two'))
    expect(session.channel).not.toBe(channel)
    expect(device.channels.channels()).toHaveLength(1)
  })

  test('falls back to the second relay with the same channel, and goes back to the first', async () => {
    const { network, relays, session, double, device, service } = await world('one', 'two')
    expect([await double(1), session.way]).toEqual([2, 0])
    const { channel } = session
    await relays[0]?.close()
    await until(() => session.way === 1, 'the session has fallen back')
    expect([await double(2), session.channel]).toEqual([4, channel])
    relays[0] = await startRelay(network, 'one')
    await until(() => session.way === 0, 'the session is back on its primary way')
    expect([await double(3), session.channel]).toEqual([6, channel])
    await until(() => service.channels.channels().length === 1, 'nothing is left of the channel that was opened to try')
    expect(device.channels.channels()).toHaveLength(1)
  })

  describe('after it has come back to its first relay, has the same channel', () => {
    const cameBack = async (drainMs: number = QUICK.primary.drainMs) => {
      const all = await world('one', 'two', { primary: { ...QUICK.primary, drainMs } })
      const { network, relays, session, double } = all
      await double(1)
      const { channel } = session
      await relays[0]?.close()
      await until(() => session.way === 1, 'the session has fallen back')
      relays[0] = await startRelay(network, 'one')
      await until(() => session.way === 0, 'the session is back on its primary way')
      const isTheSame = async (): Promise<void> => {
        expect(await double(2)).toBe(4)
        expect(session.channel).toBe(channel)
      }
      return { ...all, isTheSame }
    }

    test('when the first relay ends again', async () => {
      const { relays, session, isTheSame } = await cameBack()
      await isTheSame()
      await relays[0]?.close()
      await until(() => session.way === 1, 'the session has fallen back again')
      await isTheSame()
    })

    test('when the second relay ends', async () => {
      const { relays, session, isTheSame } = await cameBack()
      await relays[1]?.close()
      await isTheSame()
      expect([session.state, session.way]).toEqual(['up', 0])
    })

    test('when nothing ends, and the fallback would not be kept any longer', async () => {
      const { isTheSame } = await cameBack(1)
      await new Promise((resolve) => setTimeout(resolve, 50))
      await isTheSame()
    })
  })

  test('keeps its channel when the fallback ends while the first relay is being tried', async () => {
    const { network, relays, session, double, device } = await world('one', 'two', { primary: { ...QUICK.primary, answers: 20 } })
    await double(1)
    const { channel } = session
    await relays[0]?.close()
    await until(() => session.way === 1, 'the session has fallen back')
    relays[0] = await startRelay(network, 'one')
    await until(() => device.channels.channels().length === 2, 'the first relay is being tried')
    await relays[1]?.close()
    await until(() => session.way === 0, 'the session has come back at once')
    expect([await double(2), session.channel]).toEqual([4, channel])
  })

  test('does not move a channel in the middle of a flood, which would lose messages: the flood ends where it began, new ones go the other way', async () => {
    const { network, relays, session, double, service } = await world('one', 'two')
    await double(1)
    const { channel } = session
    await relays[0]?.close()
    await until(() => session.way === 1, 'the session has fallen back')
    let received = 0
    service.startWorker('count', () => {
      received++
    })
    let sent = 0
    let isFlooding = true
    const flood = (async () => {
      for (; isFlooding; sent++) {
        await channel?.send('count', bytes('x'))
        if (sent % 50 === 0) await new Promise((resolve) => setImmediate(resolve))
      }
    })()
    relays[0] = await startRelay(network, 'one')
    await until(() => session.way === 0, 'the session is back on its primary way')
    expect(session.channel).not.toBe(channel)
    expect(await double(3)).toBe(6)
    isFlooding = false
    await flood
    await until(() => received === sent, 'all of the flood has come')
  })

  test('closes channel and connection, and everything that was kept for later', async () => {
    for (const moment of ['up', 'down', 'new'] as const) {
      const { session, device, relays, double } = await world('relay')
      if (moment !== 'new') await double(1)
      if (moment === 'down') {
        await relays[0]?.close()
        await until(() => session.state === 'down', 'the session is down')
      }
      await session.close()
      await session.closed
      expect([moment, device.channels.channels().length, device.router.statistics().connections]).toEqual([moment, 0, 0])
      expect(device.sessions.sessions).toEqual([])
    }
  })

  test('is closed with its node, and says goodbye to the peer', async () => {
    const { session, double, device, service } = await world('relay')
    await double(1)
    const [other] = service.channels.channels()
    await device.close()
    await session.closed
    expect((await other?.closed)?.reason).toBe('peer')
  })

  test('says goodbye through its relay when the registered side closes', async () => {
    const { session, double, service } = await world('relay')
    await double(1)
    const { channel } = session
    await service.close()
    expect((await channel?.closed)?.reason).toBe('peer')
  })

  test('goes without a channel too, and pings behind the relay then', async () => {
    const { device } = await world('relay')
    const plain = device.openSession('/memory/relay/service/forward_to_service', QUICK)
    expect(await plain.request('echo', bytes('hello'))).toEqual(bytes('hello'))
    expect(plain.channel).toBeUndefined()
    const nobody = device.openSession('/memory/relay/service/forward_to_nobody', { ...QUICK, name: 'nobody' })
    await expect(nobody.whenUp({ timeoutMs: 600 })).rejects.toMatchObject({ code: 'routing/timeout' })
  })

  test('may name a worker behind its channel, and pings the node of that worker', async () => {
    const { device, identity, service, serviceIdentity } = await world('relay')
    service.startWorker('silent', () => undefined)
    const session = device.openSession('/memory/relay/service/forward_to_service/secure/api/service/silent', {
      identity,
      trust: trustIdentifier(serviceIdentity.identifier),
      ...QUICK,
    })
    expect((await session.whenUp()).route.length).toBe(2)
  })

  test('dials nothing when nobody is named to trust, or somebody is named for nothing', async () => {
    const { device, identity, network } = await world('relay')
    const before = device.router.statistics().connections
    const attempt = (to: string | string[], options: Parameters<OckamNode['openSession']>[1]) => () => device.openSession(to, options)
    const whole = { identity, trust: trustEveryone() }
    expect(attempt('/memory/relay/secure/api', {})).toThrow(expect.objectContaining({ code: 'secure-channel/trust-missing' }))
    expect(attempt('/memory/relay/secure/api', { identity })).toThrow(expect.objectContaining({ code: 'secure-channel/trust-missing' }))
    expect(attempt(['/memory/relay/secure/api', '/memory/relay'], whole)).toThrow(expect.objectContaining({ code: 'node/no-secure-hop' }))
    expect(attempt([], whole)).toThrow(expect.objectContaining({ code: 'node/invalid-argument' }))
    expect(attempt('nonsense', {})).toThrow(expect.objectContaining({ code: 'core/invalid-multiaddr' }))
    expect([device.router.statistics().connections, network.counters.overLimit]).toEqual([before, 0])
  })
})

describe('a relay of a node', () => {
  test('fails loudly at the first registration, and keeps nothing then', async () => {
    const network = memoryNetwork()
    const node = await makeNode(network)
    await expect(node.createRelay('/memory/nowhere', { name: 'x' })).rejects.toMatchObject({ code: 'transport/connect-failed' })
    const relay = await makeNode(network)
    await relay.listen('/memory/no-service')
    await expect(node.createRelay('/memory/no-service', { name: 'x', timeoutMs: 100 })).rejects.toMatchObject({ code: 'routing/timeout' })
    expect([node.sessions.sessions.length, node.router.statistics().connections]).toEqual([0, 0])
  })

  test('goes on trying from the first registration on, when it is told that the relay may be down', async () => {
    const network = memoryNetwork()
    const node = await makeNode(network)
    const relay = await node.createRelay('/memory/later', { name: 'x', isFirstRequired: false, ...QUICK_RELAY })
    expect(() => relay.address).toThrow(expect.objectContaining({ code: 'routing/stopped' }))
    await startRelay(network, 'later')
    await relay.session?.whenUp({ timeoutMs: 10_000 })
    expect(relay.address.name).toBe('forward_to_x')
  })

  test('is registered once and no more when it is not to be kept', async () => {
    const network = memoryNetwork()
    const node = await makeNode(network)
    const relayNode = await startRelay(network, 'relay')
    const relay = await node.createRelay('/memory/relay', { name: 'x', isKept: false })
    expect([relay.session, node.sessions.sessions.length]).toEqual([undefined, 0])
    await relayNode.close()
    await relay.closed
    await relay.close()
  })

  test('belongs to the identity when it is registered through a channel: a connection that died does not keep its name', async () => {
    const network = memoryNetwork()
    const relay = await startRelay(network, 'relay')
    const relayIdentity = await relay.createIdentity()
    await relay.listenSecureChannels('relay-api', { identity: relayIdentity, trust: trustEveryone() })
    const node = await createNode({ transports: [network.transport('client')] })
    open.push(node)
    const identity = await node.createIdentity()
    const registered = await node.createRelay('/memory/relay/secure/relay-api', {
      name: 'x',
      identity,
      trust: trustIdentifier(relayIdentity.identifier),
      ...QUICK_RELAY,
    })
    // Everything the client sends is lost, and nobody is told; then it passes again.
    const removeTap = network.tap(({ from }) => (from === 'client' ? [] : undefined))
    await until(() => registered.session?.state !== 'up', 'the client has noticed')
    removeTap()
    await registered.session?.whenUp({ timeoutMs: 10_000 })
    const other = await makeNode(network)
    const session: NodeSession = other.openSession('/memory/relay/service/forward_to_x', QUICK)
    expect(await session.request('echo', bytes('again'), { timeoutMs: 10_000 })).toEqual(bytes('again'))
  })
})

describe('the echo service, which pings depend on', () => {
  test('answers through a listener, through a channel, and through the connection and the channel that carry a relay', async () => {
    const { device, service, identity, serviceIdentity, relays } = await world('relay')
    const trust = trustIdentifier(serviceIdentity.identifier)
    await service.listen('/memory/direct')
    const relayIdentity = await (relays[0] as OckamNode).createIdentity()
    await relays[0]?.listenSecureChannels('relay-api', { identity: relayIdentity, trust: trustEveryone() })
    await service.createRelay('/memory/relay/secure/relay-api', {
      name: 'inside',
      identity: serviceIdentity,
      trust: trustIdentifier(relayIdentity.identifier),
    })
    for (const way of [
      'direct',
      'direct/secure/api',
      'relay/service/forward_to_service',
      'relay/service/forward_to_service/secure/api',
      'relay/service/forward_to_inside',
      'relay/service/forward_to_inside/secure/api',
    ]) {
      const session = device.openSession(`/memory/${way}`, way.includes('secure') ? { identity, trust, ...QUICK } : QUICK)
      expect(await session.request('echo', bytes(way))).toEqual(bytes(way))
    }
  })
})

function bound<Target extends object>(target: Target, key: string | symbol): unknown {
  const value: unknown = Reflect.get(target, key)
  return typeof value === 'function' ? value.bind(target) : value
}

describe('a session with a peer that is slow to answer a handshake, as one that fetches its credential first', () => {
  /** The peer's node, with a worker in front of its listener that keeps a first message for so long. The clock is the device's. */
  async function slowWorld(delaysMs: (handshake: number) => number) {
    const network = memoryNetwork()
    const clock = new StillClock(Date.now())
    const peer = await makeNode(network)
    const device = await makeNode(network, { clock })
    const identity = await device.createIdentity()
    const peerIdentity = await peer.createIdentity()
    await peer.listen('/memory/peer')
    await peer.listenSecureChannels('api', { identity: peerIdentity, trust: trustIdentifier(identity.identifier) })
    let handshakes = 0
    peer.startWorker(
      'slow',
      (message, context) => {
        clock.schedule(delaysMs(handshakes++), () => void context.forward(message, message.onwardRoute.step()))
      },
      { from: 'anyone' },
    )
    const trust = trustIdentifier(peerIdentity.identifier)
    const session = device.openSession('/memory/peer/service/slow/secure/api', { identity, trust })
    const passes = async (seconds: number): Promise<number> => {
      for (let second = 0; second < seconds; second++) {
        if (session.state === 'up') return second
        clock.advance(1000)
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
      return seconds
    }
    return { session, passes, handshakes: () => handshakes }
  }

  test('gets to it, although that takes 100 seconds each time', async () => {
    const { session, passes } = await slowWorld(() => 100_000)
    expect(await passes(600)).toBeLessThan(600)
    expect(session.state).toBe('up')
  })

  test('begins anew after 30 seconds when a message was lost', async () => {
    // Attempts of 2, 4, 8, 16, 32 (with a second handshake in it) and 64 seconds begin with one that nothing comes of.
    const { passes, handshakes } = await slowWorld((handshake) => (handshake < 7 ? Number.POSITIVE_INFINITY : 0))
    expect(await passes(600)).toBeLessThan(2 + 4 + 8 + 16 + 32 + 64)
    expect(handshakes()).toBe(8)
  })
})
