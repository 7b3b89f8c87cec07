/**
 * What a Rust node makes of attributes in credentials: which of them its policies see, whose they have to be, and in which forms they are read. Credentials
 * that no Rust node would write are written here, with keys that are known.
 */

import { Address, type ChannelPeerInfo, type CredentialSource, Identifier, type LocalMessage, Route } from '@ockam/core'
import { parseExpression, policy } from '@ockam/credentials/abac'
import { trustIdentifier } from '@ockam/node'
import { ed25519 } from '@noble/curves/ed25519.js'
import { describe, expect, test } from 'vitest'
import { array, bytes, encode, type Item, map, text, uint, variant } from './fuzz/cbor-item.ts'
import { type FuzzKey, sign, signedPair, typed } from './fuzz/signing-key.ts'
import { hex, ours, rust, unhex, utf8 } from './fixture/world.ts'

const OUTLET = { 'resource.id': 'outlet', 'action.id': 'handle_message' }

/** What our policy says of a message from `peer`, with what a Rust node has learnt of it. */
function ourVerdict(text: string, peer: string, environment: Record<string, string>, learnt: Record<string, string> | undefined): unknown {
  const attributes = learnt && new Map(Object.entries(learnt).map(([key, value]) => [key, utf8(value)]))
  const control = policy(
    { form: 'expression', expression: parseExpression(text) },
    { attributes: { attributes: () => attributes }, environment },
  )
  const info: ChannelPeerInfo = { kind: 'channel-peer', identifier: Identifier.parse(peer) }
  const message: LocalMessage = {
    onwardRoute: Route.of('outlet'),
    returnRoute: Route.of('client'),
    payload: new Uint8Array(0),
    localInfo: [info],
    source: Address.local('decryptor'),
    origin: undefined,
    forwards: 0,
    isExclusive: false,
  }
  return control.isAllowed(message)
}

