/**
 * Credentials that a Rust authority issues, shown in handshakes and later in open channels: by a Rust node to ours and by ours to a Rust node. What ours
 * makes of their content is the business of the `CredentialVerifier` that is handed in; here it notes the bytes, and the Rust peer judges them.
 */

import type { CredentialSource, CredentialVerifier } from '@ockam/core'
import { trustEveryone, trustIdentifier } from '@ockam/node'
import type { SecureChannel } from '@ockam/secure-channel'
import { describe, expect, test } from 'vitest'
import { hex, ours, rust, socketOf, unhex } from './fixture/world.ts'

/** Notes what is presented: `identifier credential`. */
class Notes implements CredentialVerifier {
  readonly presented: string[] = []
  async present(peer: { readonly identifier: unknown }, credentials: readonly Uint8Array[]): Promise<void> {
    for (const credential of credentials) this.presented.push(`${String(peer.identifier)} ${hex(credential)}`)
  }
}

/** Shows one credential, which can be replaced. */
class Shown implements CredentialSource {
  current: string
  constructor(credential: string) {
    this.current = credential
  }
  async credentials(): Promise<readonly Uint8Array[]> {
    return [unhex(this.current)]
  }
}

/** Another Rust node, which issues credentials. */
async function authority() {
  const { peer } = await rust()
  const { identifier, history } = await peer.ask('identity.create')
  const issue = async (subject: string, subjectHistory: string, attributes: Record<string, string>, details = {}): Promise<string> => {
    await peer.ask('identity.import', { history: subjectHistory })
    return (await peer.ask('credential.issue', { issuer: identifier, subject, attributes, ...details })).credential
  }
  return { peer, identifier, history, issue }
}

describe('a Rust node shows its credentials to us', () => {
  test('as initiator, in the handshake and again in the open channel: our verifier gets the bytes as they were issued', async () => {
    const { issue } = await authority()
    const { peer } = await rust()
    const own = await peer.ask('identity.create')
    const first = await issue(own.identifier, own.history, { role: 'sensor' })
    const second = await issue(own.identifier, own.history, { role: 'reader' })
    const verifier = new Notes()
    const node = await ours()
    const identity = await node.createIdentity()
    let onChannel: (channel: SecureChannel) => void = () => undefined
    const accepted = new Promise<SecureChannel>((resolve) => (onChannel = resolve))
    await node.listenSecureChannels('api', { identity, trust: trustEveryone(), verifier, onChannel })
    const { address } = await node.listen('/ip4/127.0.0.1/tcp/0')
    const { worker } = await peer.ask('tcp.connect', { to: socketOf(address) })
    const { encryptor } = await peer.ask('channel.create', { identifier: own.identifier, route: [worker, 'api'], credential: first })
    const channel = await accepted
    expect(verifier.presented).toEqual([`${own.identifier} ${first}`])

    const refreshed = new Promise<void>((resolve) => channel.on('refreshed', resolve))
    expect(await peer.ask('channel.present', { credential: second })).toMatchObject({ channels: 1 })
    await refreshed
    expect(verifier.presented).toEqual([`${own.identifier} ${first}`, `${own.identifier} ${second}`])
    expect((await peer.ask('message.request', { route: [encryptor, 'echo'], payload: '01' })).payload).toBe('01')
  })

  test('as responder, in the handshake and again in the open channel', async () => {
    const { issue } = await authority()
    const { peer, address, flow } = await rust()
    const own = await peer.ask('identity.create')
    const first = await issue(own.identifier, own.history, { role: 'gateway' })
    const second = await issue(own.identifier, own.history, { role: 'gateway', line: '3' })
    await peer.ask('channel.listen', { identifier: own.identifier, credential: first, consumerOf: [flow] })
    const verifier = new Notes()
    const node = await ours()
    const identity = await node.createIdentity()
    const connection = await node.connect(address)
    const side = { identity: identity.identifier, trust: trustIdentifier(own.identifier), verifier }
    const channel = await node.channels.createChannel([connection.address, 'api'], side)
    expect(verifier.presented).toEqual([`${own.identifier} ${first}`])
    await peer.event('channel-opened')
    const refreshed = new Promise<void>((resolve) => channel.on('refreshed', resolve))
    await peer.ask('channel.present', { credential: second })
    await refreshed
    expect(verifier.presented.at(-1)).toBe(`${own.identifier} ${second}`)
  })
})

