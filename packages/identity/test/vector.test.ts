/** Identities that others made, and the same bytes made here from the same keys at the same time. */

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Identifier } from '@ockam/core'
import { CborReader } from '@ockam/core/cbor'
import { softwareVault } from '@ockam/vault-software'
import { afterAll, describe, expect, test } from 'vitest'
import { decodeAttestation, decodeChangeHistory } from '../src/index.ts'
import { hex, toHex } from './hex.ts'
import { DAY, nodeParts, START, seeds, TestClock, YEAR } from './node-parts.ts'

const { primitives } = softwareVault()

describe('known answers', () => {
  // build-trust/ockam fb8fb64cd ockam_identity/src/identity/identity.rs test_display
  const ED25519 = `81825837830101583285f68200815820f405e06d988fa8039cce1cd0ae607e46847c1b64bc459ca9d89dd9b21ae30681f41a654cebe91a7818eee9
    8200815840494c9b70e8a9ad5593fceb478f722a513b4bd39fa70f4265d584253bc24617d0eb498ce532273f6d0d5326921e013696fce57c20cc6c4008f74b816810f0b009`

  test('a history made by a Rust node has the identifier and the content that Rust prints', async () => {
    const history = decodeChangeHistory(hex(ED25519), primitives)
    expect(history.identifier.toString()).toBe('I923829d0397a06fa862be5a87b7966959b8ef99ab6455b843ca9131a747b4819')
    expect(history.changes).toHaveLength(1)
    expect(history.latest.data).toEqual({
      previousChange: undefined,
      primaryKey: { type: 'ed25519', bytes: hex('f405e06d988fa8039cce1cd0ae607e46847c1b64bc459ca9d89dd9b21ae30681') },
      revokesPurposeKeys: false,
      validFrom: 0x654c_ebe9,
      validUntil: 0x7818_eee9,
    })
    const { identities } = nodeParts()
    expect(await identities.import(hex(ED25519))).toEqual(history.identifier)
  })

  // Made from the published formats, each part checked against the Rust nodes' own vectors. Ed25519 signatures have one value only.
  const SEED = '101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f'
  const MADE_FROM_SEED = `81825837830101583285f682008158207776e870b93354f2a0b24c23f2a36cc4e80e223218c1b97926fdd018396a2b9bf41a6553f1001a781ff400
    8200815840557728dc2acbca0c65bc98626ba5c529d50d64c86cd90caaab0014b39ffe2c499304e32c5edfe80684e4d0f1db4922139c40fa7e2664aa83bc89771ebc109b08`

  test('the same key at the same time makes the same history', async () => {
    const { identities } = nodeParts({ vault: softwareVault({ random: seeds(SEED) }) })
    const identity = await identities.create()
    expect(toHex(identity.changeHistory)).toBe(toHex(hex(MADE_FROM_SEED)))
    expect(identity.identifier.toString()).toBe('Ic593880f48cdea2beb0c9612ea4748a6d023d7bde20ba3e7da584f9c27fcf772')
    expect(await identities.exportHex(identity.identifier)).toBe(MADE_FROM_SEED.replace(/\s/g, ''))
  })
})

const folder = process.env.OCKAM_EXTERNAL_VECTORS
const file = folder === undefined ? '' : join(folder, 'identity-channels.json')

