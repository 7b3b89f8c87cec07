/** Change histories and attestations that a Rust node makes of known keys at known times, and credentials it issues. */

import type { Answer, RustPeer } from '../../../interop/test/fixture/rust-peer.ts'
import { rust } from '../../../interop/test/fixture/world.ts'
import { FROM, type Recording, secret, UNTIL } from './recording.ts'

type KeyType = 'ed25519' | 'p256'

interface Change {
  readonly key: KeyType
  readonly revoke: boolean
}

const YEAR = 365 * 24 * 3600

const IDENTITIES: readonly (readonly [string, ...Change[]])[] = [
  ['one Ed25519 key', { key: 'ed25519', revoke: false }],
  ['one P-256 key', { key: 'p256', revoke: false }],
  ['Ed25519, then Ed25519', { key: 'ed25519', revoke: false }, { key: 'ed25519', revoke: false }],
  ['Ed25519, then P-256, revoking', { key: 'ed25519', revoke: false }, { key: 'p256', revoke: true }],
  [
    'P-256, then Ed25519, then Ed25519, revoking',
    { key: 'p256', revoke: false },
    { key: 'ed25519', revoke: false },
    { key: 'ed25519', revoke: true },
  ],
  ['one key that revokes what was not', { key: 'ed25519', revoke: true }],
]

export async function recordIdentities(): Promise<Recording> {
  const { peer } = await rust()
  const cases: object[] = []
  for (const [at, [name, ...changes]] of IDENTITIES.entries()) cases.push(await recordIdentity(peer, name, changes, 0x20 * (at + 1)))
  return {
    file: 'packages/identity/test/vectors/rust/identity.json',
    content: 'Identities of a Rust node: their change histories after each change, and the attestation of a key for channels.',
    notes: ['Times are seconds since 1970. history and changeHash are those after the change.'],
    cases,
  }
}

async function recordIdentity(peer: RustPeer, name: string, changes: readonly Change[], first: number): Promise<object> {
  let identity: Answer | undefined
  const steps: object[] = []
  for (const [at, change] of changes.entries()) {
    // Each key is valid from a day after the one before.
    const step = { ...change, secret: secret(first + at), validFrom: FROM + at * 86_400, validUntil: UNTIL - YEAR + at }
    identity =
      identity === undefined
        ? await peer.ask('identity.create', step)
        : await peer.ask('identity.rotate', { ...step, identifier: identity.identifier })
    steps.push({ ...step, changeHash: identity.latestChangeHash, history: identity.history })
  }
  const identifier = identity?.identifier
  const attested = { secret: secret(first + 8), createdAt: FROM + 10 * 86_400, expiresAt: UNTIL - 2 * YEAR }
  const { attestation, publicKey } = await peer.ask('attestation.create', { identifier, ...attested })
  return { name, identifier, changes: steps, channelKey: { ...attested, publicKey, attestation } }
}

const CREDENTIALS: readonly { readonly name: string; readonly key: KeyType; readonly attributes: Readonly<Record<string, string>> }[] = [
  { name: 'from an Ed25519 identity', key: 'ed25519', attributes: { role: 'sensor', site: 'north' } },
  { name: 'from a P-256 identity', key: 'p256', attributes: { 'ockam-relay': '*' } },
  { name: 'without attributes', key: 'ed25519', attributes: {} },
  { name: 'with names and values that are not ASCII', key: 'ed25519', attributes: { größe: '27 µm', a: '' } },
]

export async function recordCredentials(): Promise<Recording> {
  const { peer } = await rust()
  const times = { validFrom: FROM, validUntil: UNTIL }
  const subject = await peer.ask('identity.create', { secret: secret(0x10), ...times })
  const cases: object[] = []
  for (const [at, { name, key, attributes }] of CREDENTIALS.entries()) {
    const issuer = await peer.ask('identity.create', { key, secret: secret(0x40 + at), ...times })
    const request = { subject: subject.identifier, attributes, schema: 1 + at, ttlSeconds: 3600 }
    const { credential } = await peer.ask('credential.issue', { issuer: issuer.identifier, ...request })
    const verified = await peer.ask('credential.verify', { credential, authorities: [issuer.identifier], subject: subject.identifier })
    cases.push({
      name,
      changes: true,
      issuer: issuer.identifier,
      issuerHistory: issuer.history,
      subjectHistory: subject.history,
      ...request,
      createdAt: verified.createdAt,
      expiresAt: verified.expiresAt,
      credential,
    })
  }
  return {
    file: 'packages/credentials/test/vectors/rust/credential.json',
    content: 'Credentials that a Rust node issued, with the attestation of the key they are signed with, and what they say.',
    notes: ['A credential is signed with a key that the issuer makes up, at the time of the recording. Times are seconds since 1970.'],
    cases,
  }
}
