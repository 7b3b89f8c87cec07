/**
 * Identities and attestations of a Rust node, as `npm run capture` records them: read, verified, and made again from the same keys at the same times.
 */

import { readFileSync } from 'node:fs'
import { Identifier, type Signature, type SigningKeyType } from '@ockam/core'
import { softwareVault } from '@ockam/vault-software'
import { describe, expect, test } from 'vitest'
import { decodeAttestation, decodeChangeHistory } from '../src/index.ts'
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

const IDENTITIES = (
  JSON.parse(readFileSync(new URL('vectors/rust/identity.json', import.meta.url), 'utf8')) as { readonly cases: readonly IdentityVector[] }
).cases
const { primitives } = softwareVault()

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
