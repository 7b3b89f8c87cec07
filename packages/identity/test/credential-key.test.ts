/** Keys that sign credentials: made on first use, renewed in time, attested for that purpose alone, and verified where the issuer is known. */

import { Identifier, memoryStore, OckamError, type SigningKey, type SigningKeyType } from '@ockam/core'
import { type SoftwareVault, softwareVault } from '@ockam/vault-software'
import { beforeAll, describe, expect, test } from 'vitest'
import { decodeAttestation, decodeChangeHistory, decodeCredentialKeyAttestation } from '../src/index.ts'
import { CHANNEL_KEY, type ForgedAttestation, type ForgedHistory, forgeAttestation, forgeHistory } from './forgery.ts'
import { DAY, type NodeParts, nodeParts, START, TestClock, YEAR } from './node-parts.ts'

const vault = softwareVault()

/** Somebody who knows the issuer. */
async function verifierOf(history: Uint8Array, clock = new TestClock(START)): Promise<NodeParts> {
  const parts = nodeParts({ clock })
  await parts.identities.import(history)
  return parts
}

describe('an own credential key', () => {
  test('is made on first use, holds for a year, and convinces whoever knows its identity', async () => {
    const { identities, vault: own } = nodeParts()
    const { identifier, changeHistory } = await identities.create()
    const key = await identities.credentialKey(identifier)
    expect(key).toMatchObject({ identifier, createdAt: START, expiresAt: START + YEAR })
    const { identities: others } = await verifierOf(changeHistory)
    const attested = await others.verifyCredentialKey(key.attestation)
    expect(attested).toEqual({
      issuer: identifier,
      verifyingKey: key.signingKey.verifyingKey,
      createdAt: START,
      expiresAt: START + YEAR,
    })
    expect(attested.verifyingKey.type).toBe('ed25519')
    const message = Uint8Array.of(1, 2, 3)
    expect(await own.verifying.verify(attested.verifyingKey, message, await own.signing.sign(key.signingKey, message))).toBe(true)
  })

  test('is shared by those who ask together, is another one than the primary key, and survives a restart', async () => {
    const vaultStore = memoryStore()
    const { identities, store } = nodeParts({ vault: softwareVault({ store: vaultStore }) })
    const { identifier, changeHistory } = await identities.create()
    const keys = await Promise.all(Array.from({ length: 5 }, () => identities.credentialKey(identifier)))
    for (const key of keys) expect(key).toEqual(keys[0])
    const primary = decodeChangeHistory(changeHistory, vault.primitives).latest.data.primaryKey
    expect(keys[0]?.signingKey.verifyingKey.bytes).not.toEqual(primary.bytes)
    const { identities: restarted } = nodeParts({ vault: softwareVault({ store: vaultStore }), store })
    expect((await restarted.credentialKey(identifier)).attestation).toEqual(keys[0]?.attestation)
  })

  test('is renewed when a third of its life is left; the one before it goes with the next renewal', async () => {
    const { identities, clock, vault: own } = nodeParts({ attestationValidForMs: 9 * DAY * 1000 })
    const { identifier } = await identities.create()
    const first = await identities.credentialKey(identifier)
    clock.seconds = START + 6 * DAY - 1
    expect(await identities.credentialKey(identifier)).toEqual(first)
    const keys = [first]
    for (let i = 0; i < 3; i++) {
      clock.seconds += 7 * DAY
      keys.push(await identities.credentialKey(identifier))
    }
    const found = await Promise.all(keys.map(({ signingKey }) => own.signing.findSigningKey(signingKey.verifyingKey)))
    expect(found.map((key) => key !== undefined)).toEqual([false, false, true, true])
  })

  test('follows a rotation, stays inside the validity of the identity, and ends with it', async () => {
    const { identities, clock } = nodeParts()
    const { identifier } = await identities.create({ validForMs: 30 * DAY * 1000 })
    const first = await identities.credentialKey(identifier)
    expect(first.expiresAt).toBe(START + 30 * DAY)
    clock.seconds = START + DAY
    const { changeHistory } = await identities.rotate(identifier, { validForMs: 30 * DAY * 1000 })
    const second = await identities.credentialKey(identifier)
    expect(second).toMatchObject({ createdAt: START + DAY, expiresAt: START + 31 * DAY })
    const { identities: others } = await verifierOf(changeHistory, clock)
    await others.verifyCredentialKey(second.attestation)
    await expect(others.verifyCredentialKey(first.attestation)).rejects.toMatchObject({ code: 'identity/invalid-attestation' })
    clock.seconds = START + 31 * DAY + 1
    await expect(identities.credentialKey(identifier)).rejects.toMatchObject({ code: 'identity/expired' })
  })

  test('is begun with the primary key when the clock was set back', async () => {
    const { identities, clock } = nodeParts()
    const { identifier } = await identities.create()
    clock.seconds = START - DAY
    expect((await identities.credentialKey(identifier)).createdAt).toBe(START)
  })

  test('is refused to who does not own the identity, and deleted with it', async () => {
    const { identities, vault: own, store } = nodeParts()
    const { identifier } = await identities.create()
    const { signingKey } = await identities.credentialKey(identifier)
    expect(await identities.delete(identifier)).toBe(true)
    expect(await own.signing.findSigningKey(signingKey.verifyingKey)).toBeUndefined()
    expect(await store.get(`identity/credential-key/${identifier}`)).toBeUndefined()
    await expect(identities.credentialKey(identifier)).rejects.toMatchObject({ code: 'identity/unknown-identity' })
  })

  test('leaves the channel key of the same identity alone, whose record has the form it always had', async () => {
    const { identities, store } = nodeParts()
    const { identifier } = await identities.create()
    const proof = await identities.channelProof(identifier)
    const record = await store.get(`identity/channel-key/${identifier}`)
    await identities.credentialKey(identifier)
    expect(await identities.channelProof(identifier)).toEqual(proof)
    expect(await store.get(`identity/channel-key/${identifier}`)).toEqual(record)
  })

  describe('in a vault without Ed25519', () => {
    function only(type: SigningKeyType): SoftwareVault {
      const signing: SoftwareVault['signing'] = {
        generateSigningKey: (wanted) =>
          wanted === type
            ? vault.signing.generateSigningKey(wanted)
            : Promise.reject(new OckamError('vault/unsupported', `This token makes keys of type ${type} alone.`)),
        sign: vault.signing.sign.bind(vault.signing),
        deleteSigningKey: vault.signing.deleteSigningKey.bind(vault.signing),
        findSigningKey: vault.signing.findSigningKey.bind(vault.signing),
      }
      return { ...vault, signing }
    }

    test('is of the type of the primary key', async () => {
      const { identities } = nodeParts({ vault: only('p256') })
      const { identifier, changeHistory } = await identities.create({ keyType: 'p256' })
      const { attestation } = await identities.credentialKey(identifier)
      const { identities: others } = await verifierOf(changeHistory)
      expect((await others.verifyCredentialKey(attestation)).verifyingKey.type).toBe('p256')
    })

    test('cannot be made for an Ed25519 identity whose key has gone elsewhere, and says why', async () => {
      const { identities: first, store } = nodeParts({ vault })
      const { identifier } = await first.create()
      const { identities } = nodeParts({ vault: only('p256'), store })
      await expect(identities.credentialKey(identifier)).rejects.toMatchObject({ code: 'vault/unsupported' })
    })
  })
})

