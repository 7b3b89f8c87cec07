/** Secure-channel keys of own identities: made on first use, shared, renewed in time, always inside the validity of the primary key. */

import { memoryStore, OckamError } from '@ockam/core'
import { CborWriter } from '@ockam/core/cbor'
import { type SoftwareVault, softwareVault } from '@ockam/vault-software'
import { describe, expect, test } from 'vitest'
import { type AttestationData, createIdentities, decodeAttestation } from '../src/index.ts'
import { DAY, nodeParts, START, TestClock, YEAR } from './node-parts.ts'

const dataOf = (proof: { readonly attestation: Uint8Array }): AttestationData => decodeAttestation(proof.attestation).data

test('a proof is made on first use, holds for a year, and convinces a peer', async () => {
  const { identities, clock } = nodeParts()
  const { identifier } = await identities.create()
  const { staticKey, ...proof } = await identities.channelProof(identifier)
  expect(dataOf(proof)).toMatchObject({ subject: identifier, createdAt: START, expiresAt: START + YEAR, publicKey: staticKey.publicKey })
  const peer = await nodeParts({ clock }).identities.verifyPeer({ ...proof, noiseStaticKey: staticKey.publicKey, expected: identifier })
  expect(peer.expiresAtMs).toBe((START + YEAR) * 1000)
})

test('handshakes that begin together wait for one key, and later ones go on with it', async () => {
  const inner = softwareVault()
  const made: unknown[] = []
  const channel: SoftwareVault['channel'] = {
    generateStaticKey: async () => tracked(made, await inner.channel.generateStaticKey()),
    generateEphemeralKey: () => inner.channel.generateEphemeralKey(),
    dh: (...args) => inner.channel.dh(...args),
    deleteDhKey: (key) => inner.channel.deleteDhKey(key),
    findStaticKey: (key) => inner.channel.findStaticKey(key),
  }
  const { identities } = nodeParts({ vault: { ...inner, channel } })
  const { identifier } = await identities.create()
  const proofs = await Promise.all(Array.from({ length: 5 }, () => identities.channelProof(identifier)))
  const later = await identities.channelProof(identifier)
  for (const proof of proofs) expect(proof).toEqual(later)
  expect(made).toEqual([later.staticKey])
})

test('the proof of one identity is not that of another on the same node', async () => {
  const { identities } = nodeParts()
  const [a, b] = [await identities.create(), await identities.create()]
  const [one, other] = await Promise.all([identities.channelProof(a.identifier), identities.channelProof(b.identifier)])
  expect(one.staticKey.publicKey).not.toEqual(other.staticKey.publicKey)
  expect([one.identifier, other.identifier]).toEqual([a.identifier, b.identifier])
})

