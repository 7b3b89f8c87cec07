/** Credentials that others made, and the same bytes made here from the same keys at the same time. */

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Identifier, type Random } from '@ockam/core'
import { CborReader } from '@ockam/core/cbor'
import { softwareVault } from '@ockam/vault-software'
import { afterAll, describe, expect, test } from 'vitest'
import { encodeCredentialData } from '../src/credential.ts'
import { credentialHex, decodeCredential, textAttributes } from '../src/index.ts'
import { hex, toHex } from './hex.ts'
import { nodeParts, TestClock, YEAR } from './node-parts.ts'

interface VectorFile {
  readonly repo_vectors: { readonly secure_channel_message_refresh_credentials: { readonly padded_message: string } }
  readonly derived_vectors: {
    readonly identity_single: { readonly identifier: string; readonly change_history: string }
    readonly padded_refresh: { readonly encoded: string }
    readonly credential: Readonly<
      Record<
        | 'authority_seed'
        | 'authority_identifier'
        | 'authority_change_history'
        | 'credential_key_seed'
        | 'credential_key_public'
        | 'purpose_key_attestation'
        | 'versioned_data'
        | 'hash'
        | 'credential_and_purpose_key',
        string
      >
    >
  }
}

const folder = process.env.OCKAM_EXTERNAL_VECTORS
const file = folder === undefined ? '' : join(folder, 'identity-channels.json')
const { primitives, verifying } = softwareVault()

/** Secrets that come out of a vault in this order, 32 bytes each; then none. */
function seeds(...secrets: readonly string[]): Random {
  const left = secrets.map(hex)
  return {
    bytes(length) {
      const next = left.shift()
      if (next?.length !== length) throw new Error(`the test provides no ${length} random bytes here`)
      return next
    },
  }
}

/** Of a RefreshCredentials message. */
function credentialsOf(message: string): readonly Uint8Array[] {
  const reader = new CborReader(hex(message))
  reader.beginArray(2)
  expect(reader.beginEnum()).toBe(1)
  reader.beginArray(2)
  reader.skip()
  const credentials: Uint8Array[] = []
  reader.beginArray()
  while (reader.hasNext()) credentials.push(reader.rawItem())
  return credentials
}

describe.skipIf(!existsSync(file))('external vectors: credentials', () => {
  const { repo_vectors: repo, derived_vectors: derived } = (existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {}) as VectorFile
  let ran = 0
  afterAll(() => console.log(`external vectors: ${ran} of identity-channels.json ran`))

  test('the credential in the refresh message that Rust made is signed by the key its attestation names, and is written to the same bytes', async () => {
    const [bytes, ...others] = credentialsOf(repo.secure_channel_message_refresh_credentials.padded_message)
    expect(others).toEqual([])
    const { signed, signature, attestation, data, encoded } = decodeCredential(bytes as Uint8Array)
    const { verifyingKey } = nodeParts().identities.readCredentialKey(attestation)
    expect(await verifying.verify(verifyingKey, primitives.sha256(signed), signature)).toBe(true)
    expect(toHex(encodeCredentialData(data))).toBe(toHex(signed))
    expect(toHex(encoded)).toBe(toHex(bytes as Uint8Array))
    const attributes = textAttributes(data.attributes)
    expect([...attributes.keys()]).toEqual(['ockam-relay', 'ockam-role', 'project_id', 'trust_context_id'])
    expect([attributes.get('ockam-relay'), attributes.get('ockam-role')]).toEqual(['*', 'enroller'])
    expect([data.attributes.schema, data.expiresAt - data.createdAt]).toEqual([1n, 30])
    ran++
  })

  test('the derived credential holds, alone and in a refresh message', async () => {
    const { credential: known, identity_single: subject, padded_refresh: refresh } = derived
    expect(credentialsOf(refresh.encoded).map(toHex)).toEqual([known.credential_and_purpose_key])
    const { data, signed, attestation } = decodeCredential(known.credential_and_purpose_key)
    expect([toHex(signed), toHex(primitives.sha256(signed)), toHex(attestation)]).toEqual([
      known.versioned_data,
      known.hash,
      known.purpose_key_attestation,
    ])
    const { identities, credentials } = nodeParts({ clock: new TestClock(data.createdAt) })
    const issuer = await identities.import(known.authority_change_history, known.authority_identifier)
    expect(toHex(identities.readCredentialKey(attestation).verifyingKey.bytes)).toBe(known.credential_key_public)
    const asked = { subject: Identifier.parse(subject.identifier), authorities: [issuer] }
    expect((await credentials.verify(known.credential_and_purpose_key, asked)).issuer).toEqual(issuer)
    ran += 2
  })

  test('the same authority with the same keys at the same times issues the same bytes', async () => {
    const { credential: known, identity_single: subject } = derived
    const { data, attestation } = decodeCredential(known.credential_and_purpose_key)
    const clock = new TestClock()
    const vault = softwareVault({ random: seeds(known.authority_seed, known.credential_key_seed) })
    const { identities, credentials } = nodeParts({ vault, clock, attestationValidForMs: 5 * YEAR * 1000 })
    const { identifier: issuer, changeHistory } = await identities.create()
    expect(toHex(changeHistory)).toBe(known.authority_change_history)
    const to = await identities.import(subject.change_history)
    clock.seconds = identities.readCredentialKey(attestation).createdAt
    await identities.credentialKey(issuer)
    clock.seconds = data.createdAt
    const issued = await credentials.issue({
      issuer,
      subject: to,
      attributes: data.attributes.entries,
      schema: data.attributes.schema,
      validForMs: (data.expiresAt - data.createdAt) * 1000,
    })
    expect(credentialHex(issued)).toBe(known.credential_and_purpose_key)
    ran++
  })
})

if (!existsSync(file))
  console.log('external vectors: identity-channels.json was skipped, because OCKAM_EXTERNAL_VECTORS names no folder with it')