/** Shows one credential. */
class Shown implements CredentialSource {
  readonly #credential: Uint8Array
  constructor(credential: string) {
    this.#credential = unhex(credential)
  }
  async credentials(): Promise<readonly Uint8Array[]> {
    return [this.#credential]
  }
}

/**
 * A Rust node that believes one authority and knows a second one, and an identity of ours that shows it a credential of either.
 * @returns what the Rust node knows then, and how it judges.
 */
async function presented(attributes: Record<string, string>, issuer: 'believed' | 'known' = 'believed') {
  const { peer: issuing } = await rust()
  const [believed, known] = [await issuing.ask('identity.create'), await issuing.ask('identity.create')]
  const { peer, address, flow } = await rust()
  const { identifier } = await peer.ask('identity.create')
  for (const { history } of [believed, known]) await peer.ask('identity.import', { history })
  await peer.ask('channel.listen', { identifier, authority: believed.identifier, consumerOf: [flow] })

  const node = await ours()
  const identity = await node.createIdentity()
  const subject = String(identity.identifier)
  await issuing.ask('identity.import', { history: hex(identity.changeHistory) })
  const authority = issuer === 'believed' ? believed.identifier : known.identifier
  const { credential } = await issuing.ask('credential.issue', { issuer: authority, subject, attributes })
  const connection = await node.connect(address)
  const side = { identity: identity.identifier, trust: trustIdentifier(identifier), credentials: new Shown(credential) }
  await node.channels.createChannel([connection.address, 'api'], side)
  await peer.event('channel-opened')
  return {
    learnt: async (of = authority) => (await peer.ask('attributes.get', { subject, authority: of }))?.attributes,
    believed: believed.identifier,
    verified: async () => (await peer.ask('credential.verify', { credential, authorities: [authority], subject })).attributes,
    judge: async (text: string, environment: Record<string, string>) => {
      const { allowed } = await peer.ask('policy.authorize', {
        subject,
        authority: believed.identifier,
        environment,
        form: 'expression',
        text,
      })
      const learnt = (await peer.ask('attributes.get', { subject, authority: believed.identifier }))?.attributes
      expect(ourVerdict(text, subject, environment, learnt), text).toBe(allowed)
      return allowed
    },
  }
}

describe('an attribute', () => {
  test('is seen by the policies of a Rust node under its key with "subject." in front, beside the identifier and whether there is a credential', async () => {
    const { judge } = await presented({ role: 'sensor', 'floor.number': '3' })
    expect(await judge('(= subject.role "sensor")', OUTLET)).toBe(true)
    expect(await judge('(= subject.role "reader")', OUTLET)).toBe(false)
    expect(await judge('(= subject.floor.number "3")', OUTLET)).toBe(true)
    expect(await judge('(and subject.has_credential (exists? subject.identifier))', OUTLET)).toBe(true)
  })

  test('whose key is a name without a prefix that the policy has anyway is not seen by a Rust node', async () => {
    const { judge, learnt } = await presented({ role: 'sensor', 'resource.id': 'mine' })
    expect(await learnt()).toEqual({ role: 'sensor', 'resource.id': 'mine' })
    expect(await judge('(= subject.resource.id "mine")', {})).toBe(true)
    expect(await judge('(= subject.resource.id "mine")', OUTLET)).toBe(false)
    expect(await judge('(exists? subject.resource.id)', OUTLET)).toBe(false)
    expect(await judge('(and (= subject.role "sensor") (= resource.id "outlet"))', OUTLET)).toBe(true)
    expect(await judge('(or (= subject.role 3) (= resource.id "outlet"))', OUTLET)).toBe(false)
  })

  test('whose key has the prefix in it is seen by a Rust node and by us unless it is the name of one that comes before it', async () => {
    const { judge } = await presented({ a: '1', 'subject.a': '2', x: '3', 'subject.x': '4' })
    expect(await judge('(= subject.a "1")', {})).toBe(true)
    expect(await judge('(exists? subject.subject.a)', {})).toBe(false)
    expect(await judge('(= subject.x "3")', {})).toBe(true)
    expect(await judge('(= subject.subject.x "4")', {})).toBe(true)
  })

  test('that an authority attests whose history a Rust node has, but which it was not told to believe, is not learnt', async () => {
    const { learnt, believed, verified, judge } = await presented({ role: 'sensor' }, 'known')
    expect(await verified()).toEqual({ role: 'sensor' })
    expect(await learnt()).toBeUndefined()
    expect(await learnt(believed)).toBeUndefined()
    expect(await judge('(exists? subject.role)', OUTLET)).toBe(false)
    expect(await judge('(= subject.has_credential true)', OUTLET)).toBe(false)
  })
})

describe('attributes in the map of a credential', () => {
  const secret = (value: number): Uint8Array => new Uint8Array(32).fill(value)
  const keyOf = (value: number): FuzzKey => ({ type: 0, secret: secret(value), publicKey: ed25519.getPublicKey(secret(value)) })
  const [primary, signing] = [keyOf(0x51), keyOf(0x52)]
  const now = Math.floor(Date.now() / 1000)

  /** `[1, type, data]`, signed. */
  function signed(key: FuzzKey, type: number, data: Item): Item {
    const envelope = encode(array(uint(1), uint(type), bytes(encode(data))))
    return signedPair(envelope, typed(0, sign(key, envelope)))
  }

  /** A Rust node that has the issuer's history, and how it reads a credential with these keys and values, in this order. */
  async function reader() {
    const { peer } = await rust()
    const { identifier: issuer } = await peer.ask('identity.create', { secret: hex(primary.secret), validFrom: now - 100 })
    const { identifier: subject } = await peer.ask('identity.create')
    const hash = (identifier: string): Uint8Array => unhex(identifier.slice(1))
    const purpose = variant(1, typed(0, signing.publicKey))
    const times = [uint(now - 10), uint(now + 3600)]
    const attestation = signed(primary, 2, array(bytes(hash(issuer)), bytes(hash(issuer)), purpose, ...times))
    return async (attributes: Item) => {
      const data = array(bytes(hash(subject)), bytes(hash(subject)), array(uint(1), attributes), ...times)
      const credential = hex(encode(array(signed(signing, 3, data), attestation)))
      return (await peer.ask('credential.verify', { credential, authorities: [issuer], subject })).attributes
    }
  }

  const pairs = (...entries: readonly (readonly [string, string])[]): Item =>
    map(...entries.flatMap(([key, value]) => [bytes(utf8(key)), bytes(utf8(value))]))

  test('are read in any order by a Rust node, and the signature is over the bytes as they are', async () => {
    const read = await reader()
    const expected = { a: '1', b: '2', cc: '3' }
    expect(await read(pairs(['a', '1'], ['b', '2'], ['cc', '3']))).toEqual(expected)
    expect(await read(pairs(['cc', '3'], ['b', '2'], ['a', '1']))).toEqual(expected)
    expect(await read({ ...pairs(['b', '2'], ['a', '1'], ['cc', '3']), isIndefinite: true } as Item)).toEqual(expected)
  })

  test('with a key that is given twice have the last value at a Rust node', async () => {
    expect(await (await reader())(pairs(['role', 'first'], ['a', '1'], ['role', 'last']))).toEqual({ role: 'last', a: '1' })
  })

  test('are refused by a Rust node when keys or values are text', async () => {
    const read = await reader()
    await expect(read(map(text('role'), bytes(utf8('sensor'))))).rejects.toThrow('expected bytes')
    await expect(read(map(bytes(utf8('role')), text('sensor')))).rejects.toThrow('expected bytes')
  })
})
