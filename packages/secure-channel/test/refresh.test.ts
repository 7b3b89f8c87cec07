import { dropPressure, type CredentialSource, type CredentialVerifier, Route } from '@ockam/core'
import { CborWriter } from '@ockam/core/cbor'
import { afterEach, describe, expect, test } from 'vitest'
import { encodeRefresh } from '../src/protocol/channel-message.ts'
import { bytes, closeNodes, collect, createTestNode, everyone, settle, type TestNode, twoNodes, until } from './world.ts'

afterEach(closeNodes)

const item = (text: string): Uint8Array<ArrayBuffer> => new CborWriter().text(text).finish()

/** Shows credentials made of text, and remembers what peers showed. */
function credentialDesk() {
  const own: string[] = []
  const seen: string[][] = []
  const source: CredentialSource = { credentials: async () => own.map(item) }
  const verifier: CredentialVerifier = {
    present: async (_peer, credentials) => void seen.push(credentials.map((credential) => new TextDecoder().decode(credential.slice(1)))),
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

  test('a verifier that throws refuses the handshake', async () => {
    const { alice, bob, toBob } = await twoNodes()
    const bobs = credentialDesk()
    bobs.own.push('anything')
    await bob.channels.createListener('api', { identity: bob.identity.identifier, trust: everyone, credentials: bobs.source })
    const verifier: CredentialVerifier = { present: () => Promise.reject(new Error('no')) }
    const opening = alice.channels.createChannel([toBob.address, 'api'], { identity: alice.identity.identifier, trust: everyone, verifier })
    await expect(opening).rejects.toThrowError(expect.objectContaining({ code: 'secure-channel/credentials-refused' }))
  })
})
