/** Identities a node owns: made, found by name, listed, exported, rotated, deleted. */

import { Identifier, memoryStore } from '@ockam/core'
import { softwareVault } from '@ockam/vault-software'
import { describe, expect, test } from 'vitest'
import { compareHistories, decodeChangeHistory, MAX_HISTORY_BYTES } from '../src/index.ts'
import { forgeHistory } from './forgery.ts'
import { toHex } from './hex.ts'
import { DAY, nodeParts, START, YEAR } from './node-parts.ts'

const { primitives } = softwareVault()

describe('an identity is made', () => {
  test('with an Ed25519 key valid for ten years, unless told otherwise', async () => {
    const { identities } = nodeParts()
    const plain = await identities.create()
    const chosen = await identities.create({ name: 'chosen', keyType: 'p256', validForMs: 1500 })
    expect(plain).toMatchObject({ keyType: 'ed25519', name: undefined })
    expect(chosen).toMatchObject({ keyType: 'p256', name: 'chosen' })
    expect(decodeChangeHistory(plain.changeHistory, primitives).latest.data).toMatchObject({
      validFrom: START,
      validUntil: START + 10 * YEAR,
    })
    expect(decodeChangeHistory(chosen.changeHistory, primitives).latest.data).toMatchObject({ validFrom: START, validUntil: START + 1 })
  })

  test.each([0, 999, -1, Number.NaN, Number.POSITIVE_INFINITY])('not with a validity of %s ms, and no key is left', async (validForMs) => {
    const vaultStore = memoryStore()
    const { identities } = nodeParts({ vault: softwareVault({ store: vaultStore }) })
    await expect(identities.create({ validForMs })).rejects.toMatchObject({ code: 'identity/invalid-argument' })
    expect(await keysIn(vaultStore)).toBe(0)
  })

  test.each([0, Number.NaN, 999])('not where attestations would be valid for %s ms', (attestationValidForMs) => {
    expect(() => nodeParts({ attestationValidForMs })).toThrow(expect.objectContaining({ code: 'identity/invalid-argument' }))
  })

  test('once for each name, and no key is left of the second attempt', async () => {
    const vaultStore = memoryStore()
    const { identities } = nodeParts({ vault: softwareVault({ store: vaultStore }) })
    const first = await identities.create({ name: 'service' })
    await expect(identities.create({ name: 'service' })).rejects.toMatchObject({ code: 'identity/name-in-use' })
    expect((await identities.find('service'))?.identifier).toEqual(first.identifier)
    expect(await keysIn(vaultStore)).toBe(1)
  })

  test('not under a name with control characters, without end, of half a character, or like an identifier', async () => {
    const { identities } = nodeParts()
    const names = ['', 'a\n', '\0', 'x'.repeat(129), '\ud800', `I${'0'.repeat(64)}`, ` I${'F'.repeat(64)}`, 7 as unknown as string]
    for (const name of names) {
      await expect(identities.create({ name })).rejects.toMatchObject({ code: 'identity/invalid-argument' })
      await expect(identities.getOrCreate(name)).rejects.toMatchObject({ code: 'identity/invalid-argument' })
    }
    for (const name of ['x'.repeat(128), 'Straße 7/1', '🔑'.repeat(128)]) expect((await identities.create({ name })).name).toBe(name)
  })
})

describe('an identity is found', () => {
  test('by name, by identifier and by its text, after a restart on the same store too', async () => {
    const [store, vaultStore] = [memoryStore(), memoryStore()]
    const made = await nodeParts({ store, vault: softwareVault({ store: vaultStore }) }).identities.getOrCreate('service', {
      keyType: 'p256',
    })
    const { identities } = nodeParts({ store, vault: softwareVault({ store: vaultStore }) })
    for (const by of ['service', made.identifier, made.identifier.toString(), ` ${made.identifier} `])
      expect(await identities.find(by)).toEqual(made)
    expect(await identities.getOrCreate('service')).toEqual(made)
    expect((await identities.channelProof(made.identifier)).identifier).toEqual(made.identifier)
  })

  test('only if it is this node’s own', async () => {
    const { identities } = nodeParts()
    const { changeHistory, identifier } = await nodeParts().identities.create({ name: 'other' })
    await identities.import(changeHistory)
    expect(await identities.find('other')).toBeUndefined()
    expect(await identities.find(identifier)).toBeUndefined()
    expect(await identities.list()).toEqual([])
    expect(await identities.delete(identifier)).toBe(false)
    expect(await identities.export(identifier)).toEqual(changeHistory)
    await expect(identities.rotate(identifier)).rejects.toMatchObject({ code: 'identity/unknown-identity' })
    await expect(identities.channelProof(identifier)).rejects.toMatchObject({ code: 'identity/unknown-identity' })
  })

  test('in a list, once each, with its name', async () => {
    const { identities } = nodeParts()
    const made = [await identities.create({ name: 'b' }), await identities.create(), await identities.create({ name: 'a' })]
    const byIdentifier = made.sort((a, b) => (a.identifier.toString() < b.identifier.toString() ? -1 : 1))
    expect(await identities.list()).toEqual(byIdentifier)
  })
})

