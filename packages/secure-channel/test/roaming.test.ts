import { dropPressure, type Address, Route, type TransportMessage } from '@ockam/core'
import { afterEach, describe, expect, test } from 'vitest'
import { bytes, closeNodes, collect, createTestNode, everyone, settle, startEcho, text, twoNodes, until } from './world.ts'

afterEach(closeNodes)

async function connected() {
  const world = await twoNodes()
  const { alice, bob, toBob } = world
  startEcho(bob)
  const inbox = collect(bob, 'inbox')
  await bob.channels.createListener('api', { identity: bob.identity.identifier, trust: everyone })
  const channel = await alice.channels.createChannel([toBob.address, 'api'], { identity: alice.identity.identifier, trust: everyone })
  await until(() => bob.channels.channels().length === 1)
  const accepted = bob.channels.channels()[0] as typeof channel
  const ask = async (content: string): Promise<string> =>
    text((await alice.router.context.request([channel.address, 'echo'], bytes(content), { timeoutMs: 2000 })).payload)
  return { ...world, inbox, channel, accepted, ask }
}

describe('moving a live channel', () => {
  test('the connection dies, the same channel goes on over a second one', async () => {
    const { alice, toBob, channel, accepted, ask } = await connected()
    for (let i = 0; i < 40; i++) expect(await ask(`first way ${i}`)).toBe(`first way ${i}`)
    const binding = channel.channelBinding()
    await toBob.close()
    await settle()
    const second = await alice.router.connect('/memory/bob')
    channel.updateRoute([second.address])
    for (let i = 0; i < 40; i++) expect(await ask(`second way ${i}`)).toBe(`second way ${i}`)
    expect(accepted.channelBinding()).toEqual(binding)
    expect(alice.channels.channels()).toHaveLength(1)
  })

  test('with both connections open, the peer follows with the second message', async () => {
    const { network, alice, channel, ask } = await connected()
    await ask('zero')
    await ask('one')
    const second = await alice.router.connect('/memory/bob')
    const answers: number[] = []
    network.tap(({ from, connection }) => {
      if (from === 'bob') answers.push(connection)
      return undefined
    })
    channel.updateRoute([second.address])
    await ask('two')
    await ask('three')
    await ask('four')
    expect(answers).toEqual([1, 2, 2])
  })

  test('messages keep their order on each of the two ways around a change of route, and none is lost or repeated', async () => {
    const { alice, channel, inbox } = await connected()
    const second = await alice.router.connect('/memory/bob')
    const { context } = alice.router
    for (let i = 0; i < 10; i++) dropPressure(context.send([channel.address, 'inbox'], bytes(`a${i}`)))
    channel.updateRoute([second.address])
    for (let i = 0; i < 10; i++) dropPressure(context.send([channel.address, 'inbox'], bytes(`b${i}`)))
    await until(() => inbox.length === 20)
    const arrived = inbox.map(({ payload }) => text(payload))
    for (const way of ['a', 'b'])
      expect(arrived.filter((content) => content.startsWith(way))).toEqual(Array.from({ length: 10 }, (_, i) => `${way}${i}`))
  })

  test('through another node: from a direct connection to a relay in the middle', async () => {
    const { network, alice, channel, ask } = await connected()
    expect(await ask('direct')).toBe('direct')
    expect(await ask('direct again')).toBe('direct again')
    const relay = await createTestNode('relay', { network })
    await relay.router.listen('/memory/relay')
    const onward = await relay.router.connect('/memory/bob', { from: 'anyone' })
    const toRelay = await alice.router.connect('/memory/relay')
    // What comes back from Bob may leave towards Alice: a relay service arranges this for its clients.
    network.tap(({ from, message }) => {
      const first = message.onwardRoute.next
      if (from === 'bob' && first !== undefined) relay.router.flowControls.addConsumer(first, onward.producer.flowControlId)
      return undefined
    })
    channel.updateRoute([toRelay.address, onward.address])
    expect(await ask('by relay')).toBe('by relay')
    expect(await ask('by relay again')).toBe('by relay again')
  })

  test('messages sent while there is no way are dropped without using up nonces, so the channel survives', async () => {
    const { alice, toBob, channel, ask } = await connected()
    expect(await ask('before')).toBe('before')
    await toBob.close()
    await settle()
    for (let i = 0; i < 200; i++) dropPressure(alice.router.context.send([channel.address, 'inbox'], bytes('into the void')))
    await settle()
    expect(channel.statistics().dropped).toBe(200)
    const second = await alice.router.connect('/memory/bob')
    channel.updateRoute([second.address])
    expect(await ask('after')).toBe('after')
  })

  test('only the side that opened the channel can move it', async () => {
    const { accepted } = await connected()
    expect(() => accepted.updateRoute(['x'])).toThrowError(expect.objectContaining({ code: 'secure-channel/invalid-argument' }))
  })

  test('consumers of ways left behind are removed', async () => {
    const { alice, toBob, channel } = await connected()
    const isOpenFor = (producer: typeof toBob.producer): boolean => alice.router.flowControls.isConsumer(channel.decryptorAddress, producer)
    expect(isOpenFor(toBob.producer)).toBe(true)
    const second = await alice.router.connect('/memory/bob')
    channel.updateRoute([second.address])
    await settle()
    expect([toBob.producer, second.producer].map(isOpenFor)).toEqual([true, true])
    const third = await alice.router.connect('/memory/bob')
    channel.updateRoute([third.address])
    await settle()
    expect([toBob.producer, second.producer, third.producer].map(isOpenFor)).toEqual([false, true, true])
  })
})

