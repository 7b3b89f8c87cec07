/**
 * Identities, attestations and credentials of a Rust node, as `npm run capture` records them: read, verified, and the identities and attestations made
 * again from the same keys at the same times. Credentials are read as far as this package's formats go: envelope, signatures, attestation of their key.
 */

import { readFileSync } from 'node:fs'
import { Identifier, type Signature, type SigningKeyType } from '@ockam/core'
import { CborReader } from '@ockam/core/cbor'
import { softwareVault } from '@ockam/vault-software'
import { describe, expect, test } from 'vitest'
import { decodeAttestation, decodeChangeHistory } from '../src/index.ts'
import { readSignature, readVerifyingKey } from '../src/key-codec.ts'
import { ATTESTATION_DATA, decodeVersionedData } from '../src/versioned-data.ts'
import { hex, toHex } from './hex.ts'
import { nodeParts, seeds, TestClock } from './node-parts.ts'

interface IdentityVector {
  readonly name: string
  readonly identifier: string
  readonly changes: readonly {
    readonly key: SigningKeyType
    readonly revoke: boolean
    readonly secret: string
    readonly validFrom: number
    readonly validUntil: number
    readonly changeHash: string
    readonly history: string
  }[]
  readonly channelKey: {
    readonly secret: string
    readonly createdAt: number
    readonly expiresAt: number
    readonly publicKey: string
    readonly attestation: string
  }
}

interface CredentialVector {
  readonly name: string
  readonly issuer: string
  readonly issuerHistory: string
  readonly subject: string
  readonly subjectHistory: string
  readonly attributes: Readonly<Record<string, string>>
  readonly schema: number
  readonly createdAt: number
  readonly expiresAt: number
  readonly credential: string
}

const casesOf = <T>(name: string): readonly T[] =>
  (JSON.parse(readFileSync(new URL(`vectors/rust/${name}.json`, import.meta.url), 'utf8')) as { readonly cases: readonly T[] }).cases
const IDENTITIES = casesOf<IdentityVector>('identity')
const CREDENTIALS = casesOf<CredentialVector>('credential')
const { primitives, verifying } = softwareVault()
/** Type of the signed data of a credential, beside those of `versioned-data.ts`. */
const CREDENTIAL_DATA = 3

/** What all implementations make of the same keys: everything but ECDSA signatures, which are never the same twice here. */
function fixedPartsOf(history: string): readonly string[] {
  const fixed = (signature?: Signature): string => (signature?.type === 'ed25519' ? toHex(signature.bytes) : (signature?.type ?? ''))
  return decodeChangeHistory(hex(history), primitives).changes.flatMap(({ signed, signature, previousSignature }) => [
    toHex(signed),
    fixed(signature),
    fixed(previousSignature),
  ])
}

describe.each(IDENTITIES)('an identity of a Rust node: $name', ({ identifier, changes, channelKey }) => {
  const latest = changes.at(-1)?.history ?? ''

  test('verifies after each change and says what was asked for', async () => {
    const { identities } = nodeParts({ clock: new TestClock(channelKey.createdAt) })
    for (const [at, change] of changes.entries()) {
      expect((await identities.import(hex(change.history), identifier)).toString()).toBe(identifier)
      const { changes: decoded, latest: last } = decodeChangeHistory(hex(change.history), primitives)
      expect(decoded).toHaveLength(at + 1)
      expect(toHex(last.hash)).toBe(change.changeHash)
      expect(last.data.primaryKey.type).toBe(change.key)
      expect(last.data).toMatchObject({ revokesPurposeKeys: change.revoke, validFrom: change.validFrom, validUntil: change.validUntil })
    }
  })

  test('shows the key of its channels, and no other', async () => {
    const { identities } = nodeParts({ clock: new TestClock(channelKey.createdAt) })
    const shown = { changeHistory: hex(latest), attestation: hex(channelKey.attestation) }
    const peer = await identities.verifyPeer({ ...shown, noiseStaticKey: hex(channelKey.publicKey) })
    expect(peer.identifier.toString()).toBe(identifier)
    const { data } = decodeAttestation(shown.attestation)
    expect(data).toMatchObject({ createdAt: channelKey.createdAt, expiresAt: channelKey.expiresAt })
    await expect(identities.verifyPeer({ ...shown, noiseStaticKey: hex(channelKey.secret) })).rejects.toMatchObject({
      code: 'identity/invalid-attestation',
    })
  })

  // Ours never says in its first change that it revokes what came before.
  if (changes[0]?.revoke === false)
    test('is made here to the same bytes from the same keys at the same times', async () => {
      const clock = new TestClock(changes[0]?.validFrom ?? 0)
      const vault = softwareVault({ random: seeds(...changes.map(({ secret }) => secret), channelKey.secret) })
      const { identities } = nodeParts({ vault, clock, attestationValidForMs: (channelKey.expiresAt - channelKey.createdAt) * 1000 })
      const made: string[] = []
      for (const [at, { key, revoke, validFrom, validUntil }] of changes.entries()) {
        clock.seconds = validFrom
        const options = { keyType: key, validForMs: (validUntil - validFrom) * 1000 }
        const identity =
          at === 0 ? await identities.create(options) : await identities.rotate(identifier, { ...options, revokePurposeKeys: revoke })
        made.push(toHex(identity.changeHistory))
      }
      expect(made.map(fixedPartsOf)).toEqual(changes.map(({ history }) => fixedPartsOf(history)))
      if (changes.every(({ key }) => key === 'ed25519')) expect(made).toEqual(changes.map(({ history }) => history))
      clock.seconds = channelKey.createdAt
      const proof = await identities.channelProof(Identifier.parse(identifier))
      expect(toHex(proof.staticKey.publicKey)).toBe(channelKey.publicKey)
      const [own, theirs] = [decodeAttestation(proof.attestation), decodeAttestation(hex(channelKey.attestation))]
      expect(toHex(own.signed)).toBe(toHex(theirs.signed))
      if (changes.at(-1)?.key === 'ed25519') expect(toHex(proof.attestation)).toBe(channelKey.attestation)
      // And what was made with ECDSA holds as theirs does.
      const { identities: others } = nodeParts({ clock })
      const { changeHistory, attestation, staticKey } = proof
      await expect(others.verifyPeer({ changeHistory, attestation, noiseStaticKey: staticKey.publicKey })).resolves.toBeDefined()
    })
})