describe('an identity is exported', () => {
  test('as bytes or digits that another node imports, and never with a secret', async () => {
    const [alice, bob] = [nodeParts(), nodeParts()]
    const { identifier, changeHistory } = await alice.identities.create({ name: 'alice' })
    expect(await alice.identities.export('alice')).toEqual(changeHistory)
    expect(await alice.identities.exportHex(identifier)).toBe(toHex(changeHistory))
    expect(await bob.identities.import(toHex(changeHistory), identifier)).toEqual(identifier)
    expect(await bob.identities.exportHex(identifier)).toBe(toHex(changeHistory))
    await expect(bob.identities.export('alice')).rejects.toMatchObject({ code: 'identity/unknown-identity' })
    await expect(bob.identities.import(changeHistory, 'somebody')).rejects.toMatchObject({ code: 'core/invalid-identifier' })
  })

  test('in bytes of the caller’s: changing them changes nothing here', async () => {
    const { identities } = nodeParts()
    const { identifier, changeHistory } = await identities.create()
    const copy = changeHistory.slice()
    changeHistory.fill(0)
    ;(await identities.export(identifier)).fill(0)
    const proof = await identities.channelProof(identifier)
    proof.changeHistory.fill(0)
    proof.attestation.fill(0)
    expect(await identities.export(identifier)).toEqual(copy)
    expect((await identities.channelProof(identifier)).changeHistory).toEqual(copy)
  })
})

describe('an identity is rotated', () => {
  test('through every pair of key types, keeping identifier and name, and peers follow', async () => {
    const { identities, clock } = nodeParts()
    const peer = nodeParts({ clock })
    const { identifier } = await identities.create({ name: 'service' })
    await peer.identities.import(await identities.export('service'))
    for (const keyType of ['ed25519', 'p256', 'p256', 'ed25519'] as const) {
      const before = decodeChangeHistory(await identities.export('service'), primitives)
      clock.seconds += DAY
      const rotated = await identities.rotate('service', { keyType, revokePurposeKeys: true, validForMs: YEAR * 1000 })
      const after = decodeChangeHistory(rotated.changeHistory, primitives)
      expect(rotated).toMatchObject({ identifier, name: 'service', keyType })
      expect(after.latest.data).toMatchObject({ revokesPurposeKeys: true, validFrom: clock.seconds, validUntil: clock.seconds + YEAR })
      expect(compareHistories(after, before, primitives)).toBe('newer')
      const { changeHistory, attestation, staticKey } = await identities.channelProof(identifier)
      await (await peer.identities.verifyPeer({ changeHistory, attestation, noiseStaticKey: staticKey.publicKey })).accept()
      expect(await peer.identities.export(identifier)).toEqual(changeHistory)
    }
  })

  test('with a key of the present type when none is named, and without revocation', async () => {
    const { identities } = nodeParts()
    const { identifier } = await identities.create({ keyType: 'p256' })
    const rotated = await identities.rotate(identifier)
    expect(rotated.keyType).toBe('p256')
    expect(decodeChangeHistory(rotated.changeHistory, primitives).latest.data.revokesPurposeKeys).toBe(false)
  })

  test('so that the old primary key is gone from the vault', async () => {
    const vaultStore = memoryStore()
    const { identities, vault } = nodeParts({ vault: softwareVault({ store: vaultStore }) })
    const { identifier, changeHistory } = await identities.create()
    const { primaryKey } = decodeChangeHistory(changeHistory, primitives).latest.data
    expect(await vault.signing.findSigningKey(primaryKey)).toBeDefined()
    await identities.rotate(identifier)
    expect(await vault.signing.findSigningKey(primaryKey)).toBeUndefined()
    expect(await keysIn(vaultStore)).toBe(1)
  })

  test('also when its validity has ended, which makes it usable again', async () => {
    const { identities, clock } = nodeParts({ allowExpiredPreviousKey: false })
    const { identifier } = await identities.create({ validForMs: DAY * 1000 })
    clock.seconds += 2 * DAY
    await expect(identities.channelProof(identifier)).rejects.toMatchObject({ code: 'identity/expired' })
    await identities.rotate(identifier)
    expect((await identities.channelProof(identifier)).identifier).toEqual(identifier)
  })

  test('with a clock set back, never beginning before the change it follows', async () => {
    const { identities, clock } = nodeParts()
    const { identifier } = await identities.create()
    clock.seconds -= YEAR
    const rotated = await identities.rotate(identifier)
    expect(decodeChangeHistory(rotated.changeHistory, primitives).latest.data.validFrom).toBe(START)
  })

  test('until its history is full; that is said, and leaves identity and vault as they were', async () => {
    const [store, vaultStore] = [memoryStore(), memoryStore()]
    const { identities, vault } = nodeParts({ store, vault: softwareVault({ store: vaultStore }) })
    const changes = Array.from({ length: 285 }, () => ({}))
    const { identifier, bytes } = await forgeHistory(vault, changes)
    const roomLeft = MAX_HISTORY_BYTES - bytes.length
    expect(roomLeft).toBeLessThan(2 * 229)
    await store.set(`identity/own/${identifier}`, new Uint8Array())
    await store.set(`identity/history/${identifier}`, bytes)
    await identities.rotate(identifier)
    const full = await identities.export(identifier)
    await expect(identities.rotate(identifier)).rejects.toMatchObject({
      code: 'identity/invalid-history',
      message: expect.stringContaining('no room'),
    })
    expect(await identities.export(identifier)).toEqual(full)
    expect(await keysIn(vaultStore)).toBe(1)
    expect((await identities.channelProof(identifier)).identifier).toEqual(identifier)
  })

  test('not when nobody knows it, nor with a vault that does not have its key', async () => {
    const store = memoryStore()
    const { identifier } = await nodeParts({ store }).identities.create({ name: 'service' })
    const { identities } = nodeParts({ store })
    await expect(identities.rotate('nobody')).rejects.toMatchObject({ code: 'identity/unknown-identity' })
    await expect(identities.rotate('service')).rejects.toMatchObject({ code: 'identity/key-missing' })
    await expect(identities.channelProof(identifier)).rejects.toMatchObject({ code: 'identity/key-missing' })
    expect((await identities.find('service'))?.identifier).toEqual(identifier)
  })
})

