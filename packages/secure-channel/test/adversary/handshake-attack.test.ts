import { dropPressure, type ChannelProof, Route, type TransportMessage } from '@ockam/core'
import { afterEach, describe, expect, test } from 'vitest'
import { trustIdentifier } from '../../src/index.ts'
import { bytes, closeNodes, collect, createTestNode, everyone, settle, startEcho, text, twoNodes, until } from '../world.ts'
import { lying } from './lying-identities.ts'
import { ManInTheMiddle } from './man-in-the-middle.ts'

afterEach(closeNodes)

const withCode = (code: string): unknown => expect.objectContaining({ code: `secure-channel/${code}` })

/** A liar on one side, an honest node on the other. What does the honest one say? */
async function verdictOn(
  change: (proof: ChannelProof, victim: ChannelProof) => ChannelProof,
): Promise<{ asInitiator: unknown; asResponder: string[] }> {
  const { network, alice, bob } = await twoNodes()
  const victim = await alice.identities.channelProof(alice.identity.identifier)
  const mallory = await createTestNode('mallory', { network, lie: lying((proof) => change(proof, victim)) })
  await mallory.router.listen('/memory/mallory')
  await mallory.channels.createListener('api', { identity: mallory.identity.identifier, trust: everyone })
  await bob.channels.createListener('api', { identity: bob.identity.identifier, trust: everyone })
  const toMallory = await bob.router.connect('/memory/mallory')
  const opening = bob.channels
    .createChannel([toMallory.address, 'api'], { identity: bob.identity.identifier, trust: everyone })
    .then(() => undefined)
    .catch((error: unknown) => error)
  await until(() => bob.events.some(({ name }) => name === 'secure-channel/handshake-refused'))
  bob.clock.move(1_000)
  const asInitiator = await opening
  bob.events.length = 0
  const toBob = await mallory.router.connect('/memory/bob')
  await mallory.channels.createChannel([toBob.address, 'api'], { identity: mallory.identity.identifier, trust: everyone })
  await settle()
  expect(bob.channels.channels()).toHaveLength(0)
  const asResponder = bob.events
    .filter(({ name }) => name === 'secure-channel/handshake-refused')
    .map(({ details }) => String(details['code']))
  return { asInitiator, asResponder }
}

