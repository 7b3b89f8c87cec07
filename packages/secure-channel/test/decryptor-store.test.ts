/** Stored decryptors: what keeps their number bounded, what a damaged one does to the others, and what records are bound to. */

import {
  type Address,
  type AeadKey,
  type Identifier,
  memoryStore,
  OckamError,
  type Primitives,
  type Store,
  type StoreEntry,
} from '@ockam/core'
import { BareReader, encodeBareData } from '@ockam/core/bare'
import { softwareVault } from '@ockam/vault-software'
import { afterEach, describe, expect, test } from 'vitest'
import type { DecryptorPersistence, RestoredDecryptor, SecureChannel } from '../src/index.ts'
import { plugInVault } from './plug-in-vault.ts'
import { bytes, closeNodes, createTestNode, everyone, type TestNode, type TestNodeOptions, text, twoNodes, until } from './world.ts'

afterEach(closeNodes)

const key = new Uint8Array(32).fill(9)
const withCode = (code: string): unknown => expect.objectContaining({ code: `secure-channel/${code}` })

async function records(store: Store): Promise<StoreEntry[]> {
  const entries: StoreEntry[] = []
  for await (const entry of store.scan('secure-channel/decryptor/')) entries.push(entry)
  return entries
}

/** The same content in another store, with some of it changed. */
async function copyOf(store: Store, change: (entry: StoreEntry) => StoreEntry = (entry) => entry): Promise<Store> {
  const copy = memoryStore()
  for await (const entry of store.scan('')) {
    const { key: name, value } = change(entry)
    await copy.set(name, value)
  }
  return copy
}

const isRecord = ({ key: name }: StoreEntry): boolean => name.startsWith('secure-channel/decryptor/')

/** Bob stores decryptors; Alice exchanges keys with him, as several identities, each time once more. */
async function exchanging(limits: Partial<DecryptorPersistence> = {}, bobs: TestNodeOptions = {}, alices: TestNodeOptions = {}) {
  const store = limits.store ?? memoryStore()
  const { alice, bob, toBob } = await twoNodes({ alice: alices, bob: { persistence: { key, ...limits, store }, ...bobs } })
  const side = { trust: everyone, isKeyExchangeOnly: true } as const
  const accepted: SecureChannel[] = []
  const onChannel = (channel: SecureChannel): void => void accepted.push(channel)
  const listener = await bob.channels.createListener('api', { identity: bob.identity.identifier, ...side, onChannel })
  /** One more channel. @returns Bob's side, and something sealed for it. */
  const exchange = async (identity: Identifier = alice.identity.identifier, content = 'sealed') => {
    const known = accepted.length
    const channel = await alice.channels.createChannel([toBob.address, 'api'], { identity, ...side })
    await until(() => accepted.length > known || listener.statistics().halfOpen === 0, 'the handshake is over')
    const { payload } = await alice.router.context.request([channel.encryptorApi], encodeBareData(bytes(content)))
    return { channel: accepted[known], ciphertext: answerOf(payload) as Uint8Array }
  }
  const stranger = async (): Promise<Identifier> => (await alice.identities.create()).identifier
  return { store, alice, bob, listener, exchange, stranger }
}

function answerOf(payload: Uint8Array): Uint8Array | string {
  const reader = new BareReader(payload)
  return reader.uvarint() === 0 ? reader.data().slice() : reader.string()
}

async function opened(node: TestNode, service: Address | undefined, ciphertext: Uint8Array): Promise<string> {
  const { payload } = await node.router.context.request([service as Address], encodeBareData(ciphertext))
  const answer = answerOf(payload)
  return typeof answer === 'string' ? answer : text(answer)
}

const restore = async (store: Store, secret = key, options: TestNodeOptions = {}): Promise<readonly RestoredDecryptor[]> =>
  (await createTestNode('bob-again', { ...options, persistence: { store, key: secret } })).channels.restoreDecryptors()

/** The same node once more. */
const lifeOf = ({ vault, identities, identity }: TestNode): TestNodeOptions => ({ vault, identities, identity })

const addresses = (decryptors: readonly { readonly decryptorAddress: Address }[]): string[] =>
  decryptors.map(({ decryptorAddress }) => decryptorAddress.toString()).sort()