describe('an identity is deleted', () => {
  test('with its name and every key, and the name is free again', async () => {
    const [store, vaultStore] = [memoryStore(), memoryStore()]
    const { identities, clock } = nodeParts({ store, vault: softwareVault({ store: vaultStore }) })
    const kept = await identities.create({ name: 'kept' })
    const { identifier } = await identities.create({ name: 'service' })
    await identities.channelProof(identifier)
    clock.seconds += YEAR - DAY
    await identities.channelProof(identifier)
    await identities.rotate(identifier)
    expect(await keysIn(vaultStore)).toBe(4)
    expect(await identities.delete('service')).toBe(true)
    expect(await identities.delete('service')).toBe(false)
    expect(await identities.delete(identifier)).toBe(false)
    expect(await keysIn(vaultStore)).toBe(1)
    const left: string[] = []
    for await (const { key } of store.scan('')) left.push(key)
    expect(left).toEqual([`identity/history/${kept.identifier}`, 'identity/name/kept', `identity/own/${kept.identifier}`])
    expect(await identities.list()).toEqual([kept])
    await expect(identities.export(identifier)).rejects.toMatchObject({ code: 'identity/unknown-identity' })
    await expect(identities.channelProof(identifier)).rejects.toMatchObject({ code: 'identity/unknown-identity' })
    expect((await identities.getOrCreate('service')).identifier).not.toEqual(identifier)
  })

  test('also when the vault no longer has its keys', async () => {
    const store = memoryStore()
    await nodeParts({ store }).identities.create({ name: 'service' })
    const { identities } = nodeParts({ store })
    expect(await identities.delete('service')).toBe(true)
    expect(await identities.list()).toEqual([])
  })
})

test('an error says what is wrong with what, and what to try', async () => {
  const { identities } = nodeParts()
  const error = await identities.export(Identifier.fromBytes(new Uint8Array(32))).catch((caught: unknown) => caught)
  expect(error).toMatchObject({ name: 'OckamError', message: `There is no identity I${'0'.repeat(64)} here: create or import it first.` })
})

/** Secret keys that a vault's store holds. */
async function keysIn(vaultStore: ReturnType<typeof memoryStore>): Promise<number> {
  let count = 0
  for (const table of ['vault/signing/', 'vault/static/']) for await (const _ of vaultStore.scan(table)) count++
  return count
}

test('expectations of these tests tell identifiers apart', () => {
  const [a, b] = [Identifier.fromBytes(new Uint8Array(32)), Identifier.fromBytes(new Uint8Array(32).fill(1))]
  expect(a).not.toEqual(b)
  expect({ identifier: a }).not.toMatchObject({ identifier: b })
  expect([a]).toEqual([Identifier.parse(a.toString())])
})
