import { type Address, dropPressure, type LocalMessage, peerOf, Route } from '@ockam/core'
import { afterEach, describe, expect, test } from 'vitest'
import { allowIdentifier, trustIdentifier, trustIdentifiers } from '../src/index.ts'
import { bytes, closeNodes, collect, createTestNode, everyone, startEcho, text, twoNodes, until } from './world.ts'

afterEach(closeNodes)

describe('a secure channel', () => {
  test('carries messages both ways, and each side knows who the other is', async () => {
    const { alice, bob, toBob } = await twoNodes()
    startEcho(bob)
    const accepted: LocalMessage[] = []
    bob.router.startWorker('inbox', (message) => void accepted.push(message))
    await bob.channels.createListener('api', { identity: bob.identity.identifier, trust: trustIdentifier(alice.identity.identifier) })
    const channel = await alice.channels.createChannel([toBob.address, 'api'], {
      identity: alice.identity.identifier,
      trust: trustIdentifiers([bob.identity.identifier]),
    })
    expect(channel.peer.toString()).toBe(bob.identity.identifier.toString())
    const reply = await alice.router.context.request([channel.address, 'echo'], bytes('hello'))
    expect(text(reply.payload)).toBe('hello')
    expect(peerOf(reply)?.identifier.toString()).toBe(bob.identity.identifier.toString())
    dropPressure(alice.router.context.send([channel.address, 'inbox'], bytes('over there')))
    await until(() => accepted.length === 1)
    expect(peerOf(accepted[0] as LocalMessage)?.identifier.toString()).toBe(alice.identity.identifier.toString())
  })

  test('has the same binding on both sides, and another in every channel', async () => {
    const { alice, bob, toBob } = await twoNodes()
    const bindings: string[] = []
    await bob.channels.createListener('api', {
      identity: bob.identity.identifier,
      trust: everyone,
      onChannel: (channel) => void bindings.push(channel.channelBinding().join()),
    })
    const options = { identity: alice.identity.identifier, trust: everyone }
    const first = await alice.channels.createChannel([toBob.address, 'api'], options)
    const second = await alice.channels.createChannel([toBob.address, 'api'], options)
    await until(() => bindings.length === 2)
    expect(bindings).toEqual([first.channelBinding().join(), second.channelBinding().join()])
    expect(bindings[0]).not.toBe(bindings[1])
    expect(first.channelBinding()).toHaveLength(32)
  })

  test('is not deaf when the onChannel of the listener throws, and diagnostics hear of it', async () => {
    const { alice, bob, toBob } = await twoNodes()
    startEcho(bob)
    const listener = await bob.channels.createListener('api', {
      identity: bob.identity.identifier,
      trust: everyone,
      onChannel: () => {
        throw new Error('the program is broken')
      },
    })
    const channel = await alice.channels.createChannel([toBob.address, 'api'], { identity: alice.identity.identifier, trust: everyone })
    expect(text((await alice.router.context.request([channel.address, 'echo'], bytes('heard'), { timeoutMs: 2000 })).payload)).toBe('heard')
    expect(listener.statistics()).toMatchObject({ channels: 1, halfOpen: 0 })
    expect(bob.events.filter(({ name }) => name === 'secure-channel/listener-failed')).toEqual([
      { name: 'secure-channel/listener-failed', details: { event: 'channel' } },
    ])
    await channel.close()
    await until(() => listener.statistics().channels === 0, 'the channel ends as any other')
  })

  test('delivers thousands of messages in order, across many new keys', async () => {
    const { alice, bob, toBob } = await twoNodes()
    const inbox = collect(bob, 'inbox')
    await bob.channels.createListener('api', { identity: bob.identity.identifier, trust: everyone })
    const channel = await alice.channels.createChannel([toBob.address, 'api'], { identity: alice.identity.identifier, trust: everyone })
    let rekeyed = 0
    channel.on('rekeyed', () => rekeyed++)
    for (let i = 0; i < 5000; i++) await alice.router.context.send([channel.address, 'inbox'], bytes(String(i)))
    await until(() => inbox.length === 5000)
    expect(inbox.map(({ payload }) => Number(text(payload)))).toEqual(Array.from({ length: 5000 }, (_, i) => i))
    expect(rekeyed).toBe(Math.floor(4999 / 32))
    expect(channel.statistics()).toMatchObject({ sent: 5000, dropped: 0, refused: {} })
  })

  test('takes routes as long as the router does, and no longer', async () => {
    const { alice, bob, toBob } = await twoNodes({ alice: { maxAddresses: 64 }, bob: { maxAddresses: 48 } })
    const inbox = collect(bob, 'inbox')
    await bob.channels.createListener('api', { identity: bob.identity.identifier, trust: everyone })
    const channel = await alice.channels.createChannel([toBob.address, 'api'], { identity: alice.identity.identifier, trust: everyone })
    await until(() => bob.channels.channels().length === 1)
    for (const hops of [40, 50]) {
      const onwardRoute = Route.of(channel.address, 'inbox', ...Array.from({ length: hops - 1 }, (_, i) => `hop-${i}`))
      dropPressure(alice.router.context.dispatch({ onwardRoute, returnRoute: Route.empty, payload: bytes('far') }))
    }
    await until(() => bob.channels.channels()[0]?.statistics().refused['malformed'] === 1, 'the longer one is refused')
    await until(() => inbox.length > 0, 'the shorter one arrives')
    expect(inbox.map(({ onwardRoute }) => onwardRoute.length)).toEqual([40])
  })

  test('carries empty payloads, large payloads and everything between, unchanged', async () => {
    const { alice, bob, toBob } = await twoNodes()
    const inbox = collect(bob, 'inbox')
    await bob.channels.createListener('api', { identity: bob.identity.identifier, trust: everyone })
    const channel = await alice.channels.createChannel([toBob.address, 'api'], { identity: alice.identity.identifier, trust: everyone })
    const sizes = [0, 1, 23, 24, 255, 256, 65_535, 65_536, 200_000]
    for (const size of sizes) await alice.router.context.send([channel.address, 'inbox'], new Uint8Array(size).fill(size))
    await until(() => inbox.length === sizes.length)
    for (const [i, size] of sizes.entries()) expect(inbox[i]?.payload).toEqual(new Uint8Array(size).fill(size))
  })

  test('never changes the bytes a program sent: a payload is immutable for everyone', async () => {
    const { alice, bob, toBob } = await twoNodes({ encode: false })
    const inbox = collect(bob, 'inbox')
    await bob.channels.createListener('api', { identity: bob.identity.identifier, trust: everyone })
    const channel = await alice.channels.createChannel([toBob.address, 'api'], { identity: alice.identity.identifier, trust: everyone })
    const payload = bytes('twice the same')
    dropPressure(alice.router.context.send([channel.address, 'inbox'], payload))
    dropPressure(alice.router.context.send([channel.address, 'inbox'], payload))
    await until(() => inbox.length === 2)
    expect(inbox.map((message) => text(message.payload))).toEqual(['twice the same', 'twice the same'])
    expect(text(payload)).toBe('twice the same')
  })

  test('within one node, where ciphertexts are opened where they lie, thousands of messages arrive unchanged', async () => {
    const node = await createTestNode('alone')
    const inbox = collect(node, 'inbox')
    const options = { identity: node.identity.identifier, trust: everyone }
    await node.channels.createListener('api', options)
    const channel = await node.channels.createChannel(['api'], options)
    const payload = bytes('the same array every time')
    for (let i = 0; i < 2000; i++) await node.router.context.send([channel.address, 'inbox'], payload)
    await until(() => inbox.length === 2000)
    for (const message of inbox) expect(text(message.payload)).toBe('the same array every time')
    expect(text(payload)).toBe('the same array every time')
  })

  test('runs through another channel: the outer one carries the inner handshake and its ciphertexts', async () => {
    const { network, alice, bob: relay, toBob: toRelay } = await twoNodes()
    const far = await createTestNode('far', { network })
    await far.router.listen('/memory/far')
    startEcho(far)
    const toFar = await relay.router.connect('/memory/far', { from: 'anyone' })
    await relay.channels.createListener('api', { identity: relay.identity.identifier, trust: everyone })
    await far.channels.createListener('api', { identity: far.identity.identifier, trust: everyone })
    const outer = await alice.channels.createChannel([toRelay.address, 'api'], {
      identity: alice.identity.identifier,
      trust: trustIdentifier(relay.identity.identifier),
      from: 'anyone',
    })
    // What comes back from the far node may go into the relay's encryptor, as a relay service arranges for its own.
    const [accepted] = await waitForChannels(relay)
    relay.router.flowControls.addConsumer(accepted.address, toFar.producer.flowControlId)
    const inner = await alice.channels.createChannel(Route.of(outer.address, toFar.address, 'api'), {
      identity: alice.identity.identifier,
      trust: trustIdentifier(far.identity.identifier),
    })
    const reply = await alice.router.context.request([inner.address, 'echo'], bytes('two layers'))
    expect(text(reply.payload)).toBe('two layers')
    expect(peerOf(reply)?.identifier.toString()).toBe(far.identity.identifier.toString())
  })

  test('two nodes with the same identity and the same static key talk to each other (rule: honest peers)', async () => {
    const { network, alice } = await twoNodes()
    const twin = await createTestNode('twin', { network, vault: alice.vault, identities: alice.identities, identity: alice.identity })
    await twin.router.listen('/memory/twin')
    startEcho(twin)
    const identity = alice.identity.identifier
    await twin.channels.createListener('api', { identity, trust: trustIdentifier(identity) })
    const toTwin = await alice.router.connect('/memory/twin')
    const channel = await alice.channels.createChannel([toTwin.address, 'api'], { identity, trust: trustIdentifier(identity) })
    expect(text((await alice.router.context.request([channel.address, 'echo'], bytes('me'))).payload)).toBe('me')
  })

  test('/…/secure/api in a MultiAddr opens a channel, and closing the route closes it', async () => {
    const { alice, bob } = await twoNodes()
    startEcho(bob)
    await bob.channels.createListener('api', { identity: bob.identity.identifier, trust: everyone })
    const resolved = await alice.router.resolve('/memory/bob/secure/api/service/echo', {
      identity: alice.identity.identifier,
      trust: trustIdentifier(bob.identity.identifier),
    })
    expect(text((await alice.router.context.request(resolved.route, bytes('by address'))).payload)).toBe('by address')
    const channel = alice.channels.channelAt(resolved.route.next as Address)
    expect(channel?.peer.toString()).toBe(bob.identity.identifier.toString())
    await resolved.close()
    expect((await channel?.closed)?.reason).toBe('local')
  })

  test('a worker may ask for one identity, and others do not reach it', async () => {
    const { alice, bob, toBob } = await twoNodes()
    const open: LocalMessage[] = []
    const closedDoor: LocalMessage[] = []
    const incoming = (identifier: typeof alice.identity.identifier): { incoming: ReturnType<typeof allowIdentifier> } => ({
      incoming: allowIdentifier(identifier),
    })
    bob.router.startWorker('for-alice', (message) => void open.push(message), incoming(alice.identity.identifier))
    bob.router.startWorker('for-bob', (message) => void closedDoor.push(message), incoming(bob.identity.identifier))
    await bob.channels.createListener('api', { identity: bob.identity.identifier, trust: everyone })
    const channel = await alice.channels.createChannel([toBob.address, 'api'], { identity: alice.identity.identifier, trust: everyone })
    dropPressure(alice.router.context.send([channel.address, 'for-bob'], bytes('x')))
    dropPressure(alice.router.context.send([channel.address, 'for-alice'], bytes('y')))
    await until(() => open.length === 1)
    expect(closedDoor).toHaveLength(0)
  })
})

async function waitForChannels(node: Awaited<ReturnType<typeof createTestNode>>): Promise<[{ address: Address }]> {
  await until(() => node.channels.channels().length === 1)
  return [node.channels.channels()[0] as { address: Address }]
}