describe.skipIf(!existsSync(file))('external vectors: identities and purpose keys', () => {
  const { repo_vectors: repo, derived_vectors: derived } = existsSync(file)
    ? (JSON.parse(readFileSync(file, 'utf8')) as VectorFile)
    : { repo_vectors: {} as RepoVectors, derived_vectors: {} as DerivedVectors }
  let ran = 0
  afterAll(() => console.log(`external vectors: ${ran} of identity-channels.json ran`))

  test('every history of the Rust repository verifies and has its identifier', async () => {
    expect(repo.change_histories.length).toBeGreaterThanOrEqual(7)
    for (const vector of repo.change_histories) {
      const { identities } = nodeParts()
      const expected = vector.identifier ?? vector.identifier_computed_here ?? ''
      expect((await identities.import(vector.change_history, expected)).toString()).toBe(expected)
      expect(await identities.exportHex(expected)).toBe(vector.change_history)
      ran++
    }
  })

  test('a history whose seed is known is made again, bit for bit', async () => {
    const seeded = repo.change_histories.filter((vector) => vector.ed25519_seed !== undefined)
    expect(seeded.length).toBeGreaterThan(0)
    for (const { ed25519_seed: seed = '', change_history } of seeded) {
      const { validFrom, validUntil } = decodeChangeHistory(hex(change_history), primitives).latest.data
      const { identities } = nodeParts({ vault: softwareVault({ random: seeds(seed) }), clock: new TestClock(validFrom) })
      const made = await identities.create({ validForMs: (validUntil - validFrom) * 1000 })
      expect(toHex(made.changeHistory)).toBe(change_history)
      ran++
    }
  })

  test('histories inside refresh messages, one of them made by Rust, verify', async () => {
    for (const encoded of [repo.secure_channel_message_refresh_credentials.padded_message, derived.padded_refresh.encoded]) {
      const reader = new CborReader(hex(encoded))
      reader.beginArray(1)
      expect(reader.beginEnum()).toBe(1)
      reader.beginArray(1)
      const history = reader.rawItem()
      const identifier = await nodeParts().identities.import(history)
      expect(identifier).toEqual(decodeChangeHistory(history, primitives).identifier)
      ran++
    }
  })

  test('an identity made and rotated from fixed seeds has the derived bytes', async () => {
    const { identity_single: single, identity_rotated_ed25519: rotated } = derived
    const { identities, clock } = nodeParts({ vault: softwareVault({ random: seeds(single.seed_ed25519, rotated.seed2) }) })
    const identity = await identities.create()
    expect(toHex(identity.changeHistory)).toBe(single.change_history)
    expect(identity.identifier.toString()).toBe(single.identifier)
    const [change] = decodeChangeHistory(identity.changeHistory, primitives).changes
    expect([toHex(change.signed), toHex(change.hash)]).toEqual([single.versioned_data, single.change_hash])
    clock.seconds += DAY
    const after = await identities.rotate(identity.identifier)
    expect(toHex(after.changeHistory)).toBe(rotated.change_history)
    expect(toHex(decodeChangeHistory(after.changeHistory, primitives).latest.hash)).toBe(rotated.change_hash2)
    ran += 2
  })

  test('rotation to P-256 with revocation signs the derived data, and the derived signatures verify', async () => {
    const { identity_single: single, identity_rotated_p256: rotated } = derived
    const { identities, clock } = nodeParts({ vault: softwareVault({ random: seeds(single.seed_ed25519, rotated.secret2) }) })
    const { identifier } = await identities.create()
    clock.seconds += DAY
    const own = await identities.rotate(identifier, { keyType: 'p256', revokePurposeKeys: true })
    const history = decodeChangeHistory(own.changeHistory, primitives)
    expect(toHex(history.latest.data.primaryKey.bytes)).toBe(rotated.public2)
    expect(history.latest.data.revokesPurposeKeys).toBe(true)
    expect(toHex(history.latest.hash)).toBe(rotated.change_hash2)
    // ECDSA signatures differ from one implementation to the next: made elsewhere, to be verified only.
    expect(await nodeParts({ clock }).identities.import(rotated.change_history)).toEqual(identifier)
    ran++
  })

  test('the attestation of a secure-channel key has the derived bytes', async () => {
    const { identity_single: single, purpose_key_secure_channel: purpose } = derived
    const vault = softwareVault({ random: seeds(single.seed_ed25519, purpose.x25519_secret) })
    const { identities, clock } = nodeParts({ vault, attestationValidForMs: 5 * YEAR * 1000 })
    const { identifier } = await identities.create()
    clock.seconds = decodeAttestation(hex(purpose.attestation)).data.createdAt
    const proof = await identities.channelProof(identifier)
    expect(toHex(proof.staticKey.publicKey)).toBe(purpose.x25519_public)
    expect(toHex(proof.attestation)).toBe(purpose.attestation)
    expect(toHex(primitives.sha256(decodeAttestation(proof.attestation).signed))).toBe(purpose.hash)
    ran++
  })

  test('identities shown in the derived handshake hold, each with its own static key only', async () => {
    const { handshake_full: handshake, identity_and_credentials: payloads } = derived
    const initiator = derived.purpose_key_secure_channel.x25519_public
    // The public key of the responder's static secret 0102…20.
    const responder = '07a37cbc142093c8b755dc1b10e86cb426374ad16aa853ed0bdfc0b2b86d1c7c'
    const shown: readonly [string, string, string][] = [
      [handshake.message2_payload, responder, derived.credential.authority_identifier],
      [handshake.message3_payload, initiator, derived.identity_single.identifier],
      [payloads.none, initiator, derived.identity_single.identifier],
      [payloads.one, initiator, derived.identity_single.identifier],
    ]
    for (const [payload, staticKey, identifier] of shown) {
      const reader = new CborReader(hex(payload))
      reader.beginArray(3)
      const presented = { changeHistory: reader.rawItem(), attestation: reader.rawItem() }
      const { identities } = nodeParts({ clock: new TestClock(START + 60) })
      const peer = await identities.verifyPeer({ ...presented, noiseStaticKey: hex(staticKey), expected: Identifier.parse(identifier) })
      expect(peer.identifier.toString()).toBe(identifier)
      const other = hex(staticKey === initiator ? responder : initiator)
      await expect(identities.verifyPeer({ ...presented, noiseStaticKey: other })).rejects.toMatchObject({
        code: 'identity/invalid-attestation',
      })
      ran++
    }
  })

  test('the attestation of a credential key is no proof for a secure channel', async () => {
    const { credential } = derived
    const presented = {
      changeHistory: hex(credential.authority_change_history),
      attestation: hex(credential.purpose_key_attestation),
      noiseStaticKey: hex(credential.credential_key_public),
    }
    await expect(nodeParts().identities.verifyPeer(presented)).rejects.toMatchObject({ code: 'identity/invalid-attestation' })
    ran++
  })
})