describe('the number of stored decryptors', () => {
  test('of one peer is limited: the oldest of its own gives way, lives on in memory, and others keep theirs', async () => {
    const { store, bob, exchange, stranger } = await exchanging({ maxPerPeer: 3 })
    const others = await exchange(await stranger())
    const own: Awaited<ReturnType<typeof exchange>>[] = []
    for (let i = 0; i < 8; i++) own.push(await exchange())
    expect(addresses(await restore(store))).toEqual(addresses([others, ...own.slice(-3)].map(({ channel }) => channel as SecureChannel)))
    expect(await opened(bob, own[0]?.channel?.decryptorApi, own[0]?.ciphertext as Uint8Array)).toBe('sealed')
    // Told the 1st, 2nd and 4th time: a peer can cause it at will.
    const events = bob.events.filter(({ name }) => name === 'secure-channel/decryptor-displaced').map(({ details }) => details)
    expect(events.map(({ count }) => count)).toEqual([1, 2, 4])
    expect(events[0]?.['peer']).toBe(own[0]?.channel?.peer.toString())
  })

  test('of one peer is limited over restarts too, by the order in which they were made, also by a limit that was lowered', async () => {
    const { store, alice, bob, exchange } = await exchanging()
    const own: Awaited<ReturnType<typeof exchange>>[] = []
    for (let i = 0; i < 7; i++) own.push(await exchange())
    await bob.close()
    await alice.close()
    const later = await exchanging({ store, maxPerPeer: 3 }, lifeOf(bob), lifeOf(alice))
    own.push(await later.exchange())
    expect(addresses(await restore(store))).toEqual(addresses(own.slice(-3).map(({ channel }) => channel as SecureChannel)))
  })

  test('in all is limited: who has none is refused, silently, who has some displaces the oldest of its own', async () => {
    const { store, bob, listener, exchange, stranger } = await exchanging({ maxTotal: 3 })
    const other = await exchange(await stranger())
    const [, second] = [await exchange(), await exchange()]
    const refused = await exchange(await stranger())
    expect(refused.channel).toBeUndefined()
    expect(bob.events.findLast(({ name }) => name === 'secure-channel/handshake-refused')?.details['code']).toBe(
      'secure-channel/too-many-records',
    )
    expect(listener.statistics()).toMatchObject({ accepted: 3, channels: 3, halfOpen: 0 })
    const third = await exchange()
    expect(addresses(await restore(store))).toEqual(addresses([other, second, third].map(({ channel }) => channel as SecureChannel)))
  })

  test('falls when a live channel is told to forget, which also closes it; ordinary channels just close', async () => {
    const { store, alice, bob, exchange, stranger } = await exchanging({ maxTotal: 2 })
    const [first, second] = [await exchange(), await exchange()]
    await expect(first.channel?.forget({ timeoutMs: -1 })).rejects.toThrowError(withCode('invalid-argument'))
    expect(await records(store)).toHaveLength(2)
    await first.channel?.forget()
    expect((await first.channel?.closed)?.reason).toBe('local')
    expect(addresses(await restore(store))).toEqual(addresses([second.channel as SecureChannel]))
    expect((await exchange(await stranger())).channel).toBeDefined()
    await bob.channels.createListener('ordinary', { identity: bob.identity.identifier, trust: everyone })
    const ordinary = await alice.channels.createChannel([(await alice.router.connect('/memory/bob')).address, 'ordinary'], {
      identity: alice.identity.identifier,
      trust: everyone,
    })
    await ordinary.forget()
    expect(await records(store)).toHaveLength(2)
  })

  test('is kept right when the store fails to write', async () => {
    const inner = memoryStore()
    let isFull = false
    const store: Store = {
      get: (...args) => inner.get(...args),
      set: (...args) => inner.set(...args),
      delete: (...args) => inner.delete(...args),
      scan: (...args) => inner.scan(...args),
      batch: async (steps) => {
        if (isFull) throw new OckamError('store/write-failed', 'disk full')
        return inner.batch(steps)
      },
      close: () => inner.close(),
    }
    const { bob, exchange } = await exchanging({ store, maxPerPeer: 2 })
    const [, second] = [await exchange(), await exchange()]
    isFull = true
    for (let i = 0; i < 3; i++) expect((await exchange()).channel).toBeUndefined()
    expect(bob.events.findLast(({ name }) => name === 'secure-channel/handshake-refused')?.details['code']).toBe('store/write-failed')
    isFull = false
    const third = await exchange()
    expect(addresses(await restore(store))).toEqual(addresses([second, third].map(({ channel }) => channel as SecureChannel)))
  })

  test('is limited by numbers above zero', async () => {
    for (const limit of [{ maxPerPeer: 0 }, { maxTotal: Number.NaN }]) {
      await expect(createTestNode('bob', { persistence: { store: memoryStore(), key, ...limit } })).rejects.toThrowError(
        withCode('invalid-argument'),
      )
    }
  })
})

