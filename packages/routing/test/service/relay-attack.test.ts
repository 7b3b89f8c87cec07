/** Attacks on relays, each by its name. Refusal is silence. */
import { Address, dropPressure, type LocalMessage, peerOf, Route } from '@ockam/core'
import { encodeBareString } from '@ockam/core/bare'
import { createRelayClient, startEcho, startHop, startRelayService } from '@ockam/routing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { NodeFlowControls } from '../../src/flow-control.ts'
import { ManualClock } from '../fixture/manual-clock.ts'
import { RecordingDiagnostics } from '../fixture/recording-diagnostics.ts'
import { turn } from '../fixture/settle.ts'
import { FakeChannel } from './fixture/fake-channel.ts'
import { rawNode, routeOf } from './fixture/raw-transport.ts'

const ALIAS = encodeBareString('n1')
const PING = Uint8Array.of(1, 2, 3)

describe('a registration', () => {
  test('without a hop of the registering side is refused', async () => {
    const diagnostics = new RecordingDiagnostics()
    const { router, accept, quiet } = await rawNode({ diagnostics })
    const service = startRelayService(router)
    const attacker = accept()
    attacker.tell('static_forwarding_service', '', ALIAS)
    const channel = new FakeChannel(router, 'a')
    channel.deliver('static_forwarding_service', '', ALIAS)
    await quiet()
    expect(service.relays).toEqual([])
    expect([attacker.received, channel.sent]).toEqual([[], []])
    expect(diagnostics.named('routing/relay-refused')).toMatchObject([{ reason: 'no-own-hop' }])
  })

  test('of a local worker, or one that came round through one, is refused', async () => {
    const diagnostics = new RecordingDiagnostics()
    const { router, accept, quiet } = await rawNode({ diagnostics })
    const service = startRelayService(router)
    startHop(router, 'hop', { from: 'anyone' })
    dropPressure(router.context.send('static_forwarding_service', ALIAS))
    dropPressure(
      router.context.dispatch({ onwardRoute: routeOf('static_forwarding_service'), returnRoute: routeOf('secret x'), payload: ALIAS }),
    )
    accept().tell('hop static_forwarding_service', 'x', ALIAS)
    await quiet()
    expect(service.relays).toEqual([])
    expect(diagnostics.named('routing/relay-refused')).toMatchObject([{ reason: 'not-from-another-node' }])
    expect(router.statistics().dropped).toEqual({})
  })

  test.each([
    ['nothing', new Uint8Array(0)],
    ['an empty name', encodeBareString('')],
    ['65 characters', encodeBareString('a'.repeat(65))],
    ['a slash', encodeBareString('a/b')],
    ['a transport type', encodeBareString('1#host')],
    ['a space', encodeBareString('a b')],
    ['a line break', encodeBareString('a\n')],
    ['letters that look like others', encodeBareString('аdmin')],
    ['a length without its text', Uint8Array.of(5, 0x61)],
    ['text that is not UTF-8', Uint8Array.of(2, 0xc3, 0x28)],
    ['a map without a name', Uint8Array.of(0xa1, 2, 0x61, 0x61)],
    ['a map with two names', Uint8Array.of(0xa2, 1, 0x61, 0x61, 1, 0x61, 0x62)],
    ['a map that is cut', Uint8Array.of(0xa2, 1, 0x61, 0x61)],
    ['a map of a number', Uint8Array.of(0xa1, 1, 7)],
    ['more than 4096 bytes', Uint8Array.of(2, 0x6e, 0x31, ...new Array<number>(4096).fill(0))],
  ])('with %s as its name is refused', async (_, body) => {
    const { router, accept, quiet } = await rawNode()
    const service = startRelayService(router)
    const attacker = accept()
    attacker.tell('static_forwarding_service', 'x', body)
    await quiet()
    expect(service.relays).toEqual([])
    expect(attacker.received).toEqual([])
  })

  test('with any name of 1 to 64 permitted characters is taken', async () => {
    const { router, accept, quiet } = await rawNode()
    const service = startRelayService(router)
    const owner = accept()
    for (const name of ['a', 'Z_9.-', '..', 'b'.repeat(64)]) owner.tell('static_forwarding_service', 'x', encodeBareString(name))
    await quiet()
    expect(service.relays).toEqual(['a', 'Z_9.-', '..', 'b'.repeat(64)].map((name) => `forward_to_${name}`))
  })

  test('cannot take the address of a worker', async () => {
    const diagnostics = new RecordingDiagnostics()
    const { router, accept, quiet } = await rawNode({ diagnostics })
    const service = startRelayService(router, { prefix: 'my_' })
    router.startWorker('my_secret', () => undefined)
    accept().tell('static_forwarding_service', 'x', encodeBareString('secret'))
    await quiet()
    expect(service.relays).toEqual([])
    expect(diagnostics.named('routing/relay-refused')).toMatchObject([{ reason: 'address-in-use', relay: 'my_secret' }])
    expect(diagnostics.named('routing/worker-failed')).toEqual([])
    expect(() => startRelayService(router, { prefix: '', addresses: ['other'] })).toThrowError(
      expect.objectContaining({ code: 'routing/invalid-argument' }),
    )
  })

  test('flood of ten thousand leaves bounded state and few events', async () => {
    const diagnostics = new RecordingDiagnostics()
    const { router, accept, quiet } = await rawNode({ diagnostics, clock: new ManualClock() })
    const service = startRelayService(router)
    const before = router.statistics().workers
    const attacker = accept()
    for (let i = 0; i < 10_000; i++) {
      attacker.tell('static_forwarding_service', 'x', encodeBareString(`n${i}`))
      if (i % 500 === 0) await quiet()
    }
    await quiet()
    expect(service.relays).toHaveLength(100)
    expect(router.statistics().workers).toBe(before + 1 + 100)
    expect((router.flowControls as NodeFlowControls).consumerCount).toBe(0)
    expect(diagnostics.named('routing/relay-refused')).toHaveLength(1)
    expect(diagnostics.events.length).toBeLessThan(110)
    attacker.cut()
    await turn()
    await quiet()
    expect(service.relays).toEqual([])
    expect(router.statistics().workers).toBe(before)
  })
})

