import { type ChannelProof, type CredentialSource, type CredentialVerifier, dropPressure, Route, type TrustPolicy } from '@ockam/core'
import { CborWriter } from '@ockam/core/cbor'
import { afterEach, describe, expect, test } from 'vitest'
import { type ChannelListener, trustIdentifier } from '../src/index.ts'
import { encodeRefresh } from '../src/protocol/channel-message.ts'
import { lying } from './adversary/lying-identities.ts'
import { item, textOf } from './credential-item.ts'
import { bytes, closeNodes, collect, createTestNode, everyone, MovableClock, settle, type TestNode, twoNodes, until } from './world.ts'

afterEach(closeNodes)

/** Shows credentials made of text, and remembers what peers showed. */
function credentialDesk() {
  const own: string[] = []
  const seen: string[][] = []
  const source: CredentialSource = { credentials: async () => own.map(item) }
  const verifier: CredentialVerifier = {
    present: async (_peer, credentials) => void seen.push(credentials.map(textOf)),
  }
  return { own, seen, source, verifier }
}

async function connected() {
  const world = await twoNodes()
  const { alice, bob, toBob } = world
  const alices = credentialDesk()
  const bobs = credentialDesk()
  alices.own.push('from alice')
  bobs.own.push('from bob')
  const inbox = collect(bob, 'inbox')
  await bob.channels.createListener('api', {
    identity: bob.identity.identifier,
    trust: everyone,
    credentials: bobs.source,
    verifier: bobs.verifier,
  })
  const channel = await alice.channels.createChannel([toBob.address, 'api'], {
    identity: alice.identity.identifier,
    trust: everyone,
    credentials: alices.source,
    verifier: alices.verifier,
  })
  await until(() => bob.channels.channels().length === 1)
  const accepted = bob.channels.channels()[0] as typeof channel
  return { ...world, alices, bobs, inbox, channel, accepted }
}

/** Seals any content as a message of the channel, by the encryption service. */
async function sendRaw(node: TestNode, channel: { readonly encryptorApi: unknown }, content: Uint8Array): Promise<Uint8Array> {
  const request = new Uint8Array([content.length | 0x80, content.length >> 7, ...content])
  const answer = await node.router.context.request([channel.encryptorApi as never], request)
  const start = 1 + (((answer.payload[1] as number) & 0x80) === 0 ? 1 : 2)
  return answer.payload.slice(start)
}