describe('an attacker with an identity of her own', () => {
  test.each<[string, (own: ChannelProof, victim: ChannelProof) => ChannelProof]>([
    ['row 7: shows Alice’s history with her own attestation', (own, victim) => ({ ...own, changeHistory: victim.changeHistory })],
    ['row 7: shows her own history with Alice’s attestation', (own, victim) => ({ ...own, attestation: victim.attestation })],
    [
      'row 7: shows Alice’s history and attestation without Alice’s static key',
      (own, victim) => ({ ...own, changeHistory: victim.changeHistory, attestation: victim.attestation }),
    ],
    ['row 8: shows a history of data version 0', (own) => ({ ...own, changeHistory: replaced(own.changeHistory, '830101', '830001') })],
    ['row 8: shows a history of data version 2', (own) => ({ ...own, changeHistory: replaced(own.changeHistory, '830101', '830201') })],
    ['row 8: shows an attestation of data version 2', (own) => ({ ...own, attestation: replaced(own.attestation, '830102', '830202') })],
    [
      'row 21: shows an attestation labelled as a change',
      (own) => ({ ...own, attestation: replaced(own.attestation, '830102', '830101') }),
    ],
    ['row 21: shows a change as attestation', (own) => ({ ...own, attestation: own.changeHistory.slice(1) })],
    [
      'row 21: shows an attestation labelled as a credential',
      (own) => ({ ...own, attestation: replaced(own.attestation, '830102', '830103') }),
    ],
    [
      'shows a changed signature',
      (own) => ({
        ...own,
        attestation: Uint8Array.from(own.attestation, (byte, i) => (i === own.attestation.length - 1 ? byte ^ 1 : byte)),
      }),
    ],
    ['shows an empty history', (own) => ({ ...own, changeHistory: new Uint8Array([0x80]) })],
  ])('%s: both roles refuse it, and store nothing', async (_, change) => {
    const { asInitiator, asResponder } = await verdictOn(change)
    expect(asInitiator).toEqual(withCode('invalid-identity'))
    expect(asResponder).toEqual(['secure-channel/invalid-identity'])
  })

  test('row 8: an older history after a newer one is refused', async () => {
    const { network, alice, bob, toBob } = await twoNodes()
    const old = await alice.identities.channelProof(alice.identity.identifier)
    await bob.channels.createListener('api', { identity: bob.identity.identifier, trust: everyone })
    await alice.identities.rotate(alice.identity.identifier)
    const options = { identity: alice.identity.identifier, trust: everyone }
    await alice.channels.createChannel([toBob.address, 'api'], options)
    await until(() => bob.channels.channels().length === 1)
    const replaying = await createTestNode('replaying', {
      network,
      vault: alice.vault,
      identities: alice.identities,
      identity: alice.identity,
      lie: lying(() => old),
    })
    const way = await replaying.router.connect('/memory/bob')
    await replaying.channels.createChannel([way.address, 'api'], options)
    await until(() =>
      bob.events.some(({ name, details }) => name.endsWith('handshake-refused') && details['code'] === 'secure-channel/invalid-identity'),
    )
    expect(bob.channels.channels()).toHaveLength(1)
  })

  test('rule 10: who answers first with an identity of her own does not keep the right answer out', async () => {
    const { network, alice, bob, toBob } = await twoNodes()
    startEcho(bob)
    await bob.channels.createListener('api', { identity: bob.identity.identifier, trust: everyone })
    const mallory = await createTestNode('mallory', { network })
    await mallory.router.listen('/memory/mallory')
    await mallory.channels.createListener('api', { identity: mallory.identity.identifier, trust: everyone })
    const bobToMallory = await bob.router.connect('/memory/mallory')
    // Mallory sees message 1 on the wire and has her own listener answer it; her answer is put in front of Bob's.
    let answer: TransportMessage | undefined
    let isStolen = false
    network.tap(({ from, to, message, inject }) => {
      if (from === 'alice' && message.payload.length === 32) {
        isStolen = true
        const payload = message.payload.slice()
        dropPressure(
          bob.router.context.dispatch({ onwardRoute: Route.of(bobToMallory.address, 'api'), returnRoute: Route.of('thief'), payload }),
        )
        setTimeout(() => inject({ ...message, payload: message.payload.slice() }), 60)
        return []
      }
      if (from === 'mallory' && to === 'bob') answer = message
      if (from === 'bob' && to === 'alice' && answer !== undefined) {
        const first = { ...message, payload: answer.payload.slice() }
        answer = undefined
        return [first, message]
      }
      return undefined
    })
    const channel = await alice.channels.createChannel([toBob.address, 'api'], {
      identity: alice.identity.identifier,
      trust: trustIdentifier(bob.identity.identifier),
    })
    expect(isStolen).toBe(true)
    expect(answer).toBeUndefined()
    expect(alice.events.some(({ details }) => details['code'] === 'secure-channel/untrusted-peer')).toBe(true)
    expect(channel.peer.equals(bob.identity.identifier)).toBe(true)
    expect(text((await alice.router.context.request([channel.address, 'echo'], bytes('Bob it is'))).payload)).toBe('Bob it is')
  })
})

