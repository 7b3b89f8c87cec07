import { type Address, type ChannelPeerInfo, dropPressure, type Identifier, Route } from '@ockam/core'
import { afterEach, describe, expect, test } from 'vitest'
import { type ListenerOptions, type SecureChannel, trustIdentifier } from '../src/index.ts'
import { Admission } from '../src/listener/admission.ts'
import { ChannelPlaces } from '../src/listener/channel-places.ts'
import { bytes, closeNodes, collect, createTestNode, everyone, settle, startEcho, text, twoNodes, until } from './world.ts'

afterEach(closeNodes)

/** A first message anybody can make: a public key nobody has the secret of. */
const firstMessage = (seed: number): Uint8Array => Uint8Array.from({ length: 32 }, (_, i) => (seed * 31 + i * 7 + 9) & 0x7f)

describe('admission of handshakes (rule 9)', () => {
  /** Handshakes are called by network, connection and number: `a/1/3` is the third over connection 1 from network a. */
  const fill = (options: { readonly maxTotal: number; readonly maxPerNetwork: number }) => {
    const evicted: string[] = []
    const admission = new Admission<string>({ ...options, evict: (name) => void evicted.push(name) })
    const admit = (...names: readonly string[]): void => {
      for (const name of names) {
        const [network = '', connection = ''] = name.split('/')
        admission.admit(name, { network, connection: `${network}/${connection}` })
      }
    }
    return { admission, admit, evicted }
  }

  test('a full network displaces its own oldest, and nothing else', () => {
    const { admission, admit, evicted } = fill({ maxTotal: 100, maxPerNetwork: 2 })
    admit('a/1/1', 'b/1/1', 'a/1/2', 'a/1/3', 'a/1/4')
    expect(evicted).toEqual(['a/1/1', 'a/1/2'])
    expect(admission.size).toBe(3)
  })

  test('when all is full, room is made in the heaviest network', () => {
    const { admission, admit, evicted } = fill({ maxTotal: 4, maxPerNetwork: 4 })
    admit('a/1/1', 'b/1/1', 'a/1/2', 'a/1/3', 'c/1/1', 'd/1/1')
    expect(evicted).toEqual(['a/1/1', 'a/1/2'])
    admission.release('b/1/1')
    admit('e/1/1')
    expect(evicted).toHaveLength(2)
    admission.clear()
    expect(admission.size).toBe(0)
  })

  test('many connections from one network weigh as much as their sum, and the ones of an honest network stay', () => {
    const { admit, evicted } = fill({ maxTotal: 8, maxPerNetwork: 8 })
    admit('honest/1/1', 'honest/1/2', 'honest/1/3')
    for (let i = 0; i < 100; i++) admit(`flood/${i}/1`)
    expect(evicted).toHaveLength(95)
    expect(evicted.filter((name) => name.startsWith('honest'))).toEqual([])
  })

  test('within a network the heaviest connection gives way, so that others behind the same NAT stay', () => {
    const { admit, evicted } = fill({ maxTotal: 100, maxPerNetwork: 8 })
    admit('nat/honest/1', 'nat/honest/2')
    for (let i = 0; i < 100; i++) admit(`nat/flood/${i}`)
    expect(evicted).toHaveLength(94)
    expect(evicted.filter((name) => name.startsWith('nat/honest'))).toEqual([])
  })

  test('a network that is all given back is forgotten, also while it makes room for itself', () => {
    const { admission, admit, evicted } = fill({ maxTotal: 1, maxPerNetwork: 1 })
    admit('a/1/1', 'a/2/1', 'b/1/1')
    expect(evicted).toEqual(['a/1/1', 'a/2/1'])
    admission.release('b/1/1')
    admission.release('b/1/1')
    expect(admission.size).toBe(0)
    admit('a/1/2')
    expect(admission.size).toBe(1)
  })
})