describe('an attestation for another purpose', () => {
  test('of an own credential key is no proof for a channel, and that of a channel key none for credentials, whoever signs them', async () => {
    const { identities } = nodeParts()
    const { identifier, changeHistory } = await identities.create()
    const { attestation: forCredentials, signingKey } = await identities.credentialKey(identifier)
    const { attestation: forChannels } = await identities.channelProof(identifier)
    const { identities: others } = await verifierOf(changeHistory)
    const code = 'identity/invalid-attestation'
    const noiseStaticKey = signingKey.verifyingKey.bytes
    await expect(others.verifyPeer({ changeHistory, attestation: forCredentials, noiseStaticKey })).rejects.toMatchObject({ code })
    await expect(others.verifyCredentialKey(forChannels)).rejects.toMatchObject({ code })
    expect(() => others.readCredentialKey(forChannels)).toThrow(expect.objectContaining({ code }))
    expect(() => decodeCredentialKeyAttestation(forChannels)).toThrow(expect.objectContaining({ code }))
    expect(() => decodeAttestation(forCredentials)).toThrow(expect.objectContaining({ code }))
  })

  test('and a stored one that stands where the other belongs is replaced, not used', async () => {
    const { identities, store, vault: own } = nodeParts()
    const { identifier } = await identities.create()
    await identities.channelProof(identifier)
    const first = await identities.credentialKey(identifier)
    const record = await store.get(`identity/channel-key/${identifier}`)
    await store.set(`identity/credential-key/${identifier}`, record as Uint8Array)
    const { identities: restarted } = nodeParts({ store, vault: own })
    const second = await restarted.credentialKey(identifier)
    expect(second.signingKey.verifyingKey.bytes).not.toEqual(first.signingKey.verifyingKey.bytes)
    expect(decodeCredentialKeyAttestation(second.attestation).data.subject).toEqual(identifier)
  })
})