describe('we show credentials of a Rust authority to a Rust node', () => {
  /** A listener that knows the authority, unless told otherwise, and a channel of ours that shows a credential. */
  async function shown(attributes: Record<string, string>, { isKnown = true, ttlSeconds = 3600 } = {}) {
    const issuer = await authority()
    const { peer, address, flow } = await rust()
    const { identifier } = await peer.ask('identity.create')
    if (isKnown) await peer.ask('identity.import', { history: issuer.history })
    await peer.ask('channel.listen', { identifier, authority: issuer.identifier, consumerOf: [flow] })
    const node = await ours()
    const identity = await node.createIdentity()
    const own = String(identity.identifier)
    const issue = (values: Record<string, string>): Promise<string> =>
      issuer.issue(own, hex(identity.changeHistory), values, { ttlSeconds })
    const credentials = new Shown(await issue(attributes))
    const connection = await node.connect(address)
    const known = () => peer.ask('attributes.get', { subject: own, authority: issuer.identifier })
    const open = (): Promise<SecureChannel> =>
      node.channels.createChannel([connection.address, 'api'], {
        identity: identity.identifier,
        trust: trustIdentifier(identifier),
        credentials,
      })
    return { node, peer, issue, issuer, credentials, own, open, known }
  }

  test('in the handshake: it verifies them and knows our attributes then', async () => {
    const { peer, open, known, own } = await shown({ role: 'sensor', line: '3' })
    await open()
    expect(await peer.event('channel-opened')).toMatchObject({ peer: own })
    expect((await known()).attributes).toEqual({ role: 'sensor', line: '3' })
  })

  test('in an open channel: a newer credential takes the place of the first', async () => {
    const { peer, open, known, credentials, issue } = await shown({ role: 'sensor' })
    const channel = await open()
    await peer.event('channel-opened')
    credentials.current = await issue({ role: 'reader' })
    await channel.refreshCredentials()
    await expect.poll(async () => (await known()).attributes).toEqual({ role: 'reader' })
  })

  test('in an open channel, with a history that was rotated since: it takes both', async () => {
    const { node, peer, open, known, credentials, issue, own } = await shown({ role: 'sensor' })
    const channel = await open()
    await peer.event('channel-opened')
    const rotated = await node.identities.rotate(own)
    credentials.current = await issue({ role: 'rotated' })
    await channel.refreshCredentials()
    await expect.poll(async () => (await known()).attributes).toEqual({ role: 'rotated' })
    expect((await peer.ask('identity.export', { identifier: own })).history).toBe(hex(rotated.changeHistory))
  })

  test('and it keeps attributes as a map, bytes of text as arrays of integers, with both times and the authority', async () => {
    const { peer, open, known, issuer } = await shown({ ab: 'c' })
    await open()
    await peer.event('channel-opened')
    const { entry } = await known()
    expect(entry).toMatch(new RegExp(`^a401a18218611862811863021a[0-9a-f]{8}031a[0-9a-f]{8}045820${issuer.identifier.slice(1)}$`))
  })

  test('and one that is not ours, or of an issuer whose history it lacks, tells it nothing; the channel opens all the same', async () => {
    const stranger = await shown({ role: 'sensor' }, { isKnown: false })
    await stranger.open()
    await stranger.peer.event('channel-opened')
    expect(await stranger.known()).toBeNull()

    const thief = await shown({ role: 'sensor' })
    const other = await thief.peer.ask('identity.create')
    thief.credentials.current = await thief.issuer.issue(other.identifier, other.history, { role: 'admin' })
    await thief.open()
    await thief.peer.event('channel-opened')
    expect(await thief.known()).toBeNull()
  })
})