describe('renewal', () => {
  test('comes when a third of the life is left, not a second earlier, with a new key', async () => {
    const { identities, clock } = nodeParts({ attestationValidForMs: 9 * DAY * 1000 })
    const { identifier } = await identities.create()
    const first = await identities.channelProof(identifier)
    clock.seconds = START + 6 * DAY - 1
    expect(await identities.channelProof(identifier)).toEqual(first)
    clock.seconds = START + 6 * DAY
    const second = await identities.channelProof(identifier)
    expect(second.staticKey.publicKey).not.toEqual(first.staticKey.publicKey)
    expect(dataOf(second)).toMatchObject({ createdAt: START + 6 * DAY, expiresAt: START + 15 * DAY })
  })

  test('keeps the key before for handshakes under way, and deletes the one before that', async () => {
    const vaultStore = memoryStore()
    const { identities, clock, vault } = nodeParts({ vault: softwareVault({ store: vaultStore }), attestationValidForMs: 9 * DAY * 1000 })
    const { identifier } = await identities.create()
    const keys = []
    for (let i = 0; i < 4; i++) {
      keys.push((await identities.channelProof(identifier)).staticKey.publicKey)
      clock.seconds += 7 * DAY
    }
    const found = await Promise.all(keys.map((key) => vault.channel.findStaticKey(key)))
    expect(found.map((key) => key !== undefined)).toEqual([false, false, true, true])
    expect(await staticKeysIn(vaultStore)).toBe(2)
  })

  test('replaces an attestation that has ended', async () => {
    const { identities, clock } = nodeParts()
    const { identifier } = await identities.create()
    await identities.channelProof(identifier)
    clock.seconds += 2 * YEAR
    expect(dataOf(await identities.channelProof(identifier)).createdAt).toBe(START + 2 * YEAR)
  })

  test('follows a rotation at once, because peers refuse what names an earlier change', async () => {
    const { identities } = nodeParts()
    const { identifier } = await identities.create()
    const first = await identities.channelProof(identifier)
    await identities.rotate(identifier)
    const second = await identities.channelProof(identifier)
    expect(dataOf(second).latestChangeHash).not.toEqual(dataOf(first).latestChangeHash)
    expect(second.staticKey.publicKey).not.toEqual(first.staticKey.publicKey)
  })

  test('replaces a key that the vault has lost, and a record that was damaged', async () => {
    const { identities, vault, store } = nodeParts()
    const { identifier } = await identities.create()
    const first = await identities.channelProof(identifier)
    await vault.channel.deleteDhKey(first.staticKey)
    const { identities: restarted } = nodeParts({ store, vault })
    const second = await restarted.channelProof(identifier)
    expect(second.staticKey.publicKey).not.toEqual(first.staticKey.publicKey)
    for (const damaged of [new Uint8Array(), Uint8Array.of(0x81, 0x41, 0xff), second.attestation]) {
      await store.set(`identity/channel-key/${identifier}`, damaged)
      expect((await restarted.channelProof(identifier)).identifier).toEqual(identifier)
    }
    // All is right but the signature.
    const third = await restarted.channelProof(identifier)
    const forged = third.attestation.with(-1, (third.attestation.at(-1) as number) ^ 1)
    await store.set(`identity/channel-key/${identifier}`, new CborWriter().array(1).bytes(forged).finish())
    expect((await restarted.channelProof(identifier)).staticKey.publicKey).not.toEqual(third.staticKey.publicKey)
  })

  test('does not happen again and again when the identity itself ends soon', async () => {
    const { identities, clock } = nodeParts()
    const { identifier } = await identities.create({ validForMs: 30 * DAY * 1000 })
    const first = await identities.channelProof(identifier)
    clock.seconds = START + 29 * DAY
    expect(await identities.channelProof(identifier)).toEqual(first)
  })
})

describe('validity', () => {
  test('never reaches beyond that of the primary key', async () => {
    const { identities, clock } = nodeParts()
    const { identifier } = await identities.create({ validForMs: 30 * DAY * 1000 })
    const proof = await identities.channelProof(identifier)
    expect(dataOf(proof)).toMatchObject({ createdAt: START, expiresAt: START + 30 * DAY })
    await nodeParts({ clock }).identities.verifyPeer({ ...proof, noiseStaticKey: proof.staticKey.publicKey })
  })

  test('ends with the identity: then it says to rotate', async () => {
    const { identities, clock } = nodeParts()
    const { identifier } = await identities.create({ validForMs: 30 * DAY * 1000 })
    clock.seconds = START + 30 * DAY
    await expect(identities.channelProof(identifier)).rejects.toMatchObject({
      code: 'identity/expired',
      message: expect.stringContaining('rotate'),
    })
  })

  test('begins with the primary key when the clock was set back, and one key serves all that time', async () => {
    const { identities, clock } = nodeParts()
    const { identifier } = await identities.create()
    clock.seconds = START - DAY
    const proof = await identities.channelProof(identifier)
    expect(dataOf(proof).createdAt).toBe(START)
    expect(await identities.channelProof(identifier)).toEqual(proof)
    await nodeParts({ clock: new TestClock(START) }).identities.verifyPeer({ ...proof, noiseStaticKey: proof.staticKey.publicKey })
  })

  test('is corrected when the clock was ahead as the attestation was made, because peers refuse what is from the future', async () => {
    const { identities, clock } = nodeParts()
    const { identifier } = await identities.create()
    clock.seconds = START + YEAR
    await identities.channelProof(identifier)
    clock.seconds = START + DAY
    expect(dataOf(await identities.channelProof(identifier)).createdAt).toBe(START + DAY)
  })
})

