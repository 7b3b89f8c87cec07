/**
 * Row 25: whatever makes a node refuse a peer, the peer sees the same: what it would have seen anyway up to there, byte by byte, and then nothing, at no
 * later time and whatever it sends. Each cause is known to be the one by what the refusing node says to itself.
 */

import {
  type ChannelProof,
  type CredentialVerifier,
  dropPressure,
  memoryStore,
  OckamError,
  Route,
  type Store,
  type Vault,
} from '@ockam/core'
import { createIdentities } from '@ockam/identity'
import { memoryNetwork } from '@ockam/transport-memory'
import { softwareVault } from '@ockam/vault-software'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type ChannelListener, type ListenerOptions, trustIdentifiers } from '../../src/index.ts'
import {
  closeNodes,
  createTestNode,
  everyone,
  type IdentityRegistry,
  MovableClock,
  settle,
  type TestNode,
  type TestNodeOptions,
  until,
} from '../world.ts'
import { item } from '../credential-item.ts'
import { lying } from './lying-identities.ts'

afterEach(closeNodes)

/** The proofs a peer may show, and the histories that the node may know of it. */
interface Peer {
  readonly vault: Vault
  readonly identities: IdentityRegistry
  readonly own: ChannelProof
  readonly rotated: ChannelProof
  /** Another second change of the same identity. */
  readonly fork: Uint8Array
  readonly expired: ChannelProof
  readonly stranger: ChannelProof
}

let peer: Peer
/** The node under attack, as it is at the beginning of each test: the same keys, and one that it would use only once otherwise. */
let bob: { readonly vault: Vault; readonly store: Store; readonly identity: TestNode['identity'] }

/** A vault with one ephemeral key, so that the same handshake has the same bytes, and that forgets nothing. */
async function steadyVault(): Promise<Vault> {
  const real = softwareVault()
  const ephemeral = await real.channel.generateEphemeralKey()
  return {
    ...real,
    signing: {
      generateSigningKey: (...args) => real.signing.generateSigningKey(...args),
      sign: (...args) => real.signing.sign(...args),
      deleteSigningKey: async () => true,
      findSigningKey: (...args: Parameters<typeof real.signing.findSigningKey>) => real.signing.findSigningKey(...args),
    } as Vault['signing'],
    channel: {
      generateStaticKey: () => real.channel.generateStaticKey(),
      generateEphemeralKey: async () => ephemeral,
      dh: (...args) => real.channel.dh(...args),
      deleteDhKey: async () => true,
      findStaticKey: (...args: Parameters<typeof real.channel.findStaticKey>) => real.channel.findStaticKey(...args),
    } as Vault['channel'],
  }
}

async function copyOf(store: Store): Promise<Store> {
  const copy = memoryStore()
  for await (const { key, value } of store.scan('')) await copy.set(key, value)
  return copy
}

const HOUR_MS = 3_600_000

beforeAll(async () => {
  const vault = await steadyVault()
  const store = memoryStore()
  const identities = createIdentities({ vault, store })
  const { identifier } = await identities.create()
  const before = await copyOf(store)
  const [fresh, left, right] = [store, await copyOf(before), await copyOf(before)].map((each) => createIdentities({ vault, store: each }))
  const own = await (fresh as IdentityRegistry).channelProof(identifier)
  await left?.rotate(identifier)
  await right?.rotate(identifier)
  const short = createIdentities({ vault, store: await copyOf(before), attestationValidForMs: HOUR_MS })
  peer = {
    vault,
    identities,
    own,
    rotated: (await left?.channelProof(identifier)) as ChannelProof,
    fork: (await right?.export(identifier)) as Uint8Array,
    expired: await short.channelProof(identifier),
    stranger: await identities.channelProof((await identities.create()).identifier),
  }
  const bobsVault = await steadyVault()
  const bobsStore = memoryStore()
  const bobs = createIdentities({ vault: bobsVault, store: bobsStore })
  const identity = await bobs.create()
  await bobs.channelProof(identity.identifier)
  bob = { vault: bobsVault, store: bobsStore, identity }
})

/** Something that makes a node refuse a peer after it has seen all three messages, or, as the side that opens, the second. */
interface Cause {
  readonly name: string
  /** What the node tells itself: the code of the refusal, and of its cause where that says more. */
  readonly code: string
  readonly reason?: string
  readonly shown?: (peer: Peer) => ChannelProof
  /** What the node knows of the peer already. */
  readonly known?: (peer: Peer) => Uint8Array
  /** How much later the node lives. */
  readonly laterMs?: number
  readonly options?: Partial<Pick<ListenerOptions, 'trust' | 'verifier'>>
  /** What happens on the way to the peer's last message. */
  readonly change?: (payload: Uint8Array) => Uint8Array
  readonly store?: (store: Store) => Store
}