describe('credentials', () => {
  test('both sides show theirs in the handshake, and again when asked to', async () => {
    const { alices, bobs, channel, accepted } = await connected()
    expect(alices.seen).toEqual([['from bob']])
    expect(bobs.seen).toEqual([['from alice']])
    let refreshed = 0
    accepted.on('refreshed', () => refreshed++)
    alices.own[0] = 'renewed'
    await channel.refreshCredentials()
    await until(() => refreshed === 1)
    expect(bobs.seen).toEqual([['from alice'], ['renewed']])
  })

  test('a refresh keeps its place among the messages', async () => {
    const { alice, bobs, channel, inbox } = await connected()
    const { context } = alice.router
    for (let i = 0; i < 5; i++) dropPressure(context.send([channel.address, 'inbox'], bytes('before')))
    await channel.refreshCredentials()
    for (let i = 0; i < 5; i++) dropPressure(context.send([channel.address, 'inbox'], bytes('after')))
    await until(() => inbox.length === 10 && bobs.seen.length === 2)
  })

  test('regression: a verifier that never comes back holds the channel up for 30 seconds, not for ever, and counts as a refusal', async () => {
    const clock = new MovableClock({ isStopped: true })
    const { alice, bob, toBob } = await twoNodes({ bob: { clock } })
    const inbox = collect(bob, 'inbox')
    const alices = credentialDesk()
    let letGo: () => void = () => undefined
    let asked = 0
    const verifier: CredentialVerifier = {
      present: () => {
        asked++
        return asked === 1 ? Promise.resolve() : new Promise((resolve) => (letGo = resolve))
      },
    }
    await bob.channels.createListener('api', { identity: bob.identity.identifier, trust: everyone, verifier })
    alices.own.push('from alice')
    const side = { identity: alice.identity.identifier, trust: everyone, credentials: alices.source }
    const channel = await alice.channels.createChannel([toBob.address, 'api'], side)
    await until(() => bob.channels.channels().length === 1)
    const accepted = bob.channels.channels()[0] as typeof channel
    let refreshed = 0
    accepted.on('refreshed', () => refreshed++)
    await channel.refreshCredentials()
    dropPressure(alice.router.context.send([channel.address, 'inbox'], bytes('behind it')))
    await until(() => asked === 2)
    clock.move(29_999)
    await settle()
    expect(inbox).toHaveLength(0)
    clock.move(1)
    await until(() => inbox.length === 1, 'what was behind it arrives')
    expect(bob.events.filter(({ name }) => name === 'secure-channel/refresh-refused').map(({ details }) => details)).toEqual([
      { peer: alice.identity.identifier.toString(), code: 'secure-channel/timeout' },
    ])
    letGo()
    await settle()
    expect([refreshed, accepted.statistics().refused['refresh']]).toEqual([0, 1])
    await channel.close()
  })

  test('a rotated identity reaches the peer with a refresh', async () => {
    const { alice, bob, channel, accepted } = await connected()
    const rotated = await alice.identities.rotate(alice.identity.identifier)
    const done = new Promise<void>((resolve) => void accepted.on('refreshed', resolve))
    await channel.refreshCredentials()
    await done
    expect(await bob.identities.export(alice.identity.identifier)).toEqual(rotated.changeHistory)
  })

  test('rule 15: a refresh with the history of somebody else, or an older one, changes nothing and ends nothing', async () => {
    const { network, alice, bob, toBob, channel, accepted, bobs } = await connected()
    const old = alice.identity.changeHistory
    const stranger = await createTestNode('stranger', { network })
    await alice.identities.rotate(alice.identity.identifier)
    const done = new Promise<void>((resolve) => void accepted.on('refreshed', resolve))
    await channel.refreshCredentials()
    await done
    const seenBefore = bobs.seen.length
    for (const changeHistory of [stranger.identity.changeHistory, old]) {
      const ciphertext = await sendRaw(alice, channel, encodeRefresh({ changeHistory, credentials: [item('stolen')] }))
      dropPressure(
        alice.router.context.dispatch({
          onwardRoute: Route.of(toBob.address, accepted.decryptorAddress),
          returnRoute: Route.empty,
          payload: ciphertext,
        }),
      )
    }
    await until(() => accepted.statistics().refused['refresh'] === 2)
    expect(bobs.seen).toHaveLength(seenBefore)
    await expect(bob.identities.export(stranger.identity.identifier)).rejects.toThrowError(
      expect.objectContaining({ code: 'identity/unknown-identity' }),
    )
    expect(bob.events.filter(({ name }) => name === 'secure-channel/refresh-refused')).toHaveLength(2)
    expect(alice.channels.channels()).toHaveLength(1)
    await settle()
  })

  /** Takes only credentials whose text names the very identity that shows them. */
  function subjectDesk() {
    const asked: string[] = []
    const verifier: CredentialVerifier = {
      present: async ({ identifier, ...others }, credentials) => {
        expect(others).toEqual({})
        for (const credential of credentials) {
          asked.push(`${identifier} shows ${textOf(credential)}`)
          if (textOf(credential) !== identifier.toString()) throw new Error('of another subject')
        }
      },
    }
    return { asked, verifier }
  }

  test.each(['initiator', 'responder'] as const)(
    'row 7: the verifier is told the proved identifier of the %s and what it showed, and its refusal ends the handshake',
    async (role) => {
      const { network, alice, bob } = await twoNodes()
      const desk = subjectDesk()
      const mallory = await createTestNode('mallory', { network })
      await mallory.router.listen('/memory/mallory')
      // Alice's credential has been seen by Mallory, who shows it under her own name.
      for (const [node, isWelcome] of [
        [alice, true],
        [mallory, false],
      ] as const) {
        const credentials = { credentials: async () => [item(alice.identity.identifier.toString())] }
        const shown = { identity: node.identity.identifier, trust: everyone, credentials }
        const looking = { identity: bob.identity.identifier, trust: everyone, verifier: desk.verifier }
        const known = bob.channels.channels().length
        if (role === 'initiator') {
          const listener = await bob.channels.createListener('api', looking)
          await node.channels.createChannel([(await node.router.connect('/memory/bob')).address, 'api'], shown)
          await until(() => listener.statistics().halfOpen === 0, 'Bob has decided')
          await listener.close()
        } else {
          await node.channels.createListener('api', shown)
          if (node === alice) await alice.router.listen('/memory/alice')
          const way = await bob.router.connect(`/memory/${node.name}`)
          const opening = bob.channels.createChannel([way.address, 'api'], looking)
          if (isWelcome) await opening
          else await expect(opening).rejects.toThrowError(expect.objectContaining({ code: 'secure-channel/credentials-refused' }))
        }
        expect(bob.channels.channels()).toHaveLength(known + (isWelcome ? 1 : 0))
      }
      const name = alice.identity.identifier.toString()
      expect(desk.asked).toEqual([alice, mallory].map(({ identity }) => `${identity.identifier} shows ${name}`))
      expect(bob.events.filter((event) => event.name === 'secure-channel/handshake-refused').map(({ details }) => details)).toEqual([
        {
          role: role === 'initiator' ? 'responder' : 'initiator',
          code: 'secure-channel/credentials-refused',
          peer: mallory.identity.identifier.toString(),
          leftOut: 0,
        },
      ])
    },
  )

  test('row 7: the verifier is not asked about an identity that is not proved, or not trusted', async () => {
    const { network, alice, bob, toBob } = await twoNodes()
    const desk = subjectDesk()
    const victim = await alice.identities.channelProof(alice.identity.identifier)
    const shown = ({ staticKey }: ChannelProof): ChannelProof => ({ ...victim, staticKey })
    const mallory = await createTestNode('mallory', { network, lie: lying(shown) })
    const credentials = { credentials: async () => [item(alice.identity.identifier.toString())] }
    const listen = (name: string, trust: TrustPolicy): Promise<ChannelListener> =>
      bob.channels.createListener(name, { identity: bob.identity.identifier, trust, verifier: desk.verifier })
    const [open, strict] = [await listen('open', everyone), await listen('strict', trustIdentifier(bob.identity.identifier))]
    const way = await mallory.router.connect('/memory/bob')
    await mallory.channels.createChannel([way.address, 'open'], { identity: mallory.identity.identifier, trust: everyone, credentials })
    await alice.channels.createChannel([toBob.address, 'strict'], { identity: alice.identity.identifier, trust: everyone, credentials })
    await until(() => [open, strict].every((listener) => listener.statistics().halfOpen === 0))
    expect(bob.channels.channels()).toHaveLength(0)
    expect(desk.asked).toEqual([])
  })

  test('row 7: a refresh is looked at as of the peer of the channel, whatever it shows', async () => {
    const { alice, bob, toBob } = await twoNodes()
    const desk = subjectDesk()
    await bob.channels.createListener('api', { identity: bob.identity.identifier, trust: everyone, verifier: desk.verifier })
    let shown = alice.identity.identifier.toString()
    const credentials = { credentials: async () => [item(shown)] }
    const channel = await alice.channels.createChannel([toBob.address, 'api'], {
      identity: alice.identity.identifier,
      trust: everyone,
      credentials,
    })
    await until(() => bob.channels.channels().length === 1)
    const accepted = bob.channels.channels()[0] as typeof channel
    let refreshed = 0
    accepted.on('refreshed', () => refreshed++)
    shown = bob.identity.identifier.toString()
    await channel.refreshCredentials()
    await until(() => accepted.statistics().refused['refresh'] === 1)
    expect(refreshed).toBe(0)
    expect(desk.asked.map((line) => line.split(' ')[0])).toEqual([0, 1].map(() => alice.identity.identifier.toString()))
  })

  test('what is no credential by its form refuses the handshake on either side, before any verifier is asked', async () => {
    const { alice, bob, toBob } = await twoNodes()
    const [alices, bobs] = [credentialDesk(), credentialDesk()]
    const none: CredentialSource = { credentials: async () => [new CborWriter().text('no credential').finish()] }
    const own = { identity: bob.identity.identifier, trust: everyone }
    await bob.channels.createListener('shows-none', { ...own, credentials: none })
    await bob.channels.createListener('asks', { ...own, verifier: bobs.verifier })
    const side = { identity: alice.identity.identifier, trust: everyone, verifier: alices.verifier }
    await expect(alice.channels.createChannel([toBob.address, 'shows-none'], side)).rejects.toThrowError(
      expect.objectContaining({ code: 'secure-channel/invalid-message' }),
    )
    // Who opens a channel learns nothing of a refusal: it has sent all it had to.
    await alice.channels.createChannel([toBob.address, 'asks'], { ...side, credentials: none })
    await until(() => bob.events.some(({ name }) => name === 'secure-channel/handshake-refused'))
    expect(bob.channels.channels()).toHaveLength(0)
    expect([...alices.seen, ...bobs.seen]).toEqual([])
  })

  test('a refresh with what is no credential by its form is dropped whole, and ends nothing', async () => {
    const { alice, bob, toBob, channel, accepted, bobs } = await connected()
    const { changeHistory } = alice.identity
    const payload = await sendRaw(
      alice,
      channel,
      encodeRefresh({ changeHistory, credentials: [item('good'), new CborWriter().text('bad').finish()] }),
    )
    dropPressure(
      alice.router.context.dispatch({ onwardRoute: Route.of(toBob.address, accepted.decryptorAddress), returnRoute: Route.empty, payload }),
    )
    await until(() => accepted.statistics().refused['malformed'] === 1)
    expect(bobs.seen).toEqual([['from alice']])
    expect(bob.channels.channels()).toHaveLength(1)
  })
})