if (!existsSync(file))
  console.log('external vectors: identity-channels.json was skipped, because OCKAM_EXTERNAL_VECTORS names no folder with it')

interface RepoVectors {
  readonly change_histories: readonly {
    readonly change_history: string
    readonly identifier?: string
    readonly identifier_computed_here?: string
    readonly ed25519_seed?: string
  }[]
  readonly secure_channel_message_refresh_credentials: { readonly padded_message: string }
}

type DerivedVectors = Readonly<
  Record<
    | 'identity_single'
    | 'identity_rotated_ed25519'
    | 'identity_rotated_p256'
    | 'purpose_key_secure_channel'
    | 'credential'
    | 'identity_and_credentials'
    | 'handshake_full'
    | 'padded_refresh',
    Readonly<Record<string, string>> & VectorFields
  >
>

/** Fields that are read above; every one is text. */
interface VectorFields {
  readonly seed_ed25519: string
  readonly seed2: string
  readonly secret2: string
  readonly public2: string
  readonly identifier: string
  readonly versioned_data: string
  readonly change_hash: string
  readonly change_hash2: string
  readonly change_history: string
  readonly x25519_secret: string
  readonly x25519_public: string
  readonly attestation: string
  readonly hash: string
  readonly none: string
  readonly one: string
  readonly message2_payload: string
  readonly message3_payload: string
  readonly authority_identifier: string
  readonly authority_change_history: string
  readonly purpose_key_attestation: string
  readonly credential_key_public: string
  readonly encoded: string
}

interface VectorFile {
  readonly repo_vectors: RepoVectors
  readonly derived_vectors: DerivedVectors
}