describe('places for channels (rule 9)', () => {
  /** Takes all that `connection` of `network` can get. */
  const takeAll = (places: ChannelPlaces, network: string, connection: string = network) => {
    const taken: ReturnType<ChannelPlaces['placeFor']>[] = []
    for (;;) {
      const place = places.placeFor({ network, connection })
      if (!place.take('somebody')) return taken
      taken.push(place)
    }
  }

  test('a connection alone gets three quarters, its network a little more, and everybody else still gets some', () => {
    const places = new ChannelPlaces(16_384)
    expect(takeAll(places, 'a', 'a/1')).toHaveLength(12_288)
    // Behind the same NAT as the flood, with a connection of one's own.
    expect(takeAll(places, 'a', 'a/2')).toHaveLength(820)
    expect(takeAll(places, 'a', 'a/3')).toHaveLength(0)
    for (const network of ['b', 'c', 'd']) expect(takeAll(places, network).length).toBeGreaterThan(100)
    expect(places.hasRoom({ network: 'newcomer', connection: 'newcomer' })).toBe(true)
    expect(places.size).toBeLessThan(16_384)
  })

  test('nobody is refused before three quarters are taken, and many small sources get all there is', () => {
    const places = new ChannelPlaces(100)
    for (let i = 0; i < 75; i++) expect(places.placeFor({ network: 'a', connection: 'a' }).take('somebody')).toBe(true)
    expect(places.hasRoom({ network: 'a', connection: 'a' })).toBe(false)
    for (let i = 0; i < 25; i++) expect(places.placeFor({ network: `n${i}`, connection: 'c' }).take('somebody')).toBe(true)
    expect(places.hasRoom({ network: 'late', connection: 'late' })).toBe(false)
  })

  test('of few places one source may have all; without a limit nobody is refused', () => {
    for (const max of [1, 2, 3]) expect(takeAll(new ChannelPlaces(max), 'a')).toHaveLength(max)
    expect(takeAll(new ChannelPlaces(4), 'a')).toHaveLength(3)
    expect(new ChannelPlaces(Number.POSITIVE_INFINITY).hasRoom({ network: 'a', connection: 'a' })).toBe(true)
  })

  test('what is given back can be taken again, once, and not by who gave it back', () => {
    const places = new ChannelPlaces(16)
    const taken = takeAll(places, 'a')
    expect(taken[0]?.take('somebody')).toBe(true)
    expect(places.size).toBe(12)
    for (const place of [...taken, ...taken]) place.release()
    for (const place of taken) place.take('somebody')
    expect(places.size).toBe(0)
    expect(takeAll(places, 'a')).toHaveLength(12)
  })

  /** Takes a place and holds it with a channel that was silent for so long. */
  const holdPlace = (places: ChannelPlaces, source: { network: string; connection: string }, peer: string, silentMs: number) => {
    const place = places.placeFor(source)
    const holder = { isEnded: false, silentForMs: () => silentMs, giveWay: () => void (holder.isEnded = true) }
    const isTaken = place.take(peer)
    place.hold(holder)
    return Object.assign(holder, { isTaken, place })
  }

  test('a peer without room takes the place of its own channel that was silent longest, of equals the oldest, and of nobody else', () => {
    const places = new ChannelPlaces(8)
    const [relay, other] = ['relay', 'other'].map((name) => ({ network: name, connection: name })) as [never, never]
    const bobs = holdPlace(places, relay, 'bob', 9_000)
    const elsewhere = holdPlace(places, other, 'alice', 9_000)
    const alices = [20, 500, 500, 0, 30].map((silentMs) => holdPlace(places, relay, 'alice', silentMs))
    expect(places.hasRoom(relay)).toBe(false)
    const ended = (): number[] => alices.flatMap(({ isEnded }, i) => (isEnded ? [i] : []))
    for (const expected of [[1], [1, 2], [1, 2, 4], [0, 1, 2, 4]]) {
      expect(holdPlace(places, relay, 'alice', 1).isTaken).toBe(true)
      expect(ended()).toEqual(expected)
      expect(places.size).toBe(7)
    }
    expect([bobs.isEnded, elsewhere.isEnded]).toEqual([false, false])
    expect(places.displaced).toBe(4)
    // Ended only now, with its place in other hands long ago.
    for (const { place } of alices) place.release()
    expect(places.size).toBe(6)
  })

  test('who has no channel there gets no place of others, and none in the handshake when nobody has one', () => {
    const places = new ChannelPlaces(3)
    const relay = { network: 'relay', connection: 'relay' }
    const held = ['a', 'b', 'c'].map((peer) => holdPlace(places, relay, peer, 1_000))
    expect(places.mayHaveRoom(relay)).toBe(true)
    expect(holdPlace(places, relay, 'd', 0).isTaken).toBe(false)
    expect(held.some(({ isEnded }) => isEnded)).toBe(false)
    expect(places.mayHaveRoom({ network: 'elsewhere', connection: 'elsewhere' })).toBe(false)
    for (const { place } of held) place.release()
    expect([places.size, places.hasRoom(relay)]).toEqual([0, true])
  })

  test('of all the connections of a network, the place of any of them will do', () => {
    const places = new ChannelPlaces(4)
    const old = holdPlace(places, { network: 'nat', connection: 'nat/1' }, 'alice', 1_000)
    for (const peer of ['b', 'c', 'd']) holdPlace(places, { network: peer, connection: peer }, peer, 0)
    expect(holdPlace(places, { network: 'nat', connection: 'nat/2' }, 'alice', 0).isTaken).toBe(true)
    expect(old.isEnded).toBe(true)
    expect(places.size).toBe(4)
  })
})