describe('verification of a credential key', () => {
  let history: ForgedHistory
  let rotated: ForgedHistory
  let stranger: ForgedHistory
  beforeAll(async () => {
    history = await forgeHistory(vault, [{ validUntil: START + 2 * YEAR }])
    const [root] = history.keys as [SigningKey]
    rotated = await forgeHistory(vault, [{ key: root, validUntil: START + 2 * YEAR }, {}])
    stranger = await forgeHistory(vault, [{}])
  })

  const forged = (wrong: ForgedAttestation, of = history): Promise<Uint8Array> => forgeAttestation(vault, of, { purpose: 1, ...wrong })

  test.each<[string, string, () => ForgedAttestation]>([
    ['signed by another key', 'identity/invalid-signature', () => ({ signedBy: stranger.keys[0] as SigningKey })],
    ['with a signature of the wrong type', 'identity/invalid-signature', () => ({ signatureType: 1 })],
    ['for another change', 'identity/invalid-attestation', () => ({ latestHash: new Uint8Array(32) })],
    ['older than the primary key', 'identity/invalid-attestation', () => ({ createdAt: START - 1 })],
    ['that outlives the primary key', 'identity/invalid-attestation', () => ({ expiresAt: START + 2 * YEAR + 1 })],
    ['from the future', 'identity/attestation-expired', () => ({ createdAt: START + 61 })],
    ['of another data type', 'identity/invalid-attestation', () => ({ dataType: 3 })],
    ['of version 2', 'identity/invalid-attestation', () => ({ version: 2 })],
    ['of purpose 2', 'identity/invalid-attestation', () => ({ purpose: 2 })],
  ])('refuses one %s', async (_, code, wrong) => {
    const { identities } = await verifierOf(history.bytes)
    await expect(identities.verifyCredentialKey(await forged(wrong()))).rejects.toMatchObject({ code })
  })

  test('refuses one that is over, to the second', async () => {
    const attestation = await forged({ expiresAt: START + DAY })
    const clock = new TestClock(START + DAY)
    const { identities } = await verifierOf(history.bytes, clock)
    await identities.verifyCredentialKey(attestation)
    clock.seconds++
    await expect(identities.verifyCredentialKey(attestation)).rejects.toMatchObject({ code: 'identity/attestation-expired' })
  })

  test('refuses one of an issuer that is not known, or known to have rotated since', async () => {
    const { identities } = await verifierOf(stranger.bytes)
    const attestation = await forged({})
    await expect(identities.verifyCredentialKey(attestation)).rejects.toMatchObject({ code: 'identity/unknown-identity' })
    await identities.import(history.bytes)
    expect((await identities.verifyCredentialKey(attestation)).issuer).toEqual(history.identifier)
    await identities.import(rotated.bytes)
    await expect(identities.verifyCredentialKey(attestation)).rejects.toMatchObject({ code: 'identity/invalid-attestation' })
  })

  test('takes a subject at its word only when that is signed: an attestation of one issuer is none of another', async () => {
    const { identities } = await verifierOf(history.bytes)
    await identities.import(stranger.bytes)
    const attestation = await forged({ subject: stranger.identifier, latestHash: stranger.latestHash })
    expect(identities.readCredentialKey(attestation).issuer).toEqual(stranger.identifier)
    await expect(identities.verifyCredentialKey(attestation)).rejects.toMatchObject({ code: 'identity/invalid-signature' })
  })

  test('costs no signature the second time, and judges time again', async () => {
    const clock = new TestClock(START)
    const parts = await verifierOf(history.bytes, clock)
    const attestation = await forged({})
    await parts.identities.verifyCredentialKey(attestation)
    const before = parts.verifications()
    await parts.identities.verifyCredentialKey(attestation)
    expect(parts.verifications()).toBe(before)
    clock.seconds = START + 3 * YEAR
    await expect(parts.identities.verifyCredentialKey(attestation)).rejects.toMatchObject({ code: 'identity/attestation-expired' })
  })
})

test('the hashes of all changes are told of own and known identities, the latest last', async () => {
  const { identities } = nodeParts()
  const { identifier } = await identities.create()
  await identities.rotate(identifier)
  const { changes } = decodeChangeHistory(await identities.export(identifier), vault.primitives)
  expect(await identities.changeHashes(identifier)).toEqual(changes.map(({ hash }) => hash))
  expect(await identities.changeHashes(Identifier.fromBytes(CHANNEL_KEY))).toBeUndefined()
})