describe('through a relay', () => {
  test('nothing ever reaches a worker of the relay node, nor another connection, whatever was registered and sent', async () => {
    const name = fc.constantFrom('secret', 'open', 'forward_to_n1', 'forward_to_n2', 'static_forwarding_service', 'x')
    const names = fc.array(name, { maxLength: 5 }).map((list) => list.join(' '))
    await fc.assert(
      fc.asyncProperty(names, names, names, names, async (ownHops, otherHops, onward, back) => {
        const { router, accept, quiet } = await rawNode()
        startRelayService(router)
        const reached: string[] = []
        for (const worker of ['secret', 'open'])
          router.startWorker(worker, () => void reached.push(worker), { from: worker === 'open' ? 'anyone' : 'local' })
        const [attacker, bystander, sender] = [accept(), accept(), accept()]
        attacker.tell('static_forwarding_service', ownHops, encodeBareString('n1'))
        attacker.tell('static_forwarding_service', otherHops, encodeBareString('n2'))
        await quiet()
        // Directly, `open` may be reached: what is asked here is where a relay leads.
        sender.tell(`forward_to_n1 ${onward}`.trim(), back, PING)
        attacker.tell(`forward_to_n2 ${onward}`.trim(), back, PING)
        await quiet()
        expect(reached).toEqual([])
        expect(bystander.received).toEqual([])
        expect(sender.received).toEqual([])
      }),
      { numRuns: 60 },
    )
  })

  test('the identity of the sender does not leave the relay', async () => {
    const { router, quiet } = await rawNode()
    startRelayService(router)
    const owner = new FakeChannel(router, 'a')
    owner.deliver('static_forwarding_service', 'relay_main', ALIAS)
    await quiet()
    new FakeChannel(router, 'b').deliver('forward_to_n1 service', 'x', PING)
    await quiet()
    expect(owner.sent[1]).toMatchObject({ onward: 'service', payload: '010203', localInfo: [], origin: undefined })
  })

  test.each([
    ['Rust and our relays send it', ''],
    ['Elixir relays send it', 'worker '],
  ])('a stranger is not admitted by a rule that admits the relay: message as %s', async (_, form) => {
    const { router, quiet } = await rawNode()
    const relay = new FakeChannel(router, 'a')
    const admitted: string[] = []
    const isRelay = (message: LocalMessage): boolean => peerOf(message)?.identifier.toString() === relay.identifier.toString()
    for (const [name, from] of [
      ['guarded', 'anyone'],
      ['channels only', 'channels'],
    ] as const) {
      const incoming = { description: 'the relay only', isAllowed: isRelay }
      router.startWorker(Address.local(name), () => void admitted.push(name), { from, incoming })
    }
    const toBoth = (before: Route): void => {
      for (const name of ['guarded', 'channels only']) relay.deliverTo(before.concat(Route.of(Address.local(name))), 'stranger', PING)
    }
    // Before the channel leads to a relay, what comes over it is the other side's own word.
    toBoth(Route.empty)
    await quiet()
    expect(admitted).toEqual(['guarded', 'channels only'])

    const to = {
      route: Route.of(relay.encryptor),
      producer: relay.producer,
      closed: new Promise<void>(() => undefined),
      close: () => relay.close(),
    }
    const registering = createRelayClient(router, to, { name: 'n1' })
    await quiet()
    const worker = relay.sent[0]?.back as string
    relay.deliver(worker, 'forward_to_n1', encodeBareString('forward_to_n1'))
    const handle = await registering
    toBoth(form === '' ? Route.empty : Route.of(worker))
    await quiet()
    expect(admitted).toHaveLength(2)
    expect(router.statistics().dropped).toEqual({ 'denied-incoming': 1, 'not-reachable': 1 })

    // Nor does anything else known here about the channel pass for knowledge about the stranger.
    const infos: unknown[] = []
    router.startWorker('service', ({ localInfo }) => void infos.push(localInfo), { from: 'anyone' })
    const onwardRoute = Route.of(worker, 'service')
    const localInfo = [{ kind: 'anything else' }]
    dropPressure(router.context.dispatch({ onwardRoute, returnRoute: Route.of('x'), payload: PING, localInfo, origin: relay.producer }))
    await quiet()
    expect(infos).toEqual([[]])

    // The channel stays what it is: other relays, registered by whoever, may still lead here.
    await handle.close()
    toBoth(Route.empty)
    await quiet()
    expect(admitted).toHaveLength(2)
  })

  test('introduces nobody by a return route that names another connection than the message came through', async () => {
    const { router, quiet } = await rawNode()
    startRelayService(router)
    const owner = new FakeChannel(router, 'a')
    owner.deliver('static_forwarding_service', 'relay_main', ALIAS)
    await quiet()
    const [origin, named] = [new FakeChannel(router, 'b'), new FakeChannel(router, 'c')]
    dropPressure(
      router.context.dispatch({
        onwardRoute: routeOf('forward_to_n1 service'),
        returnRoute: Route.of(named.encryptor, 'x'),
        payload: PING,
        origin: origin.producer,
      }),
    )
    await quiet()
    expect(owner.sent.at(-1)).toMatchObject({ onward: 'service' })
    expect((router.flowControls as NodeFlowControls).isConsumer(named.encryptor, owner.producer)).toBe(false)
    expect((router.flowControls as NodeFlowControls).consumerCount).toBe(0)
  })

  test('a connection that is gone is not reached, and neither is what comes after it', async () => {
    const diagnostics = new RecordingDiagnostics()
    const { router, accept, quiet } = await rawNode({ diagnostics, clock: new ManualClock() })
    startRelayService(router)
    const [owner, sender] = [accept(), accept()]
    owner.tell('static_forwarding_service', 'x', ALIAS)
    await quiet()
    // While the owner does not read, messages wait at the relay; then its connection ends.
    let relieve = (): void => undefined
    owner.pressure = new Promise<void>((resolve) => {
      relieve = resolve
    })
    for (let i = 0; i < 3000; i++) sender.tell('forward_to_n1 echo', 'y', PING)
    for (let i = 0; i < 10; i++) await turn()
    expect(router.statistics().waitingMessages).toBeGreaterThan(1000)
    owner.cut()
    for (let i = 0; i < 10; i++) await turn()
    sender.tell('forward_to_n1 echo', 'y', PING)
    await quiet()
    expect(router.statistics().dropped).toMatchObject({ 'unknown-address': 1 })
    expect(diagnostics.named('routing/worker-failed')).toEqual([])
    expect(diagnostics.named('routing/relay-dropped')).toMatchObject([{ reason: 'routing/unknown-address' }])
    relieve()
  })
})