describe('rule 4: an attacker who sees every ciphertext cannot take the channel over', () => {
  async function attacked() {
    const world = await connected()
    const { network } = world
    const mallory = await createTestNode('mallory', { network })
    const own = await mallory.router.connect('/memory/bob')
    const stolenAnswers = collect(mallory, 'trap', 'anyone')
    /** Delivers a copy of Alice's ciphertext over Mallory's own connection, with a way back to Mallory. */
    const deliver = (message: TransportMessage): void => {
      const decryptor = message.onwardRoute.next as Address
      dropPressure(
        mallory.router.context.dispatch({
          onwardRoute: Route.of(own.address, decryptor),
          returnRoute: Route.of('trap'),
          payload: message.payload,
        }),
      )
    }
    return { ...world, stolenAnswers, deliver }
  }

  test('copies the newest ciphertext and delivers it first: traffic returns to the honest way', async () => {
    const { network, stolenAnswers, deliver, ask } = await attacked()
    await ask('zero')
    await ask('one')
    let isAttacking = true
    network.tap(({ from, message, inject }) => {
      if (from !== 'alice' || !isAttacking) return undefined
      isAttacking = false
      deliver(message)
      // The original arrives later than the copy.
      setTimeout(() => inject(message), 20)
      return []
    })
    // The copy is answered along the honest way: one message is only a candidate.
    expect(await ask('two')).toBe('two')
    for (let i = 0; i < 5; i++) expect(await ask(`then ${i}`)).toBe(`then ${i}`)
    expect(stolenAnswers).toHaveLength(0)
  })

  test('wins two races in a row and so gets two answers at most: the next honest message brings everything back', async () => {
    const { network, alice, channel, deliver, ask, stolenAnswers } = await attacked()
    await ask('zero')
    await ask('one')
    let races = 2
    network.tap(({ from, message }) => {
      if (from !== 'alice' || races === 0) return undefined
      races--
      deliver(message)
      return []
    })
    dropPressure(alice.router.context.send([channel.address, 'echo'], bytes('raced')))
    await settle()
    dropPressure(alice.router.context.send([channel.address, 'echo'], bytes('raced')))
    await settle()
    for (let i = 0; i < 5; i++) expect(await ask(`home ${i}`)).toBe(`home ${i}`)
    expect(stolenAnswers.length).toBeLessThanOrEqual(2)
    for (const { payload } of stolenAnswers) expect(text(payload)).not.toContain('raced')
  })

  test('old ciphertexts from elsewhere move nothing', async () => {
    const { network, deliver, stolenAnswers, ask } = await attacked()
    const copies: TransportMessage[] = []
    network.tap(({ from, message }) => {
      if (from === 'alice') copies.push({ ...message, payload: message.payload.slice() })
      return undefined
    })
    for (let i = 0; i < 20; i++) await ask(`${i}`)
    for (const copy of copies) deliver(copy)
    await settle()
    expect(await ask('still here')).toBe('still here')
    expect(stolenAnswers).toHaveLength(0)
  })
})