const flip = (payload: Uint8Array, at: number): Uint8Array =>
  Uint8Array.from(payload, (byte, i) => (i === (at + payload.length) % payload.length ? byte ^ 1 : byte))
const refusing: CredentialVerifier = { present: () => Promise.reject(new Error('of another subject')) }
const failing = (): never => {
  throw new Error('no answer')
}

const causes: readonly Cause[] = [
  { name: 'an identity that is not trusted', code: 'untrusted-peer', options: { trust: trustIdentifiers([]) } },
  { name: 'a trust policy that fails', code: 'untrusted-peer', options: { trust: { description: 'broken', isTrusted: failing } } },
  { name: 'an altered tag', code: 'invalid-handshake', change: (payload) => flip(payload, -1) },
  { name: 'an altered static key', code: 'invalid-handshake', change: (payload) => flip(payload, 40) },
  { name: 'a message of 32 bytes', code: 'invalid-handshake', change: (payload) => payload.slice(0, 32) },
  { name: 'a message of one byte', code: 'invalid-handshake', change: (payload) => payload.slice(0, 1) },
  { name: 'a message of none', code: 'invalid-handshake', change: () => new Uint8Array(0) },
  { name: 'a message of 65536 bytes', code: 'invalid-handshake', change: () => new Uint8Array(65_536) },
  {
    name: 'something that is no identity',
    code: 'invalid-message',
    shown: ({ own }) => ({ ...own, changeHistory: new Uint8Array([0x9f]) }),
  },
  {
    name: 'an empty history',
    code: 'invalid-identity',
    reason: 'identity/invalid-history',
    shown: ({ own }) => ({ ...own, changeHistory: new Uint8Array([0x80]) }),
  },
  {
    name: 'an older history than the known one',
    code: 'invalid-identity',
    reason: 'identity/older-history',
    known: ({ rotated }) => rotated.changeHistory,
  },
  {
    name: 'a history that contradicts the known one',
    code: 'invalid-identity',
    reason: 'identity/conflicting-history',
    shown: ({ rotated }) => rotated,
    known: ({ fork }) => fork,
  },
  {
    name: 'the history of somebody else',
    code: 'invalid-identity',
    reason: 'identity/invalid-attestation',
    shown: ({ own, stranger }) => ({ ...own, changeHistory: stranger.changeHistory }),
  },
  {
    name: 'history and attestation of somebody else',
    code: 'invalid-identity',
    reason: 'identity/invalid-attestation',
    shown: ({ own, stranger }) => ({ ...stranger, staticKey: own.staticKey }),
  },
  {
    name: 'an attestation with another signature',
    code: 'invalid-identity',
    reason: 'identity/invalid-signature',
    shown: ({ own }) => ({ ...own, attestation: flip(own.attestation, -1) }),
  },
  {
    name: 'an attestation that has ended',
    code: 'invalid-identity',
    reason: 'identity/attestation-expired',
    shown: ({ expired }) => expired,
    laterMs: 2 * HOUR_MS,
  },
  { name: 'refused credentials', code: 'credentials-refused', options: { verifier: refusing } },
  {
    name: 'a store that cannot be written',
    code: 'invalid-identity',
    reason: 'store/write-failed',
    store: (store) => ({
      get: (...args) => store.get(...args),
      set: (...args) => store.set(...args),
      delete: (...args) => store.delete(...args),
      scan: (...args) => store.scan(...args),
      close: () => store.close(),
      batch: () => Promise.reject(new OckamError('store/write-failed', 'full')),
    }),
  },
]

/** Bob's node with one connection to or from the peer's; and all that leaves Bob's. */
async function attacked(cause: Partial<Cause>, options: TestNodeOptions = {}) {
  const network = memoryNetwork()
  const clock = new MovableClock({ isStopped: true })
  const store = await copyOf(bob.store)
  await createIdentities({ vault: bob.vault, store }).import(cause.known?.(peer) ?? bob.identity.changeHistory)
  const identities = createIdentities({ vault: bob.vault, store: cause.store?.(store) ?? store, clock })
  const reasons: unknown[] = []
  const lie: TestNodeOptions['lie'] = () => ({
    channelProof: (identifier) => identities.channelProof(identifier),
    updatePeer: (...args) => identities.updatePeer(...args),
    verifyPeer: async (shown) => {
      const listening = async <T>(attempt: Promise<T>): Promise<T> => {
        try {
          return await attempt
        } catch (error) {
          reasons.push((error as OckamError).code)
          throw error
        }
      }
      const verified = await listening(identities.verifyPeer(shown))
      return { ...verified, accept: () => listening(verified.accept()) }
    },
  })
  const node = await createTestNode('bob', { network, clock, vault: bob.vault, identities, identity: bob.identity, lie, ...options })
  clock.move(cause.laterMs ?? 0)
  const trace: string[] = []
  network.tap(({ from, message }) => {
    const { payload, onwardRoute, returnRoute } = message
    if (from === 'bob') trace.push([Buffer.from(payload).toString('hex'), onwardRoute.length, returnRoute.length].join(' '))
    return undefined
  })
  const other = await createTestNode('peer', {
    network,
    vault: peer.vault,
    identities: peer.identities,
    identity: (await peer.identities.find(peer.own.identifier)) as TestNode['identity'],
    lie: lying((proof) => (proof.identifier.equals(peer.own.identifier) ? (cause.shown?.(peer) ?? peer.own) : proof)),
  })
  /** What Bob says to himself. */
  const codes = (): unknown[] =>
    node.events.filter(({ name }) => name === 'secure-channel/handshake-refused').map(({ details }) => details['code'])
  return { network, clock, node, other, trace, codes, reasons }
}

