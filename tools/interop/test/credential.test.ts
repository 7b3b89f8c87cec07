/**
 * Credentials that an authority issues, a Rust one or ours, shown in handshakes and later in open channels, by the side that opens a channel and by the
 * other: by a Rust node to ours and by ours to a Rust node. Both kinds of nodes judge them, and know the attributes then.
 */

import { type CredentialSource, type CredentialVerifier, Identifier, type PeerIdentity } from '@ockam/core'
import { createCredentials, textAttributes } from '@ockam/credentials'
import { type OckamNode, type OwnIdentity, trustEveryone, trustIdentifier } from '@ockam/node'
import type { SecureChannel } from '@ockam/secure-channel'
import { softwareVault } from '@ockam/vault-software'
import { describe, expect, test } from 'vitest'
import { AUTHORITIES, type Attributes, type CredentialAuthority } from './fixture/credential-authority.ts'
import type { RustPeer } from './fixture/rust-peer.ts'
import { hex, ours, rust, socketOf, unhex } from './fixture/world.ts'

/** Notes what is presented: `identifier credential`. */
class Notes implements CredentialVerifier {
  readonly presented: string[] = []
  async present(peer: PeerIdentity, credentials: readonly Uint8Array[]): Promise<void> {
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

/** A Rust node and one of ours, and a channel between them that one of the two opens, with our end of it. */
interface Pair {
  readonly peer: RustPeer
  readonly node: OckamNode
  readonly open: () => Promise<SecureChannel>
}

interface Shows {
  readonly peer: RustPeer
  /** Of the Rust node. */
  readonly identifier: string
  /** What the Rust end is given besides. */
  readonly rust?: { readonly credential?: string; readonly authority?: string }
  /** What our end is given besides. */
  readonly ours?: { readonly credentials?: CredentialSource; readonly verifier?: CredentialVerifier }
}

async function weOpen(node: OckamNode, identity: OwnIdentity, shows: Shows): Promise<Pair> {
  const { peer, identifier } = shows
  const { address, flowControlId } = await peer.ask('tcp.listen')
  await peer.ask('channel.listen', { identifier, consumerOf: [flowControlId], ...shows.rust })
  const connection = await node.connect(`/ip4/127.0.0.1/tcp/${address.split(':')[1]}`)
  const side = { identity: identity.identifier, trust: trustIdentifier(identifier), ...shows.ours }
  return {
    peer,
    node,
    open: async () => {
      const channel = await node.channels.createChannel([connection.address, 'api'], side)
      await peer.event('channel-opened')
      return channel
    },
  }
}

async function rustOpens(node: OckamNode, identity: OwnIdentity, shows: Shows): Promise<Pair> {
  const { peer, identifier } = shows
  let onChannel: (channel: SecureChannel) => void = () => undefined
  const accepted = new Promise<SecureChannel>((resolve) => (onChannel = resolve))
  await node.listenSecureChannels('api', { identity, trust: trustEveryone(), onChannel, ...shows.ours })
  const { address } = await node.listen('/ip4/127.0.0.1/tcp/0')
  const { worker } = await peer.ask('tcp.connect', { to: socketOf(address) })
  return {
    peer,
    node,
    open: async () => {
      await peer.ask('channel.create', { identifier, route: [worker, 'api'], ...shows.rust })
      return accepted
    },
  }
}

const OPENERS = [
  ['we open', weOpen],
  ['a Rust node opens', rustOpens],
] as const

const CASES = AUTHORITIES.flatMap(([authority, start]) => OPENERS.map(([opener, pair]) => [authority, opener, start, pair] as const))

describe.each(CASES)('a credential of %s, in a channel that %s', (_authority, _opener, start, pair) => {
  describe('shown by a Rust node to us', () => {
    test('in the handshake, and again in the open channel: our verifier gets the bytes as they were issued', async () => {
      const { issue } = await start()
      const { peer } = await rust()
      const own = await peer.ask('identity.create')
      const first = await issue(own.identifier, own.history, { role: 'sensor' })
      const second = await issue(own.identifier, own.history, { role: 'reader', line: '3' })
      const verifier = new Notes()
      const node = await ours()
      const identity = await node.createIdentity()
      const { open } = await pair(node, identity, { peer, identifier: own.identifier, rust: { credential: first }, ours: { verifier } })
      const channel = await open()
      expect(verifier.presented).toEqual([`${own.identifier} ${first}`])
      const refreshed = new Promise<void>((resolve) => channel.on('refreshed', resolve))
      expect(await peer.ask('channel.present', { credential: second })).toMatchObject({ channels: 1 })
      await refreshed
      expect(verifier.presented).toEqual([`${own.identifier} ${first}`, `${own.identifier} ${second}`])
    })

    /** Our node, which believes the authority, or another one; and what it knows of the Rust node. */
    async function judging({ isBelieved = true } = {}) {
      const issuer = await start()
      const { peer } = await rust()
      const own = await peer.ask('identity.create')
      const node = await ours()
      const identity = await node.createIdentity()
      await node.identities.import(issuer.history, issuer.identifier)
      const events: string[] = []
      const diagnostics = {
        event: (name: string, details: object = {}) => void events.push(`${name} ${(details as { code?: string }).code}`),
      }
      const credentials = createCredentials({ vault: softwareVault(), identities: node.identities, diagnostics })
      const known = async (authority = issuer.identifier) => {
        const found = await credentials.attributes.attributes(Identifier.parse(own.identifier), Identifier.parse(authority))
        return found === undefined ? undefined : Object.fromEntries(found.text)
      }
      const authorities = [isBelieved ? issuer.identifier : identity.identifier]
      const side = { peer, identifier: own.identifier, ours: { verifier: credentials.verifier({ authorities }) } }
      const open = async (credential: string): Promise<SecureChannel> =>
        (await pair(node, identity, { ...side, rust: { credential } })).open()
      return { peer, own, issuer, open, known, events }
    }

    test('in the handshake, and again in the open channel: our verifier knows the attributes, and then the newer ones', async () => {
      const { peer, own, issuer, open, known, events } = await judging()
      const channel = await open(await issuer.issue(own.identifier, own.history, { role: 'sensor', größe: '27 µm' }))
      expect(await known()).toEqual({ role: 'sensor', größe: '27 µm' })
      const refreshed = new Promise<void>((resolve) => channel.on('refreshed', resolve))
      const second = await issuer.issue(own.identifier, own.history, { role: 'reader' })
      expect(await peer.ask('channel.present', { credential: second })).toMatchObject({ channels: 1 })
      await refreshed
      expect(await known()).toEqual({ role: 'reader' })
      expect(events).toEqual([])
    })

    test('of another subject, or of an authority that is not believed, it tells our verifier nothing; the channel opens all the same', async () => {
      const thief = await judging()
      const other = await thief.peer.ask('identity.create')
      await thief.open(await thief.issuer.issue(other.identifier, other.history, { role: 'admin' }))
      expect(await thief.known()).toBeUndefined()
      expect(thief.events).toEqual(['credentials/credential-refused credentials/wrong-subject'])

      const stranger = await judging({ isBelieved: false })
      await stranger.open(await stranger.issuer.issue(stranger.own.identifier, stranger.own.history, { role: 'sensor' }))
      expect(await stranger.known()).toBeUndefined()
      expect(stranger.events).toEqual(['credentials/credential-refused credentials/untrusted-issuer'])
    })
  })

  describe('shown by us to a Rust node', () => {
    /** A Rust node that knows the authority, unless told otherwise, and our end that shows a credential. */
    async function shown(attributes: Attributes, { isKnown = true } = {}) {
      const issuer: CredentialAuthority = await start()
      const { peer } = await rust()
      const { identifier } = await peer.ask('identity.create')
      if (isKnown) await peer.ask('identity.import', { history: issuer.history })
      const node = await ours()
      const identity = await node.createIdentity()
      const own = String(identity.identifier)
      const issue = (values: Attributes): Promise<string> => issuer.issue(own, hex(identity.changeHistory), values)
      const credentials = new Shown(await issue(attributes))
      const { open } = await pair(node, identity, { peer, identifier, rust: { authority: issuer.identifier }, ours: { credentials } })
      const known = () => peer.ask('attributes.get', { subject: own, authority: issuer.identifier })
      return { node, peer, issue, issuer, credentials, own, open, known }
    }

    test('in the handshake: it verifies them and knows our attributes then', async () => {
      const { peer, open, known, own } = await shown({ role: 'sensor', line: '3' })
      await open()
      expect((await peer.ask('channel.list')).channels).toMatchObject([{ peer: own }])
      expect((await known()).attributes).toEqual({ role: 'sensor', line: '3' })
    })

    test('in an open channel: a newer credential takes the place of the first', async () => {
      const { open, known, credentials, issue } = await shown({ role: 'sensor' })
      const channel = await open()
      credentials.current = await issue({ role: 'reader' })
      await channel.refreshCredentials()
      await expect.poll(async () => (await known()).attributes).toEqual({ role: 'reader' })
    })

    test('in an open channel, with a history that was rotated since: it takes both', async () => {
      const { node, peer, open, known, credentials, issue, own } = await shown({ role: 'sensor' })
      const channel = await open()
      const rotated = await node.identities.rotate(own)
      credentials.current = await issue({ role: 'rotated' })
      await channel.refreshCredentials()
      await expect.poll(async () => (await known()).attributes).toEqual({ role: 'rotated' })
      expect((await peer.ask('identity.export', { identifier: own })).history).toBe(hex(rotated.changeHistory))
    })

    test('and it keeps attributes as a map, bytes of text as arrays of integers, with both times and the authority', async () => {
      const { open, known, issuer } = await shown({ ab: 'c' })
      await open()
      const { entry } = await known()
      expect(entry).toMatch(new RegExp(`^a401a18218611862811863021a[0-9a-f]{8}031a[0-9a-f]{8}045820${issuer.identifier.slice(1)}$`))
    })

    test('and one that is not ours, or of an issuer whose history it lacks, tells it nothing; the channel opens all the same', async () => {
      const stranger = await shown({ role: 'sensor' }, { isKnown: false })
      await stranger.open()
      expect(await stranger.known()).toBeNull()

      const thief = await shown({ role: 'sensor' })
      const other = await thief.peer.ask('identity.create')
      thief.credentials.current = await thief.issuer.issue(other.identifier, other.history, { role: 'admin' })
      await thief.open()
      expect(await thief.known()).toBeNull()
    })
  })
})

describe.each(AUTHORITIES)('a credential of %s', (_name, start) => {
  test('holds at the verifier of a Rust node for its subject and its authority, and for no other', async () => {
    const issuer = await start()
    const { peer } = await rust()
    const [subject, other] = [await peer.ask('identity.create'), await peer.ask('identity.create')]
    await peer.ask('identity.import', { history: issuer.history })
    const credential = await issuer.issue(subject.identifier, subject.history, { role: 'sensor' }, { ttlSeconds: 600 })
    const verify = (who: string, authority: string) => peer.ask('credential.verify', { credential, subject: who, authorities: [authority] })
    const { createdAt, expiresAt, ...said } = await verify(subject.identifier, issuer.identifier)
    expect(said).toEqual({ subject: subject.identifier, schema: 1, attributes: { role: 'sensor' } })
    expect(expiresAt - createdAt).toBe(600)
    await expect(verify(other.identifier, issuer.identifier)).rejects.toThrow('CredentialVerificationFailed')
    await expect(verify(subject.identifier, other.identifier)).rejects.toThrow(/./)
  })

  test('holds at our verifier for its subject and its authority, and for no other', async () => {
    const issuer = await start()
    const { peer } = await rust()
    const [subject, other] = [await peer.ask('identity.create'), await peer.ask('identity.create')]
    const node = await ours()
    for (const { history } of [issuer, subject, other]) await node.identities.import(history)
    const credentials = createCredentials({ vault: softwareVault(), identities: node.identities, subjectChange: 'latest' })
    const credential = await issuer.issue(subject.identifier, subject.history, { role: 'sensor' }, { ttlSeconds: 600 })
    const verify = (who: string, authority: string) =>
      credentials.verify(credential, { subject: Identifier.parse(who), authorities: [Identifier.parse(authority)] })
    const { createdAt, expiresAt, attributes, ...said } = await verify(subject.identifier, issuer.identifier)
    expect([said.subject, said.issuer].map(String)).toEqual([subject.identifier, issuer.identifier])
    expect([attributes.schema, Object.fromEntries(textAttributes(attributes)), expiresAt - createdAt]).toEqual([
      1n,
      { role: 'sensor' },
      600,
    ])
    await expect(verify(other.identifier, issuer.identifier)).rejects.toMatchObject({ code: 'credentials/wrong-subject' })
    await expect(verify(subject.identifier, other.identifier)).rejects.toMatchObject({ code: 'credentials/untrusted-issuer' })
  })
})
