/** What is known of other identities: stored after trust has agreed, only ever growing, never contradicted in silence (security rule 10). */

import { type Identifier, memoryStore, type OckamError, type SigningKey, type Store } from '@ockam/core'
import { softwareVault } from '@ockam/vault-software'
import { beforeAll, describe, expect, test } from 'vitest'
import { CHANNEL_KEY, type ForgedHistory, forgeAttestation, forgeHistory } from './forgery.ts'
import { type NodeParts, nodeParts } from './node-parts.ts'

const vault = softwareVault()
let one: ForgedHistory
let two: ForgedHistory
let fork: ForgedHistory

beforeAll(async () => {
  one = await forgeHistory(vault, [{}])
  const [root] = one.keys as [SigningKey]
  two = await forgeHistory(vault, [{ key: root }, {}])
  fork = await forgeHistory(vault, [{ key: root }, {}])
})

const verify = async ({ identities }: NodeParts, history: ForgedHistory) =>
  identities.verifyPeer({ changeHistory: history.bytes, attestation: await forgeAttestation(vault, history), noiseStaticKey: CHANNEL_KEY })

async function isEmpty(store: Store): Promise<boolean> {
  for await (const _ of store.scan('')) return false
  return true
}

describe('verifyPeer', () => {
  test('stores nothing; accept stores the history', async () => {
    const parts = nodeParts()
    const peer = await verify(parts, one)
    expect(await isEmpty(parts.store)).toBe(true)
    await peer.accept()
    expect(await parts.identities.export(one.identifier)).toEqual(one.bytes)
  })

  test('asks whether a claimed identity is welcome before it verifies hundreds of signatures, and of a few changes not at all', async () => {
    const [root] = one.keys as [SigningKey]
    const long = await forgeHistory(vault, [{ key: root }, ...Array.from({ length: 8 }, () => ({}))])
    const short = await forgeHistory(vault, [{ key: root }, ...Array.from({ length: 7 }, () => ({}))])
    const shown = async (history: ForgedHistory, isWelcome: boolean) => {
      const parts = nodeParts()
      const asked: string[] = []
      const couldBe = (claimed: Identifier): boolean => {
        asked.push(claimed.toString())
        return isWelcome
      }
      const presented = { changeHistory: history.bytes, attestation: await forgeAttestation(vault, history), noiseStaticKey: CHANNEL_KEY }
      const outcome = await parts.identities.verifyPeer({ ...presented, couldBe }).then(
        () => 'verified',
        (error: OckamError) => error.code,
      )
      return { outcome, asked, verifications: parts.verifications() }
    }
    const name = one.identifier.toString()
    expect(await shown(long, false)).toEqual({ outcome: 'identity/unexpected-identifier', asked: [name], verifications: 0 })
    expect(await shown(long, true)).toEqual({ outcome: 'verified', asked: [name], verifications: 18 })
    expect(await shown(short, false)).toEqual({ outcome: 'verified', asked: [], verifications: 16 })
  })

  test('refuses an older history than the known one', async () => {
    const parts = nodeParts()
    await (await verify(parts, two)).accept()
    await expect(verify(parts, one)).rejects.toMatchObject({
      code: 'identity/older-history',
      message: expect.stringContaining('1 changes, 2 are known'),
    })
    expect(await parts.identities.export(one.identifier)).toEqual(two.bytes)
    expect(parts.events).toEqual([])
  })

  test('refuses a second history of one identifier and raises an alarm, whichever comes first', async () => {
    for (const [first, second] of [
      [two, fork],
      [fork, two],
    ] as const) {
      const parts = nodeParts()
      await (await verify(parts, first)).accept()
      await expect(verify(parts, second)).rejects.toMatchObject({ code: 'identity/conflicting-history' })
      expect(parts.events).toEqual([{ name: 'identity/conflicting-history', details: { identifier: one.identifier.toString() } }])
      expect(await parts.identities.export(one.identifier)).toEqual(first.bytes)
    }
  })

  test('raises no alarm for a contradiction that is not signed', async () => {
    const parts = nodeParts()
    await (await verify(parts, two)).accept()
    const forged = await forgeHistory(vault, [
      { key: one.keys[0] as SigningKey },
      { previousSignedBy: await vault.signing.generateSigningKey('ed25519') },
    ])
    await expect(verify(parts, forged)).rejects.toMatchObject({ code: 'identity/invalid-signature' })
    expect(parts.events).toEqual([])
  })
})

describe('accept', () => {
  test('compares again: of two handshakes under way the one with the older history is refused', async () => {
    const parts = nodeParts()
    const [older, newer] = [await verify(parts, one), await verify(parts, two)]
    await newer.accept()
    await expect(older.accept()).rejects.toMatchObject({ code: 'identity/older-history' })
    await newer.accept()
    expect(await parts.identities.export(one.identifier)).toEqual(two.bytes)
  })

  test('compares again: of two conflicting handshakes under way the second is refused', async () => {
    const parts = nodeParts()
    const [left, right] = [await verify(parts, two), await verify(parts, fork)]
    await right.accept()
    await expect(left.accept()).rejects.toMatchObject({ code: 'identity/conflicting-history' })
    expect(parts.events).toHaveLength(1)
  })

  test('gives up when the store never lets it win', async () => {
    const inner = memoryStore()
    const store: Store = { ...methodsOf(inner), batch: async () => false }
    await expect((await verify(nodeParts({ store }), one)).accept()).rejects.toMatchObject({ code: 'identity/contention' })
  })
})