describe('a stored decryptor that cannot be opened', () => {
  test('regression: does not keep the others from being restored, and diagnostics hear which it is', async () => {
    const { store, exchange } = await exchanging()
    const all = [await exchange(), await exchange(), await exchange()]
    const [, broken] = await records(store)
    const name = broken?.key as string
    await store.set(name, new Uint8Array([1, 2, 3]))
    const node = await createTestNode('bob-again', { persistence: { store, key } })
    const restored = await node.channels.restoreDecryptors()
    const left = all.filter(({ channel }) => !name.endsWith(channel?.decryptorAddress.name ?? ''))
    expect(addresses(restored)).toEqual(addresses(left.map(({ channel }) => channel as SecureChannel)))
    expect(node.events.filter((event) => event.name === 'secure-channel/record-unreadable').map(({ details }) => details)).toEqual([
      { record: name },
    ])
    for (const { channel, ciphertext } of left) expect(await opened(node, channel?.decryptorApi, ciphertext)).toBe('sealed')
    // It is left where it is: another key may open it.
    expect(await records(store)).toHaveLength(3)
  })

  test('is an error when it is the same with all of them: by another key, or by changed, cut or moved bytes', async () => {
    const { store, exchange } = await exchanging()
    await exchange()
    const corrupt = withCode('corrupt-record')
    expect(await restore(await copyOf(store))).toHaveLength(1)
    await expect(restore(store, new Uint8Array(32))).rejects.toThrowError(corrupt)
    const length = (await records(store))[0]?.value.length as number
    for (const at of [1, 10, 60, length - 1]) {
      const flipped = (value: Uint8Array): Uint8Array<ArrayBuffer> => Uint8Array.from(value, (byte, i) => (i === at ? byte ^ 1 : byte))
      const changed = await copyOf(store, (entry) => (isRecord(entry) ? { ...entry, value: flipped(entry.value) } : entry))
      await expect(restore(changed)).rejects.toThrowError(corrupt)
    }
    const moved = await copyOf(store, (entry) => (isRecord(entry) ? { ...entry, key: `${entry.key}0` } : entry))
    await expect(restore(moved)).rejects.toThrowError(corrupt)
    const cut = await copyOf(store, (entry) => (isRecord(entry) ? { ...entry, value: entry.value.slice(0, 40) } : entry))
    await expect(restore(cut)).rejects.toThrowError(corrupt)
  })

  test('rule 8: is one of another store under the same key, or that claims another version', async () => {
    const { store, exchange } = await exchanging()
    const other = await exchanging()
    await exchange()
    await other.exchange()
    const [mine] = await records(store)
    const [theirs] = await records(other.store)
    if (mine === undefined || theirs === undefined) throw new Error('nothing stored')
    await store.set(theirs.key, theirs.value)
    expect(await restore(store)).toHaveLength(1)
    await store.set(
      mine.key,
      Uint8Array.from(mine.value, (byte, i) => (i === 1 ? 2 : byte)),
    )
    await expect(restore(store)).rejects.toThrowError(withCode('corrupt-record'))
  })

  test('row 26: is one with a changed seal, also for a vault that answers with a promise', async () => {
    const { store, exchange } = await exchanging()
    await exchange()
    const changed = await copyOf(store, (entry) => {
      if (isRecord(entry)) entry.value[entry.value.length - 1] = (entry.value[entry.value.length - 1] as number) ^ 1
      return entry
    })
    const vault = plugInVault((real) => ({
      openInto: (...args: Parameters<AeadKey['openInto']>) => Promise.resolve(real.openInto(...args)),
    }))
    await expect(restore(changed, key, { vault })).rejects.toThrowError(
      expect.objectContaining({
        code: 'secure-channel/corrupt-record',
        cause: expect.objectContaining({ message: 'the seal does not hold' }),
      }),
    )
  })
})

describe('the key that protects stored decryptors', () => {
  /** A vault that shows from what it derives keys, and may derive something else. */
  function derivingVault(other?: Uint8Array<ArrayBuffer>) {
    const real = softwareVault()
    const derivedFrom = new Set<Uint8Array>()
    const hkdfSha256: Primitives['hkdfSha256'] = (salt, inputKey, info, length) => {
      if (new TextDecoder().decode(info).includes('decryptor')) {
        derivedFrom.add(inputKey)
        if (other !== undefined) return other
      }
      return real.primitives.hkdfSha256(salt, inputKey, info, length)
    }
    return { vault: { ...real, primitives: { ...real.primitives, hkdfSha256 } }, derivedFrom }
  }

  test('is wiped when the channels are closed, and nothing is stored or read afterwards', async () => {
    const { vault, derivedFrom } = derivingVault()
    const { store, bob, exchange } = await exchanging({}, { vault })
    await exchange()
    const [copy] = derivedFrom
    expect(copy).toEqual(key)
    await bob.channels.close()
    expect(copy).toEqual(new Uint8Array(32))
    expect(key[0]).toBe(9)
    await expect(bob.channels.restoreDecryptors()).rejects.toThrowError(withCode('closed'))
    expect(await restore(store)).toHaveLength(1)
  })

  test('row 26: a vault that derives something of another length is a typed failure, and no record’s fault', async () => {
    const { store, exchange } = await exchanging()
    await exchange()
    const { vault } = derivingVault(new Uint8Array(16))
    await expect(restore(store, key, { vault })).rejects.toThrowError(withCode('vault-failed'))
    const broken = await exchanging({}, { vault })
    expect((await broken.exchange()).channel).toBeUndefined()
    expect(await records(broken.store)).toEqual([])
  })
})