describe('a vault out of reach', () => {
  const outage = new OckamError('vault/unsupported', 'The token does not answer.')

  function signingFailsWhen(isDown: () => boolean): SoftwareVault {
    const vault = softwareVault()
    const sign: SoftwareVault['signing']['sign'] = (...args) => (isDown() ? Promise.reject(outage) : vault.signing.sign(...args))
    const signing = {
      sign,
      generateSigningKey: vault.signing.generateSigningKey.bind(vault.signing),
      deleteSigningKey: vault.signing.deleteSigningKey.bind(vault.signing),
      findSigningKey: vault.signing.findSigningKey.bind(vault.signing),
    }
    return { ...vault, signing }
  }

  test('does not end channels whose key still holds: the failed renewal is reported', async () => {
    let isDown = false
    const { identities, clock, events } = nodeParts({ vault: signingFailsWhen(() => isDown) })
    const { identifier } = await identities.create()
    const first = await identities.channelProof(identifier)
    isDown = true
    clock.seconds += YEAR - DAY
    expect(await identities.channelProof(identifier)).toEqual(first)
    expect(events).toEqual([{ name: 'identity/renewal-failed', details: { identifier: identifier.toString(), code: 'vault/unsupported' } }])
    clock.seconds += 2 * DAY
    await expect(identities.channelProof(identifier)).rejects.toBe(outage)
    isDown = false
    expect(dataOf(await identities.channelProof(identifier)).createdAt).toBe(clock.seconds)
  })

  test('leaves no key behind when an identity cannot be made, rotated, or given a channel key', async () => {
    let isDown = false
    const made: unknown[] = []
    const deleted: unknown[] = []
    const inner = signingFailsWhen(() => isDown)
    const vault: SoftwareVault = {
      ...inner,
      signing: {
        ...inner.signing,
        generateSigningKey: async (type) => tracked(made, await inner.signing.generateSigningKey(type)),
        deleteSigningKey: (key) => inner.signing.deleteSigningKey(tracked(deleted, key)),
      },
      channel: {
        generateStaticKey: async () => tracked(made, await inner.channel.generateStaticKey()),
        generateEphemeralKey: () => inner.channel.generateEphemeralKey(),
        dh: (...args) => inner.channel.dh(...args),
        deleteDhKey: (key) => inner.channel.deleteDhKey(tracked(deleted, key)),
        findStaticKey: (key) => inner.channel.findStaticKey(key),
      },
    }
    const { identities } = nodeParts({ vault })
    const { identifier } = await identities.create()
    isDown = true
    await expect(identities.create()).rejects.toBe(outage)
    await expect(identities.rotate(identifier)).rejects.toBe(outage)
    await expect(identities.channelProof(identifier)).rejects.toBe(outage)
    expect(made).toHaveLength(4)
    expect(deleted).toEqual(made.slice(1))
    expect((await identities.list()).map((identity) => identity.identifier)).toEqual([identifier])
  })
})

test('a vault that cannot find keys again serves as long as its process: the same handles are used', async () => {
  const { signing, channel, verifying, primitives } = softwareVault()
  const vault = {
    signing: {
      generateSigningKey: signing.generateSigningKey.bind(signing),
      sign: signing.sign.bind(signing),
      deleteSigningKey: signing.deleteSigningKey.bind(signing),
    },
    channel: {
      generateStaticKey: channel.generateStaticKey.bind(channel),
      generateEphemeralKey: channel.generateEphemeralKey.bind(channel),
      dh: channel.dh.bind(channel),
      deleteDhKey: channel.deleteDhKey.bind(channel),
    },
    verifying,
    primitives,
  }
  const identities = createIdentities({ vault })
  const { identifier } = await identities.create()
  const proof = await identities.channelProof(identifier)
  expect(await identities.channelProof(identifier)).toEqual(proof)
  expect((await identities.rotate(identifier)).identifier).toEqual(identifier)
  expect(await identities.delete(identifier)).toBe(true)
})

function tracked<T>(list: unknown[], key: T): T {
  list.push(key)
  return key
}

async function staticKeysIn(vaultStore: ReturnType<typeof memoryStore>): Promise<number> {
  let count = 0
  for await (const _ of vaultStore.scan('vault/static/')) count++
  return count
}