describe('a known history shown again', () => {
  test('writes nothing', async () => {
    const inner = methodsOf(memoryStore())
    let writes = 0
    const batch: Store['batch'] = (steps) => {
      writes++
      return inner.batch(steps)
    }
    const parts = nodeParts({ store: { ...inner, batch } })
    for (let i = 0; i < 3; i++) {
      await (await verify(parts, two)).accept()
      await parts.identities.updatePeer(two.bytes, two.identifier)
    }
    expect(writes).toBe(1)
  })
})

describe('updatePeer', () => {
  test('stores what is new or newer, passes what is equal, refuses what is older, in conflict, or of somebody else', async () => {
    const parts = nodeParts()
    const update = (history: ForgedHistory) => parts.identities.updatePeer(history.bytes, one.identifier)
    await update(one)
    await update(two)
    await update(two)
    await expect(update(one)).rejects.toMatchObject({ code: 'identity/older-history' })
    await expect(update(fork)).rejects.toMatchObject({ code: 'identity/conflicting-history' })
    await expect(update(await forgeHistory(vault, [{}]))).rejects.toMatchObject({ code: 'identity/unexpected-identifier' })
    expect(await parts.identities.export(one.identifier)).toEqual(two.bytes)
  })
})

describe('an own identity shown by somebody else', () => {
  test('is legal, as with two nodes of one home directory that share identity and static key', async () => {
    const parts = nodeParts()
    const { identifier } = await parts.identities.create()
    const { changeHistory, attestation, staticKey } = await parts.identities.channelProof(identifier)
    const peer = await parts.identities.verifyPeer({ changeHistory, attestation, noiseStaticKey: staticKey.publicKey })
    await peer.accept()
    expect(peer.identifier).toEqual(identifier)
  })

  test('with a newer history that was made elsewhere, by a thief of the key, is refused with an alarm and does not lock out this node', async () => {
    const [root] = one.keys as [SigningKey]
    const parts = nodeParts({ vault })
    await parts.store.set(`identity/own/${one.identifier}`, new Uint8Array())
    await parts.store.set(`identity/history/${one.identifier}`, one.bytes)
    const thief = softwareVault()
    const thiefsKey = await thief.signing.generateSigningKey('ed25519')
    const sign = (...args: Parameters<typeof vault.signing.sign>) => (args[0] === thiefsKey ? thief : vault).signing.sign(...args)
    const signing = { ...methodsOf(vault.signing), sign }
    const stolen = await forgeHistory({ ...vault, signing }, [{ key: root }, { key: thiefsKey }])
    const attestation = await forgeAttestation({ ...vault, signing }, stolen)
    const presented = { changeHistory: stolen.bytes, attestation, noiseStaticKey: CHANNEL_KEY }
    await expect(parts.identities.verifyPeer(presented)).rejects.toMatchObject({ code: 'identity/conflicting-history' })
    await expect(parts.identities.import(stolen.bytes)).rejects.toMatchObject({ code: 'identity/conflicting-history' })
    expect(parts.events.map(({ name }) => name)).toEqual(['identity/conflicting-history', 'identity/conflicting-history'])
    expect((await parts.identities.channelProof(one.identifier)).changeHistory).toEqual(one.bytes)
  })

  test('with a newer history whose key is in this node’s vault is followed', async () => {
    const [root] = one.keys as [SigningKey]
    const parts = nodeParts({ vault })
    await parts.store.set(`identity/own/${one.identifier}`, new Uint8Array())
    await parts.store.set(`identity/history/${one.identifier}`, one.bytes)
    const rotated = await forgeHistory(vault, [{ key: root }, {}])
    expect(await parts.identities.import(rotated.bytes)).toEqual(one.identifier)
    expect((await parts.identities.channelProof(one.identifier)).changeHistory).toEqual(rotated.bytes)
  })
})

test('a store whose history was damaged says so instead of accepting anything', async () => {
  const parts = nodeParts()
  await parts.store.set(`identity/history/${one.identifier}`, Uint8Array.of(0xff))
  await expect(verify(parts, two)).rejects.toMatchObject({ code: 'identity/invalid-history' })
})

/** The methods of an object with a class behind it, as an object that can be spread. */
function methodsOf<T extends object>(object: T): T {
  const names = Object.getOwnPropertyNames(Object.getPrototypeOf(object)).filter((name) => name !== 'constructor')
  return Object.fromEntries(names.map((name) => [name, (object[name as keyof T] as CallableFunction).bind(object)])) as T
}
