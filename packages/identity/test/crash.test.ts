/**
 * A process killed between any two writes, to the store of identities or to that of the vault's keys: whatever was being done, the next start finds
 * a state it can work with, and nothing that was acknowledged is lost.
 */

import { memoryStore, type Store } from '@ockam/core'
import { softwareVault } from '@ockam/vault-software'
import { describe, expect, test } from 'vitest'
import { compareHistories, decodeChangeHistory, type IdentityRegistry } from '../src/index.ts'
import { DAY, type NodeParts, nodeParts, START, TestClock, YEAR } from './node-parts.ts'

class Killed extends Error {}

/** Stores that share one life: after `writes` writes every further call fails, as a killed process does nothing more. */
class Life {
  #writesLeft: number
  #isOver = false
  constructor(writes: number) {
    this.#writesLeft = writes
  }
  get isOver(): boolean {
    return this.#isOver
  }
  mortal(store: Store): Store {
    const write = <T>(run: () => Promise<T>): Promise<T> => {
      if (this.#writesLeft === 0) this.#isOver = true
      else this.#writesLeft--
      return read(run)
    }
    const read = <T>(run: () => Promise<T>): Promise<T> => (this.#isOver ? Promise.reject(new Killed()) : run())
    return {
      get: (key) => read(() => store.get(key)),
      set: (key, value) => write(() => store.set(key, value)),
      delete: (key) => write(() => store.delete(key)),
      scan: (prefix) => store.scan(prefix),
      batch: (steps) => write(() => store.batch(steps)),
      close: () => store.close(),
    }
  }
}

interface Media {
  readonly store: Store
  readonly vaultStore: Store
  readonly clock: TestClock
}

function start({ store, vaultStore, clock }: Media, life = new Life(Number.POSITIVE_INFINITY)): NodeParts {
  return nodeParts({ store: life.mortal(store), vault: softwareVault({ store: life.mortal(vaultStore) }), clock })
}

async function keysIn(vaultStore: Store, table: string): Promise<number> {
  let count = 0
  for await (const _ of vaultStore.scan(`vault/${table}/`)) count++
  return count
}

/** Runs `work` on what `prepare` left, killed after 0, 1, 2 … writes until it gets through; `check` looks at every state that is found then. */
async function killedAnywhere(
  prepare: (identities: IdentityRegistry, clock: TestClock) => Promise<void>,
  work: (identities: IdentityRegistry) => Promise<unknown>,
  check: (parts: NodeParts, before: Uint8Array | undefined, media: Media) => Promise<void>,
): Promise<number> {
  for (let writes = 0; writes < 50; writes++) {
    const media = { store: memoryStore(), vaultStore: memoryStore(), clock: new TestClock(START) }
    const { identities } = start(media)
    await prepare(identities, media.clock)
    const before = await identities.export('service').catch(() => undefined)
    const life = new Life(writes)
    const outcome = await work(start(media, life).identities).catch((error: unknown) => error)
    if (life.isOver) expect(outcome).toBeInstanceOf(Killed)
    await check(start(media), before, media)
    if (!life.isOver) return writes
  }
  throw new Error('the work never ends')
}

/** The identity is whole: it proves itself to a peer, and can be rotated and deleted, after which at most `orphans` keys are left. */
async function expectUsable(
  { identities, clock }: NodeParts,
  { vaultStore }: Media,
  orphans: { signing: number; static: number },
): Promise<void> {
  const { identifier } = await identities.getOrCreate('service')
  const peer = nodeParts({ clock }).identities
  for (let i = 0; i < 2; i++) {
    const { changeHistory, attestation, staticKey } = await identities.channelProof(identifier)
    await (await peer.verifyPeer({ changeHistory, attestation, noiseStaticKey: staticKey.publicKey, expected: identifier })).accept()
    await identities.rotate('service')
  }
  expect(await identities.delete('service')).toBe(true)
  expect(await identities.list()).toEqual([])
  expect(await keysIn(vaultStore, 'signing')).toBeLessThanOrEqual(orphans.signing)
  expect(await keysIn(vaultStore, 'static')).toBeLessThanOrEqual(orphans.static)
}

const made = async (identities: IdentityRegistry): Promise<void> => {
  await identities.create({ name: 'service' })
}
const used = async (identities: IdentityRegistry): Promise<void> => {
  await made(identities)
  await proofOfService(identities)
}

describe('a process killed at any write', () => {
  test('while it makes an identity leaves none or a whole one', async () => {
    const writes = await killedAnywhere(
      async () => {},
      (identities) => identities.getOrCreate('service'),
      async (parts, _, media) => {
        const found = await parts.identities.find('service')
        expect(await parts.identities.list()).toEqual(found === undefined ? [] : [found])
        await expectUsable(parts, media, { signing: 1, static: 0 })
      },
    )
    expect(writes).toBeGreaterThanOrEqual(2)
  })

  test('while it makes the first channel key leaves the identity able to make another', async () => {
    const writes = await killedAnywhere(made, proofOfService, (parts, _, media) => expectUsable(parts, media, { signing: 0, static: 1 }))
    expect(writes).toBeGreaterThanOrEqual(2)
  })

  test('while it renews a channel key leaves the old one or the new one', async () => {
    const writes = await killedAnywhere(
      async (identities, clock) => {
        await used(identities)
        for (let i = 0; i < 2; i++) {
          clock.seconds += YEAR - DAY
          await proofOfService(identities)
        }
        clock.seconds += YEAR - DAY
      },
      proofOfService,
      (parts, _, media) => expectUsable(parts, media, { signing: 0, static: 1 }),
    )
    expect(writes).toBeGreaterThanOrEqual(3)
  })

  test('while it rotates leaves the history before or the one after, with its key', async () => {
    const writes = await killedAnywhere(
      used,
      (identities) => identities.rotate('service', { keyType: 'p256' }),
      async (parts, before, media) => {
        const { primitives } = parts.vault
        const relation = compareHistories(
          decodeChangeHistory(await parts.identities.export('service'), primitives),
          decodeChangeHistory(before ?? new Uint8Array(), primitives),
          primitives,
        )
        expect(['equal', 'newer']).toContain(relation)
        await expectUsable(parts, media, { signing: 1, static: 0 })
      },
    )
    expect(writes).toBeGreaterThanOrEqual(3)
  })

  test('while it deletes leaves a whole identity or none', async () => {
    const writes = await killedAnywhere(
      used,
      (identities) => identities.delete('service'),
      async (parts, before, media) => {
        const found = await parts.identities.find('service')
        if (found !== undefined) expect(found.changeHistory).toEqual(before)
        await expectUsable(parts, media, { signing: 1, static: 1 })
      },
    )
    expect(writes).toBeGreaterThanOrEqual(3)
  })
})

test('a primary key that a crash kept from being deleted goes with the next rotation', async () => {
  const media = { store: memoryStore(), vaultStore: memoryStore(), clock: new TestClock(START) }
  await made(start(media).identities)
  // Written are the new key and the new history, and then no more.
  const life = new Life(2)
  await expect(start(media, life).identities.rotate('service')).rejects.toBeInstanceOf(Killed)
  const { identities } = start(media)
  expect(await keysIn(media.vaultStore, 'signing')).toBe(2)
  await identities.rotate('service')
  expect(await keysIn(media.vaultStore, 'signing')).toBe(1)
})

async function proofOfService(identities: IdentityRegistry): Promise<void> {
  const identity = await identities.find('service')
  if (identity === undefined) throw new Error('there is no identity')
  await identities.channelProof(identity.identifier)
}