describe('an attacker on the wire of a handshake', () => {
  test('rule 10: garbage, flipped bits and a reflected message 1 in front of the real message 2: the channel opens', async () => {
    const { network, alice, bob, toBob } = await twoNodes()
    startEcho(bob)
    await bob.channels.createListener('api', { identity: bob.identity.identifier, trust: everyone })
    let message1: TransportMessage | undefined
    network.tap(({ from, message }) => {
      if (from === 'alice' && message1 === undefined) message1 = message
      if (from !== 'bob' || message.payload.length < 96) return undefined
      const garbage = [
        new Uint8Array(0),
        new Uint8Array(31),
        new Uint8Array(32),
        new Uint8Array(419),
        message1?.payload ?? new Uint8Array(32),
      ]
      const flips = [0, 33, 90, message.payload.length - 1].map((at) =>
        Uint8Array.from(message.payload, (byte, i) => (i === at ? byte ^ 1 : byte)),
      )
      return [...[...garbage, ...flips].map((payload) => ({ ...message, payload })), message]
    })
    const channel = await alice.channels.createChannel([toBob.address, 'api'], { identity: alice.identity.identifier, trust: everyone })
    expect(text((await alice.router.context.request([channel.address, 'echo'], bytes('through'))).payload)).toBe('through')
  })

  test('rule 10: bad third messages in front of the real one, and the real one again behind it: the channel stands', async () => {
    const { network, alice, bob, toBob } = await twoNodes()
    startEcho(bob)
    await bob.channels.createListener('api', { identity: bob.identity.identifier, trust: everyone })
    let count = 0
    network.tap(({ from, message }) => {
      if (from !== 'alice' || ++count !== 2) return undefined
      const bad = [0, 40, message.payload.length - 1].map((at) =>
        Uint8Array.from(message.payload, (byte, i) => (i === at ? byte ^ 1 : byte)),
      )
      return [...bad.map((payload) => ({ ...message, payload })), message, { ...message, payload: message.payload.slice() }]
    })
    const channel = await alice.channels.createChannel([toBob.address, 'api'], { identity: alice.identity.identifier, trust: everyone })
    expect(text((await alice.router.context.request([channel.address, 'echo'], bytes('stands'))).payload)).toBe('stands')
    expect(bob.channels.channels()).toHaveLength(1)
  })

  test('row 5: messages 2 and 3 of one handshake fail in another of the same two nodes', async () => {
    const { network, alice, bob, toBob } = await twoNodes()
    const listener = await bob.channels.createListener('api', { identity: bob.identity.identifier, trust: everyone })
    const attacker = new ManInTheMiddle(network)
    await alice.channels.createChannel([toBob.address, 'api'], { identity: alice.identity.identifier, trust: everyone })
    await settle()
    const [, oldMessage2, oldMessage3] = attacker.captured.map(({ message }) => message.payload)
    attacker.stop()
    let halfOpen: Route | undefined
    network.tap(({ from, message }) => {
      if (from !== 'bob' || message.payload.length <= 96) return undefined
      halfOpen = message.returnRoute
      return [{ ...message, payload: oldMessage2 as Uint8Array }]
    })
    const opening = alice.channels.createChannel([toBob.address, 'api'], {
      identity: alice.identity.identifier,
      trust: everyone,
      timeoutMs: 100,
    })
    await expect(opening).rejects.toThrowError(withCode('timeout'))
    // To where Bob waits for the message 3 of this handshake.
    const onwardRoute = Route.of(toBob.address).concat(halfOpen as Route)
    dropPressure(alice.router.context.dispatch({ onwardRoute, returnRoute: Route.of('back'), payload: oldMessage3 as Uint8Array }))
    const refusals = (): unknown[] =>
      bob.events.filter(({ name }) => name === 'secure-channel/handshake-refused').map(({ details }) => [details['role'], details['code']])
    await until(() => refusals().length > 0, 'Bob has read it')
    expect(refusals()).toEqual([['responder', 'secure-channel/invalid-handshake']])
    expect(listener.statistics()).toMatchObject({ accepted: 1, halfOpen: 1 })
  })

  test('a message that reaches the listener’s first address twice makes two handshakes, and one channel', async () => {
    const { network, alice, bob, toBob } = await twoNodes()
    const listener = await bob.channels.createListener('api', { identity: bob.identity.identifier, trust: everyone })
    const attacker = new ManInTheMiddle(network)
    attacker.plan('duplicate', 'alice')
    const inbox = collect(bob, 'inbox')
    const channel = await alice.channels.createChannel([toBob.address, 'api'], { identity: alice.identity.identifier, trust: everyone })
    dropPressure(alice.router.context.send([channel.address, 'inbox'], bytes('once')))
    await settle()
    expect(inbox).toHaveLength(1)
    expect(listener.statistics()).toMatchObject({ accepted: 1, halfOpen: 1 })
  })
})

function replaced(content: Uint8Array, from: string, to: string): Uint8Array {
  const text = Buffer.from(content).toString('hex')
  expect(text).toContain(from)
  return new Uint8Array(Buffer.from(text.replace(from, to), 'hex'))
}