/** Nothing comes later, however long the peer waits. */
async function stillAfterwards(clock: MovableClock, trace: readonly string[]): Promise<void> {
  const { length } = trace
  for (const ms of [1_000, 9_000, 51_000, 70_000, HOUR_MS, 24 * HOUR_MS]) {
    clock.move(ms)
    await settle()
    expect(trace).toHaveLength(length)
  }
}

const credentials = { credentials: async () => [item('a credential')] }
const named = causes.map((cause) => [cause.name, cause] as const)
/** What every refusal is compared with: that of a peer for its name alone. */
const forItsName: Cause = { name: 'reference', code: 'untrusted-peer', options: { trust: trustIdentifiers([]) } }

/** Refusals of a side that accepts, beyond those for what the peer showed. */
interface Attempt extends Cause {
  readonly limits?: Partial<ListenerOptions>
  readonly persistence?: NonNullable<TestNodeOptions['persistence']>
  /** Somebody else, over the same connection, is there first. */
  readonly isLate?: boolean
  /** Message 3 comes only after this. */
  readonly meanwhile?: (clock: MovableClock, listener: ChannelListener) => unknown
}

describe('a peer that opens a channel sees one answer and then nothing, whatever is wrong', () => {
  /** What Bob sends to a peer that is refused, from its first message on. */
  async function traceOf(attempt: Attempt): Promise<readonly string[]> {
    const { persistence, limits, options, isLate, meanwhile } = attempt
    const { network, clock, node, other, trace, codes, reasons } = await attacked(attempt, persistence === undefined ? {} : { persistence })
    const isKeyExchangeOnly = persistence !== undefined
    const side = { trust: everyone, isKeyExchangeOnly }
    const listener = await node.channels.createListener('api', { identity: bob.identity.identifier, ...side, ...limits, ...options })
    await node.router.listen('/memory/bob')
    const toBob = await other.router.connect('/memory/bob')
    const open = (identity: ChannelProof) =>
      other.channels.createChannel([toBob.address, 'api'], { identity: identity.identifier, ...side, credentials })
    if (isLate === true) await open(peer.stranger)
    await until(() => listener.statistics().accepted === (isLate === true ? 1 : 0))
    trace.length = 0
    const sent: { decryptor: Route; payload: Uint8Array }[] = []
    network.tap(({ from, message }) => {
      if (from !== 'peer' || message.payload.length === 32) return undefined
      const payload = sent.length === 0 ? (attempt.change?.(message.payload) ?? message.payload) : message.payload
      sent.push({ decryptor: message.onwardRoute, payload: payload.slice() })
      return sent.length === 1 && meanwhile !== undefined ? [] : [{ ...message, payload }]
    })
    await open(peer.own)
    if (meanwhile !== undefined) await until(() => sent.length === 1)
    await meanwhile?.(clock, listener)
    await until(() => codes().length > 0, 'a refusal')
    expect(listener.statistics().accepted).toBe(isLate === true ? 1 : 0)
    expect(codes()).toEqual([`secure-channel/${attempt.code}`])
    expect(reasons).toEqual(attempt.reason === undefined ? [] : [attempt.reason])
    // It shows the same again, and sends what may be a ciphertext.
    for (const payload of [sent[0]?.payload as Uint8Array, new Uint8Array(60)]) {
      const onwardRoute = Route.of(toBob.address).concat(sent[0]?.decryptor as Route)
      dropPressure(other.router.context.dispatch({ onwardRoute, returnRoute: Route.of('back'), payload }))
    }
    await settle()
    await stillAfterwards(clock, trace)
    const seen = [...trace]
    await closeNodes()
    return seen
  }

  let reference: readonly string[]
  beforeAll(async () => {
    reference = await traceOf(forItsName)
  })

  test.each(named)('row 25: %s', async (_, cause) => {
    expect(await traceOf(cause)).toEqual(reference)
    expect(reference).toHaveLength(1)
  })

  const key = new Uint8Array(32).fill(1)
  const attempts: readonly Attempt[] = [
    { name: 'no place left for a channel', code: 'closed', isLate: true, limits: { maxChannels: 1 } },
    {
      name: 'no place left for a stored decryptor',
      code: 'too-many-records',
      isLate: true,
      persistence: { store: memoryStore(), key, maxTotal: 1 },
    },
    { name: 'a message 3 that comes after the deadline', code: 'timeout', meanwhile: (clock) => clock.move(61_000) },
    { name: 'a listener that is closed before message 3', code: 'closed', meanwhile: (_, listener) => listener.close() },
  ]

  test.each(attempts.map((attempt) => [attempt.name, attempt] as const))('row 25: %s', async (_, attempt) => {
    expect(await traceOf(attempt)).toEqual(reference)
  })

  test.each([
    ['of no byte', new Uint8Array(0)],
    ['of 31 bytes', new Uint8Array(31).fill(9)],
    ['of 65536 bytes', new Uint8Array(65_536).fill(9)],
    ['with a key of zeros', new Uint8Array(32)],
    ['with a key of small order', Uint8Array.from(Buffer.from('e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800', 'hex'))],
    ['when no place is left and nobody there has one', new Uint8Array(32).fill(9)],
  ])('row 25: a first message %s gets no answer at all', async (what, payload) => {
    const { network, clock, node, other, trace, codes } = await attacked({})
    const listener = await node.channels.createListener('api', { identity: bob.identity.identifier, trust: everyone, maxChannels: 1 })
    await node.router.listen('/memory/bob')
    if (what.includes('place')) {
      const elsewhere = await createTestNode('elsewhere', { network })
      const way = await elsewhere.router.connect('/memory/bob')
      await elsewhere.channels.createChannel([way.address, 'api'], { identity: elsewhere.identity.identifier, trust: everyone })
      await until(() => listener.statistics().accepted === 1)
    }
    trace.length = 0
    const toBob = await other.router.connect('/memory/bob')
    const onwardRoute = Route.of(toBob.address, 'api')
    dropPressure(other.router.context.dispatch({ onwardRoute, returnRoute: Route.of('back'), payload }))
    await until(() => listener.statistics().ignored + codes().length > 0)
    await settle()
    // It was refused, and not only not answered yet.
    const { halfOpen, ignored } = listener.statistics()
    expect([halfOpen, ignored + codes().length]).toEqual([0, 1])
    await stillAfterwards(clock, trace)
    expect(trace).toEqual([])
  })
})