describe('a name', () => {
  test('of an identity is not given to another one, nor to a plain connection', async () => {
    const diagnostics = new RecordingDiagnostics()
    const { router, accept, quiet } = await rawNode({ diagnostics })
    startRelayService(router)
    const [owner, thief, plain] = [new FakeChannel(router, 'a'), new FakeChannel(router, 'b'), accept()]
    owner.deliver('static_forwarding_service', 'mine', ALIAS)
    thief.deliver('static_forwarding_service', 'mine', ALIAS)
    plain.tell('static_forwarding_service', 'mine', ALIAS)
    await quiet()
    accept().tell('forward_to_n1 echo', 'x', PING)
    await quiet()
    expect(owner.sent.map(({ onward }) => onward)).toEqual(['mine', 'echo'])
    expect([thief.sent, plain.received]).toEqual([[], []])
    expect(diagnostics.named('routing/relay-refused')).toMatchObject([{ reason: 'name-taken', relay: 'forward_to_n1' }])
  })

  test('of a plain connection is not given to another one, nor to a channel', async () => {
    const { router, accept, quiet } = await rawNode()
    startRelayService(router)
    const [owner, thief, channel] = [accept(), accept(), new FakeChannel(router, 'a')]
    for (const side of [owner, thief]) side.tell('static_forwarding_service', 'mine', ALIAS)
    channel.deliver('static_forwarding_service', 'mine', ALIAS)
    await quiet()
    accept().tell('forward_to_n1 echo', 'x', PING)
    await quiet()
    expect(owner.messages.map(({ onward }) => onward)).toEqual(['mine', 'echo'])
    expect([thief.received, channel.sent]).toEqual([[], []])
  })

  test('may be taken again by its owner, who is then reached the new way', async () => {
    const { router, accept, quiet } = await rawNode()
    const service = startRelayService(router)
    const [owner, sender] = [accept(), accept()]
    owner.tell('static_forwarding_service', 'old mine', ALIAS)
    await quiet()
    sender.tell('forward_to_n1 echo', 'x', PING)
    await quiet()
    owner.tell('static_forwarding_service', 'new mine', ALIAS)
    await quiet()
    sender.tell('forward_to_n1 echo', 'x', PING)
    await quiet()
    expect(owner.messages.map(({ onward }) => onward)).toEqual(['old mine', 'old echo', 'new mine', 'new echo'])
    expect(service.relays).toEqual(['forward_to_n1'])
  })

  test('moves with its identity to another channel, and the end of the first one does not end it', async () => {
    const diagnostics = new RecordingDiagnostics()
    const { router, accept, quiet } = await rawNode({ diagnostics })
    const service = startRelayService(router)
    const [first, second, sender] = [new FakeChannel(router, 'a'), new FakeChannel(router, 'a'), accept()]
    first.deliver('static_forwarding_service', 'mine', ALIAS)
    await quiet()
    first.deliver('static_forwarding_service', 'mine', ALIAS)
    await quiet()
    expect(diagnostics.named('routing/relay-moved')).toEqual([])
    second.deliver('static_forwarding_service', 'mine', ALIAS)
    await quiet()
    // The node's own diagnostics know; who had it before is told nothing.
    expect(diagnostics.named('routing/relay-moved')).toEqual([{ reason: 'registered-again', count: 1, relay: 'forward_to_n1' }])
    await first.close()
    await turn()
    sender.tell('forward_to_n1 echo', 'x', PING)
    await quiet()
    expect(service.relays).toEqual(['forward_to_n1'])
    expect([first.sent.length, second.sent.length]).toEqual([2, 2])
    await second.close()
    await turn()
    expect(service.relays).toEqual([])
  })

  test('is free when the connection ends, and a new owner can take it', async () => {
    const { router, accept, quiet } = await rawNode()
    const service = startRelayService(router)
    const [owner, next] = [accept(), accept()]
    owner.tell('static_forwarding_service', 'mine', ALIAS)
    await quiet()
    owner.cut()
    await turn()
    await turn()
    expect(service.relays).toEqual([])
    next.tell('static_forwarding_service', 'mine', ALIAS)
    await quiet()
    accept().tell('forward_to_n1 echo', 'x', PING)
    await quiet()
    expect(owner.messages).toHaveLength(1)
    expect(next.messages.map(({ onward }) => onward)).toEqual(['mine', 'echo'])
  })
})