/** `[data, signature]`, the form of everything signed but changes. */
function readSigned(reader: CborReader) {
  reader.beginArray(2)
  const signed = reader.bytes()
  const signature = readSignature(reader, 'identity/invalid-attestation')
  reader.end()
  return { signed, signature }
}

describe.each(CREDENTIALS)('a credential of a Rust node: $name', (known) => {
  const history = decodeChangeHistory(hex(known.issuerHistory), primitives)
  const reader = new CborReader(hex(known.credential))
  reader.beginArray(2)
  const credential = readSigned(reader)
  const attestation = reader.rawItem()
  reader.end()
  const attested = readSigned(new CborReader(attestation))
  const code = 'identity/invalid-attestation'

  test('is signed with a key that its issuer attests', async () => {
    const { identities } = nodeParts({ clock: new TestClock(known.createdAt) })
    expect((await identities.import(hex(known.issuerHistory))).toString()).toBe(known.issuer)
    expect((await identities.import(hex(known.subjectHistory))).toString()).toBe(known.subject)
    const data = new CborReader(decodeVersionedData(attested.signed, ATTESTATION_DATA, code))
    data.beginArray(5)
    expect(toHex(data.bytes())).toBe(known.issuer.slice(1))
    expect(toHex(data.bytes())).toBe(toHex(history.latest.hash))
    // A key for credentials, where channels have 0.
    expect(data.beginEnum()).toBe(1)
    const key = readVerifyingKey(data, code)
    expect(await verifying.verify(history.latest.data.primaryKey, primitives.sha256(attested.signed), attested.signature)).toBe(true)
    expect(await verifying.verify(key, primitives.sha256(credential.signed), credential.signature)).toBe(true)
    const changed = Uint8Array.from(credential.signed, (byte, at) => (at === credential.signed.length - 1 ? byte ^ 1 : byte))
    expect(await verifying.verify(key, primitives.sha256(changed), credential.signature)).toBe(false)
  })

  test('says who has which attributes, and until when', () => {
    const data = new CborReader(decodeVersionedData(credential.signed, CREDENTIAL_DATA, code))
    data.beginArray(5)
    expect(toHex(data.bytes())).toBe(known.subject.slice(1))
    expect(toHex(data.bytes())).toBe(toHex(decodeChangeHistory(hex(known.subjectHistory), primitives).latest.hash))
    data.beginArray(2)
    expect(data.uint()).toBe(known.schema)
    const attributes: Record<string, string> = {}
    const text = new TextDecoder()
    data.beginMap()
    while (data.hasNext()) attributes[text.decode(data.bytes())] = text.decode(data.bytes())
    data.end()
    data.end()
    expect(attributes).toEqual(known.attributes)
    expect([data.uint(), data.uint()]).toEqual([known.createdAt, known.expiresAt])
    data.end()
    data.finish()
  })

  test('shows a key that is refused where a key for channels is needed, as is the credential itself', async () => {
    const { identities } = nodeParts({ clock: new TestClock(known.createdAt) })
    const noiseStaticKey = attested.signed.slice(-32)
    for (const shown of [attestation, hex(known.credential)])
      await expect(
        identities.verifyPeer({ changeHistory: hex(known.issuerHistory), attestation: shown, noiseStaticKey }),
      ).rejects.toMatchObject({ code })
  })
})