describe('a peer that accepts a channel sees one message and then nothing, whatever it answers', () => {
  async function traceOf(cause: Partial<Cause> & { readonly isSilent?: boolean }) {
    const { network, clock, node, other, trace, codes, reasons } = await attacked(cause)
    await other.channels.createListener('api', { identity: peer.own.identifier, trust: everyone, credentials })
    await other.router.listen('/memory/peer')
    const toPeer = await node.router.connect('/memory/peer')
    network.tap(({ from, message }) => {
      if (from !== 'peer') return undefined
      return cause.isSilent === true ? [] : [{ ...message, payload: cause.change?.(message.payload) ?? message.payload }]
    })
    const options = { identity: bob.identity.identifier, trust: everyone, ...cause.options }
    const outcome = node.channels.createChannel([toPeer.address, 'api'], options).catch((error: OckamError) => error.code)
    await until(() => trace.length > 0 && (cause.isSilent === true || codes().length > 0), 'a refusal')
    const told = codes()
    await stillAfterwards(clock, trace)
    return { trace, told, reasons, outcome: await outcome }
  }

  test.each(named)('row 25: %s', async (_, cause) => {
    const { trace, told, reasons, outcome } = await traceOf(cause)
    expect(told).toEqual([`secure-channel/${cause.code}`])
    expect(reasons).toEqual(cause.reason === undefined ? [] : [cause.reason])
    // What does not authenticate is anybody's, so the right answer is awaited; the program learns the cause of all others.
    expect(outcome).toBe(cause.code === 'invalid-handshake' ? 'secure-channel/timeout' : `secure-channel/${cause.code}`)
    expect(trace).toHaveLength(1)
    await closeNodes()
    // The same as from somebody who never hears an answer.
    expect((await traceOf({ isSilent: true })).trace).toEqual(trace)
  })

  test('row 25: a message 2 with a key of small order', async () => {
    const { trace, told } = await traceOf({ change: (payload) => Uint8Array.from(payload, (byte, i) => (i < 32 ? 0 : byte)) })
    expect(told).toEqual(['secure-channel/invalid-handshake'])
    expect(trace).toHaveLength(1)
  })
})