describe('an owner who does not read', () => {
  test('cannot hold up the registrations of others, also by registering again', async () => {
    const { router, accept, quiet } = await rawNode()
    const service = startRelayService(router)
    const [stuck, sender, other] = [accept(), accept(), accept()]
    stuck.tell('static_forwarding_service', 'x', ALIAS)
    await quiet()
    stuck.pressure = new Promise(() => undefined)
    for (let i = 0; i < 2000; i++) sender.tell('forward_to_n1 echo', 'y', PING)
    for (let i = 0; i < 5; i++) {
      stuck.tell('static_forwarding_service', 'x', ALIAS)
      await turn()
    }
    const workers = router.statistics().workers
    other.tell('static_forwarding_service', 'x', encodeBareString('n2'))
    for (let i = 0; i < 10; i++) await turn()
    expect(service.relays).toEqual(['forward_to_n1', 'forward_to_n2'])
    expect(other.messages).toHaveLength(1)
    // Registering again makes no further mailbox.
    expect(router.statistics().workers).toBe(workers + 1)
    await service.close()
    expect(router.statistics().workers).toBe(workers - 2)
  })

  test('holds up no messages any more once its identity is reached elsewhere', async () => {
    const { router, accept } = await rawNode()
    startRelayService(router)
    const forever = new Promise<void>(() => undefined)
    const { flowControls } = router
    const producer = flowControls.createProducer('channel', flowControls.createId())
    router.startWorker('stuck', () => forever, { from: 'local', producer, maxMessages: 4 })
    const second = new FakeChannel(router, 'a')
    const registered = Route.of('stuck', 'mine')
    const localInfo = [{ kind: 'channel-peer', identifier: second.identifier }]
    dropPressure(
      router.context.dispatch({
        onwardRoute: routeOf('static_forwarding_service'),
        returnRoute: registered,
        payload: ALIAS,
        localInfo,
        origin: producer,
      }),
    )
    for (let i = 0; i < 5; i++) await turn()
    const sender = accept()
    for (let i = 0; i < 50; i++) sender.tell(`forward_to_n1 echo`, 'x', Uint8Array.of(i))
    for (let i = 0; i < 5; i++) await turn()
    expect(router.statistics().waitingMessages).toBeGreaterThan(40)
    second.deliver('static_forwarding_service', 'mine', ALIAS)
    for (let i = 0; i < 10; i++) await turn()
    const payloads = second.sent.slice(1).map(({ payload }) => Number.parseInt(payload, 16))
    expect(payloads.length).toBeGreaterThan(40)
    expect(payloads).toEqual([...payloads].sort((a, b) => a - b))
  })
})

test('An echo whose asker does not read goes on answering others.', async () => {
  const { router, accept } = await rawNode()
  startEcho(router)
  const [stuck, other] = [accept(), accept()]
  stuck.pressure = new Promise(() => undefined)
  for (let i = 0; i < 5; i++) {
    for (let j = 0; j < 900; j++) stuck.tell('echo', 'x', PING)
    await turn()
    await turn()
  }
  const waiting = router.statistics().waitingMessages
  other.tell('echo', 'x', PING)
  for (let i = 0; i < 10; i++) await turn()
  expect(other.messages).toEqual([{ onward: 'x', back: 'echo', payload: '010203' }])
  expect(waiting).toBeLessThan(2200)
})
