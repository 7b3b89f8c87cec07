/** Two registries on one store and one vault's keys, as two processes: every order of their store calls leaves one truth. */

import { memoryStore, type SigningKey, type Store, type StoreEntry } from '@ockam/core'
import { softwareVault } from '@ockam/vault-software'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeChangeHistory, type IdentityRegistry } from '../src/index.ts'
import { forgeHistory } from './forgery.ts'
import { nodeParts, START, TestClock, YEAR } from './node-parts.ts'

const RUNS = { numRuns: 60 }

/** Every call waits until the scheduler lets it run. */
function scheduledStore(store: Store, scheduler: fc.Scheduler): Store {
  const turn = () => scheduler.schedule(Promise.resolve())
  return {
    get: (key) => turn().then(() => store.get(key)),
    set: (key, value) => turn().then(() => store.set(key, value)),
    delete: (key) => turn().then(() => store.delete(key)),
    async *scan(prefix): AsyncGenerator<StoreEntry> {
      await turn()
      yield* store.scan(prefix)
    },
    batch: (steps) => turn().then(() => store.batch(steps)),
    close: () => store.close(),
  }
}

type Race = (a: IdentityRegistry, b: IdentityRegistry, store: Store) => Promise<unknown>

/** @param isOneProcess whether both registries use one vault object, or each its own over one store of keys. */
async function racing(scheduler: fc.Scheduler, isOneProcess: boolean, race: Race): Promise<void> {
  const [store, vaultStore, clock] = [memoryStore(), memoryStore(), new TestClock(START)]
  const shared = softwareVault({ store: vaultStore })
  const registry = () => {
    const vault = isOneProcess ? shared : softwareVault({ store: vaultStore })
    return nodeParts({ store: scheduledStore(store, scheduler), vault, clock }).identities
  }
  await scheduler.waitFor(race(registry(), registry(), store))
  const count = async (prefix: string): Promise<number> => {
    let keys = 0
    for await (const _ of vaultStore.scan(prefix)) keys++
    return keys
  }
  const quiet = nodeParts({ store, vault: softwareVault({ store: vaultStore }), clock }).identities
  const identities = await quiet.list()
  expect(await count('vault/signing/')).toBe(identities.length)
  expect(await count('vault/static/')).toBeLessThanOrEqual(2 * identities.length)
  for (const { identifier } of identities) expect((await quiet.channelProof(identifier)).identifier).toEqual(identifier)
}

const property = (race: Race) =>
  fc.assert(
    fc.asyncProperty(fc.scheduler(), fc.boolean(), (scheduler, isOneProcess) => racing(scheduler, isOneProcess, race)),
    RUNS,
  )

test('both get the same identity of one name', async () => {
  await property(async (a, b) => {
    const [one, other] = await Promise.all([a.getOrCreate('service'), b.getOrCreate('service')])
    expect(one).toEqual(other)
  })
})

test('of two rotations at once one wins and the other is told, and the winner’s key is the one that is kept', async () => {
  await property(async (a, b) => {
    const { identifier } = await a.create()
    const results = await Promise.allSettled([a.rotate(identifier), b.rotate(identifier)])
    const won = results.filter((result) => result.status === 'fulfilled')
    const changes = decodeChangeHistory(await a.export(identifier), softwareVault().primitives).changes.length
    expect(won).toHaveLength(changes - 1)
    expect(changes).toBeGreaterThan(1)
    for (const result of results) if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'identity/contention' })
  })
})

test('both prove the identity with the same channel key', async () => {
  await property(async (a, b) => {
    const { identifier } = await a.create()
    const [one, other] = await Promise.all([a.channelProof(identifier), b.channelProof(identifier)])
    expect(one.attestation).toEqual(other.attestation)
  })
})

test('a proof asked for while another rotates is of one history, whole, and the next one is of the latest', async () => {
  await property(async (a, b) => {
    const { identifier } = await a.create()
    const [proof] = await Promise.all([a.channelProof(identifier), b.rotate(identifier)])
    const peer = nodeParts().identities
    for (const { changeHistory, attestation, staticKey } of [proof, await a.channelProof(identifier)])
      await (await peer.verifyPeer({ changeHistory, attestation, noiseStaticKey: staticKey.publicKey })).accept()
    expect(await peer.export(identifier)).toEqual(await b.export(identifier))
  })
})

test('an identity deleted while another uses or rotates it is gone, with all its keys', async () => {
  await property(async (a, b, store) => {
    const { identifier } = await a.create({ name: 'service' })
    const work = await Promise.allSettled([b.channelProof(identifier), b.rotate(identifier), a.delete('service')])
    expect(work[2]).toMatchObject({ status: 'fulfilled', value: true })
    for (const result of work) if (result.status === 'rejected') expect(result.reason).toMatchObject({ name: 'OckamError' })
    for await (const { key } of store.scan('')) expect.fail(`${key} was left behind`)
  })
})

test('of an older and a newer history of a peer the newer one stays, in whatever order they come', async () => {
  const maker = softwareVault()
  const older = await forgeHistory(maker, [{ validUntil: START + YEAR }])
  const newer = await forgeHistory(maker, [{ key: older.keys[0] as SigningKey, validUntil: START + YEAR }, {}])
  await property(async (a, b) => {
    const [first, second] = await Promise.allSettled([a.import(older.bytes), b.import(newer.bytes)])
    expect(second.status).toBe('fulfilled')
    if (first.status === 'rejected') expect(first.reason).toMatchObject({ code: 'identity/older-history' })
    expect(await a.export(older.identifier)).toEqual(newer.bytes)
  })
})

test('of two histories in conflict one stays and the other is refused', async () => {
  const maker = softwareVault()
  const [root] = (await forgeHistory(maker, [{}])).keys as [SigningKey]
  const [left, right] = [await forgeHistory(maker, [{ key: root }, {}]), await forgeHistory(maker, [{ key: root }, {}])]
  await property(async (a, b) => {
    const results = await Promise.allSettled([a.import(left.bytes), b.import(right.bytes)])
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    for (const result of results)
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'identity/conflicting-history' })
  })
})

test('a rotation that finishes between finding the old key and signing with it is told as contention, and a proof follows it', async () => {
  const [store, inner] = [memoryStore(), softwareVault()]
  const other = nodeParts({ store, vault: inner }).identities
  const { identifier } = await other.create()
  let between: (() => Promise<unknown>) | undefined
  const interrupted = async <T>(result: Promise<T>): Promise<T> => {
    const run = between
    between = undefined
    await run?.()
    return result
  }
  const signing: typeof inner.signing = {
    generateSigningKey: (type) => interrupted(inner.signing.generateSigningKey(type)),
    sign: (...args) => inner.signing.sign(...args),
    deleteSigningKey: (key) => inner.signing.deleteSigningKey(key),
    findSigningKey: (key) => interrupted(inner.signing.findSigningKey(key)),
  }
  const registry = () => nodeParts({ store, vault: { ...inner, signing } }).identities

  const first = registry()
  between = () => other.rotate(identifier)
  await expect(first.rotate(identifier)).rejects.toMatchObject({ code: 'identity/contention' })

  between = () => other.rotate(identifier)
  const { changeHistory } = await registry().channelProof(identifier)
  expect(changeHistory).toEqual(await other.export(identifier))
})