describe('a listener under attack', () => {
  test('row 10: ten thousand first messages leave at most the cap half-open, and nothing after their deadline', async () => {
    const { alice, bob, toBob } = await twoNodes({ encode: false })
    const listener = await bob.channels.createListener('api', {
      identity: bob.identity.identifier,
      trust: everyone,
      maxHandshakes: 64,
      maxHandshakesPerSource: 32,
      handshakeTimeoutMs: 60_000,
    })
    const before = bob.router.statistics().workers
    for (let i = 0; i < 10_000; i++) {
      await alice.router.context.dispatch({
        onwardRoute: Route.of(toBob.address, 'api'),
        returnRoute: Route.of(`r${i}`),
        payload: firstMessage(i),
      })
      if (i % 500 === 0) {
        await settle()
        expect(listener.statistics().halfOpen).toBeLessThanOrEqual(32)
      }
    }
    await until(() => [alice, bob].every(({ router }) => router.statistics().waitingMessages === 0), 'the flood is over')
    await settle()
    const channel = await alice.channels.createChannel([toBob.address, 'api'], { identity: alice.identity.identifier, trust: everyone })
    expect(channel.peer.equals(bob.identity.identifier)).toBe(true)
    await channel.close()
    bob.clock.move(61_000)
    await until(() => bob.router.statistics().workers === before, 'workers of dead handshakes are gone')
    expect(listener.statistics().halfOpen).toBe(0)
    expect(listener.statistics().evicted).toBeGreaterThan(0)
  }, 60_000)

  test('rule 9: during a flood through one relay, an honest client elsewhere and one behind the same relay both connect', async () => {
    const { network, alice: relay, bob } = await twoNodes({ encode: false })
    startEcho(bob)
    const listener = await bob.channels.createListener('api', {
      identity: bob.identity.identifier,
      trust: everyone,
      maxHandshakesPerSource: 256,
    })
    // The relay lets everybody through to Bob, and what comes from Bob back to everybody.
    const relayToBob = await relay.router.connect('/memory/bob', { from: 'anyone' })
    await relay.router.listen('/memory/relay')
    network.tap(({ to, from, message }) => {
      const first = message.onwardRoute.next
      if (from === 'bob' && to === 'alice' && first !== undefined)
        relay.router.flowControls.addConsumer(first, relayToBob.producer.flowControlId)
      return undefined
    })
    const [attacker, behind, elsewhere] = await Promise.all(
      ['attacker', 'behind', 'elsewhere'].map((name) => createTestNode(name, { network })),
    )
    if (attacker === undefined || behind === undefined || elsewhere === undefined) throw new Error('no nodes')
    const attackerToRelay = await attacker.router.connect('/memory/relay')
    const behindToRelay = await behind.router.connect('/memory/relay')
    const elsewhereToBob = await elsewhere.router.connect('/memory/bob')
    let isFlooding = true
    let sent = 0
    const flood = (async () => {
      for (; isFlooding && sent < 50_000; sent++) {
        await attacker.router.context.dispatch({
          onwardRoute: Route.of(attackerToRelay.address, relayToBob.address, 'api'),
          returnRoute: Route.of(`r${sent}`),
          payload: firstMessage(sent),
        })
        if (sent % 4 === 0) await new Promise((resolve) => setImmediate(resolve))
      }
    })()
    await until(() => listener.statistics().evicted > 0, 'the flood fills its bucket')
    const options = { trust: trustIdentifier(bob.identity.identifier), timeoutMs: 10_000 }
    const far = await elsewhere.channels.createChannel([elsewhereToBob.address, 'api'], {
      identity: elsewhere.identity.identifier,
      ...options,
    })
    const near = await behind.channels.createChannel(Route.of(behindToRelay.address, relayToBob.address, 'api'), {
      identity: behind.identity.identifier,
      ...options,
    })
    const answers = await Promise.all([
      elsewhere.router.context.request([far.address, 'echo'], bytes('far'), { timeoutMs: 10_000 }),
      behind.router.context.request([near.address, 'echo'], bytes('near'), { timeoutMs: 10_000 }),
    ])
    isFlooding = false
    await flood
    expect(answers.map(({ payload }) => text(payload))).toEqual(['far', 'near'])
    expect(sent).toBeGreaterThan(256)
    expect(listener.statistics().halfOpen).toBeLessThanOrEqual(256)
  }, 30_000)

  test('rule 9: messages under 32 bytes, over 65535 and without a way back make no worker and get no answer', async () => {
    const { network, alice, bob, toBob } = await twoNodes()
    const listener = await bob.channels.createListener('api', { identity: bob.identity.identifier, trust: everyone })
    const before = bob.router.statistics().workers
    let fromBob = 0
    network.tap(({ from }) => {
      if (from === 'bob') fromBob++
      return undefined
    })
    for (const length of [0, 1, 31, 65_536]) {
      dropPressure(
        alice.router.context.dispatch({
          onwardRoute: Route.of(toBob.address, 'api'),
          returnRoute: Route.of('back'),
          payload: new Uint8Array(length),
        }),
      )
    }
    await settle()
    expect(listener.statistics()).toMatchObject({ ignored: 4, halfOpen: 0 })
    expect(bob.router.statistics().workers).toBe(before)
    expect(fromBob).toBe(0)
  })

  for (const [whose, sourceOf, expected] of [
    ['the transport names one place for both', undefined, { halfOpen: 1, evicted: 1 }],
    ['somebody knows that they are of one place', () => '192.0.2.1', { halfOpen: 1, evicted: 1 }],
    ['somebody knows that they are not', (firstHop: Address) => firstHop.key, { halfOpen: 2, evicted: 0 }],
  ] as const) {
    test(`rule 9: two connections of one node share a bucket or not: ${whose}`, async () => {
      const { alice, bob, toBob } = await twoNodes()
      const listener = await bob.channels.createListener('api', {
        identity: bob.identity.identifier,
        trust: everyone,
        maxHandshakesPerSource: 1,
        ...(sourceOf && { sourceOf }),
      })
      const second = await alice.router.connect('/memory/bob')
      for (const { address } of [toBob, second]) {
        dropPressure(
          alice.router.context.dispatch({ onwardRoute: Route.of(address, 'api'), returnRoute: Route.of('back'), payload: firstMessage(1) }),
        )
        await settle()
      }
      expect(listener.statistics()).toMatchObject(expected)
    })
  }

  test('rule 9: a channel counts to the network it was opened over', async () => {
    const { alice, bob, toBob } = await twoNodes()
    await bob.channels.createListener('api', { identity: bob.identity.identifier, trust: everyone })
    const channel = await alice.channels.createChannel([toBob.address, 'api'], { identity: alice.identity.identifier, trust: everyone })
    expect(channel.producer.remoteNetwork).toBe('/memory/bob')
    await until(() => bob.channels.channels().length === 1, 'Bob has accepted')
    expect(bob.channels.channels()[0]?.producer.remoteNetwork).toBe('/memory/alice')
  })

  test('row 11: a handshake that stops half-way is over at its deadline', async () => {
    const { alice, bob, toBob } = await twoNodes()
    const listener = await bob.channels.createListener('api', {
      identity: bob.identity.identifier,
      trust: everyone,
      handshakeTimeoutMs: 60_000,
    })
    dropPressure(
      alice.router.context.dispatch({
        onwardRoute: Route.of(toBob.address, 'api'),
        returnRoute: Route.of('gone'),
        payload: Uint8Array.from({ length: 32 }, () => 9),
      }),
    )
    await settle()
    bob.clock.move(59_000)
    expect(listener.statistics().halfOpen).toBe(1)
    bob.clock.move(1_500)
    expect(listener.statistics().halfOpen).toBe(0)
  })

  test('no more channels than allowed; with one closed there is room for another', async () => {
    const { alice, bob, toBob } = await twoNodes()
    const listener = await bob.channels.createListener('api', { identity: bob.identity.identifier, trust: everyone, maxChannels: 1 })
    const options = { identity: alice.identity.identifier, trust: everyone, timeoutMs: 100 }
    const first = await alice.channels.createChannel([toBob.address, 'api'], options)
    await until(() => listener.statistics().channels === 1)
    const { identifier } = await alice.identities.create()
    await alice.channels.createChannel([toBob.address, 'api'], { ...options, identity: identifier })
    await until(() => listener.statistics().refused === 1)
    expect(listener.statistics()).toMatchObject({ channels: 1, accepted: 1, displaced: 0 })
    await first.close()
    bob.clock.move(2_000)
    await until(() => listener.statistics().channels === 0)
    await alice.channels.createChannel([toBob.address, 'api'], { ...options, timeoutMs: 5000 })
    await until(() => listener.statistics().channels === 1)
  })

  /** A listener with places for few, and a node of several identities behind one connection to it, as behind a relay. */
  async function behindOneConnection(options: Partial<ListenerOptions> = {}) {
    const { alice: relay, bob, toBob } = await twoNodes()
    startEcho(bob)
    const listener = await bob.channels.createListener('api', { identity: bob.identity.identifier, trust: everyone, ...options })
    const other = (await relay.identities.create()).identifier
    const open = async (identity: Identifier): Promise<SecureChannel> => {
      const { accepted } = listener.statistics()
      const channel = await relay.channels.createChannel([toBob.address, 'api'], { identity, trust: everyone })
      await until(() => listener.statistics().accepted === accepted + 1, 'the channel is accepted')
      return channel
    }
    const ask = async ({ address }: SecureChannel, content: string): Promise<string> =>
      text((await relay.router.context.request([address, 'echo'], bytes(content), { timeoutMs: 2000 })).payload)
    return { relay, bob, toBob, listener, device: relay.identity.identifier, other, open, ask }
  }

  test('rule 9, regression: a device that starts anew again and again behind one relay keeps getting in, at its own expense alone', async () => {
    const { bob, listener, device, other, open, ask } = await behindOneConnection({ maxChannels: 16 })
    const others = [await open(other), await open(other)]
    const busy = await open(device)
    const left: SecureChannel[] = []
    for (let i = 0; i < 120; i++) {
      left.push(await open(device))
      expect(await ask(left.at(-1) as SecureChannel, `start ${i}`)).toBe(`start ${i}`)
      expect(await ask(busy, `still ${i}`)).toBe(`still ${i}`)
      // What was heard since the last look counts as heard now.
      bob.clock.move(1_100)
    }
    // The twelve that this connection gets: two of the other peer, the one in use, and the last nine.
    await until(() => listener.statistics().channels === 12, 'what gave way has ended')
    expect(listener.statistics()).toMatchObject({ accepted: 123, displaced: 111, refused: 0 })
    for (const channel of [...others, busy, ...left.slice(-9)]) expect(await ask(channel, 'alive')).toBe('alive')
    expect(await left[0]?.closed).toEqual({ reason: 'peer' })
    const closed = bob.events.filter(({ name }) => name === 'secure-channel/closed').map(({ details }) => details)
    expect(closed).toHaveLength(111)
    for (const details of closed)
      expect(details).toMatchObject({ peer: device.toString(), reason: 'expired', code: 'secure-channel/displaced' })
  }, 30_000)

  test('a channel through which nothing authentic came for idleTimeoutMs ends, is counted out, and both sides know it', async () => {
    const { relay, bob, toBob, listener, device, other, open, ask } = await behindOneConnection({ idleTimeoutMs: 60_000 })
    const [silent, quiet, refreshed] = [await open(device), await open(other), await open(other)] as const
    const accepted = bob.channels.channels()[0] as SecureChannel
    for (let i = 0; i < 4; i++) {
      bob.clock.move(30_000)
      expect(bob.channels.channels()).toHaveLength(i === 0 ? 3 : 2)
      if (i === 0) {
        const forged = new Uint8Array(60)
        dropPressure(relay.router.context.send([toBob.address, accepted.decryptorAddress], forged))
        await until(() => accepted.statistics().refused['forged'] === 1)
      }
      if (i < 3) expect(await ask(quiet, `${i}`)).toBe(`${i}`)
      const heard = new Promise<void>((resolve) => void bob.channels.channels().at(-1)?.on('refreshed', resolve))
      await refreshed.refreshCredentials()
      await heard
    }
    expect(await accepted.closed).toMatchObject({ reason: 'expired', error: { code: 'secure-channel/idle' } })
    expect((await silent.closed).reason).toBe('peer')
    await until(() => listener.statistics().channels === 2)
    expect(bob.events.find(({ name }) => name === 'secure-channel/closed')?.details).toMatchObject({ code: 'secure-channel/idle' })
  })

  test('without idleTimeoutMs a silent channel lives on', async () => {
    const { bob, device, open, ask } = await behindOneConnection()
    const silent = await open(device)
    for (let i = 0; i < 100; i++) bob.clock.move(24 * 3_600_000)
    expect(await ask(silent, 'after a hundred days')).toBe('after a hundred days')
  })

  test('rule 9: one source holds all the channels it can get, and an honest client from another source still connects', async () => {
    const { network, alice: attacker, bob, toBob } = await twoNodes()
    startEcho(bob)
    const listener = await bob.channels.createListener('api', { identity: bob.identity.identifier, trust: everyone, maxChannels: 16 })
    const options = { identity: attacker.identity.identifier, trust: everyone, timeoutMs: 2000 }
    const refusals = (): readonly Record<string, unknown>[] =>
      bob.events.filter(({ name }) => name === 'secure-channel/channel-refused').map(({ details }) => details)
    // All at once: every first message comes while there is room, and the last word is at the end of the handshake.
    // Each as somebody else, which costs nothing where everyone is trusted: nobody of them has a channel of his own to give.
    const somebody = async () => ({ ...options, identity: (await attacker.identities.create()).identifier })
    const identities = await Promise.all(Array.from({ length: 20 }, somebody))
    const attempts = identities.map((each) => attacker.channels.createChannel([toBob.address, 'api'], each))
    const held = (await Promise.allSettled(attempts)).flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
    await until(() => listener.statistics().halfOpen === 0, 'all handshakes are over')
    expect(listener.statistics()).toMatchObject({ channels: 12, accepted: 12, refused: 8 })
    await attacker.channels.createChannel([toBob.address, 'api'], await somebody())
    await until(() => listener.statistics().refused === 9, 'the next one is refused, too')
    expect(listener.statistics()).toMatchObject({ channels: 12, displaced: 0 })
    expect(refusals()).toEqual([1, 2, 4, 8].map((count) => ({ listener: listener.address.toString(), count, channels: 12 })))

    const honest = await createTestNode('honest', { network })
    const honestToBob = await honest.router.connect('/memory/bob')
    const channel = await honest.channels.createChannel([honestToBob.address, 'api'], {
      identity: honest.identity.identifier,
      trust: trustIdentifier(bob.identity.identifier),
    })
    expect(text((await honest.router.context.request([channel.address, 'echo'], bytes('in'))).payload)).toBe('in')
    // Nobody's channel ended for that.
    expect(listener.statistics().channels).toBe(13)

    // Ended channels give their places back, to their source as well.
    await Promise.all(held.map((each) => each.close()))
    bob.clock.move(2_000)
    await until(() => listener.statistics().channels === 1, 'the places are given back')
    await attacker.channels.createChannel([toBob.address, 'api'], options)
    await until(() => listener.statistics().channels === 2, 'the source gets in again')
  })

  test('after the listener is closed nobody gets in, and channels it accepted live on', async () => {
    const { alice, bob, toBob } = await twoNodes()
    startEcho(bob)
    const listener = await bob.channels.createListener('api', { identity: bob.identity.identifier, trust: everyone })
    const options = { identity: alice.identity.identifier, trust: everyone, timeoutMs: 50 }
    const channel = await alice.channels.createChannel([toBob.address, 'api'], options)
    await until(() => listener.statistics().channels === 1)
    await listener.close()
    await expect(alice.channels.createChannel([toBob.address, 'api'], options)).rejects.toThrowError(
      expect.objectContaining({ code: 'secure-channel/timeout' }),
    )
    expect(text((await alice.router.context.request([channel.address, 'echo'], bytes('alive'))).payload)).toBe('alive')
  })

  test('row 15: what comes through a channel reaches only what is offered to channels, and brings no local info of its own', async () => {
    const { alice, bob, toBob } = await twoNodes()
    const privately: unknown[] = []
    const offered = collect(bob, 'offered')
    bob.router.startWorker('private', (message) => void privately.push(message), { from: 'local' })
    await bob.channels.createListener('api', { identity: bob.identity.identifier, trust: everyone })
    const identity = alice.identity.identifier
    const channel = await alice.channels.createChannel([toBob.address, 'api'], { identity, trust: everyone })
    const other = await alice.channels.createChannel([toBob.address, 'api'], { identity, trust: everyone })
    await until(() => bob.channels.channels().length === 2)
    const sentByOther = other.statistics().received
    for (const target of [
      'private',
      ...bob.channels.channels().flatMap(({ address, encryptorApi, decryptorApi }) => [address, encryptorApi, decryptorApi]),
    ]) {
      dropPressure(alice.router.context.send(Route.of(channel.address, target, 'echo'), bytes('let me in')))
    }
    dropPressure(
      alice.router.context.dispatch({
        onwardRoute: Route.of(channel.address, 'offered'),
        returnRoute: Route.of('back'),
        payload: bytes('hello'),
        localInfo: [{ kind: 'channel-peer', identifier: bob.identity.identifier } as never, { kind: 'secret-note' }],
      }),
    )
    await until(() => offered.length === 1)
    expect(privately).toHaveLength(0)
    expect(other.statistics().received).toBe(sentByOther)
    // Compared as text: identifiers keep theirs in a private field, which `toEqual` does not see.
    const infos = offered[0]?.localInfo as readonly ChannelPeerInfo[]
    expect(infos.map(({ kind, ...others }) => [kind, Object.keys(others), String(others.identifier)])).toEqual([
      ['channel-peer', ['identifier'], String(identity)],
    ])
    expect(bob.router.statistics().dropped['not-reachable']).toBeGreaterThanOrEqual(7)
  })
})
