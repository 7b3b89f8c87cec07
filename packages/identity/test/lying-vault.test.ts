/** A vault of somebody else that says neither yes nor no where it should say no: nothing passes (threat table row 26). */

import type { SigningKey } from '@ockam/core'
import { type SoftwareVault, softwareVault } from '@ockam/vault-software'
import { beforeAll, describe, expect, test } from 'vitest'
import { compareHistories, decodeChangeHistory, type IdentityErrorCode } from '../src/index.ts'
import { CHANNEL_KEY, type ForgedAttestation, type ForgedHistory, forgeAttestation, forgeHistory } from './forgery.ts'
import { nodeParts } from './node-parts.ts'

const vault = softwareVault()
let root: SigningKey
let stranger: SigningKey
let history: ForgedHistory

beforeAll(async () => {
  root = await vault.signing.generateSigningKey('ed25519')
  stranger = await vault.signing.generateSigningKey('ed25519')
  history = await forgeHistory(vault, [{ key: root }, {}])
})

/** What is no `true`, but true enough for an `if`, and is no promise that `await` would look into. */
const almostTrue: readonly unknown[] = [1, 'true', {}, { valid: false }]

/** Tells the truth where the truth is yes. */
function lying(answer: unknown): SoftwareVault {
  const real = softwareVault()
  return {
    ...real,
    verifying: { verify: async (...args) => ((await real.verifying.verify(...args)) ? true : (answer as boolean)) },
    primitives: {
      ...real.primitives,
      isEqual: (a, b) => real.primitives.isEqual(a, b) || (answer as boolean),
    },
  }
}

async function refused(answer: unknown, shown: ForgedHistory, attestation: ForgedAttestation, code: IdentityErrorCode): Promise<void> {
  const { identities } = nodeParts({ vault: lying(answer) })
  const presented = {
    changeHistory: shown.bytes,
    attestation: await forgeAttestation(vault, shown, attestation),
    noiseStaticKey: CHANNEL_KEY,
  }
  await expect(identities.verifyPeer(presented)).rejects.toMatchObject({ name: 'OckamError', code })
}

describe('a vault whose verdict on a bad signature is not false, but not true either', () => {
  test.each<[string, () => Promise<ForgedHistory>, () => ForgedAttestation]>([
    ['of an attestation', async () => history, () => ({ signedBy: stranger })],
    ['of a change by its own key', () => forgeHistory(vault, [{ key: root, signedBy: stranger }]), () => ({ signedBy: root })],
    ['of a change by the key before it', () => forgeHistory(vault, [{ key: root }, { previousSignedBy: stranger }]), () => ({})],
  ])('row 26: does not let it through: %s', async (_, shown, attestation) => {
    for (const answer of almostTrue) await refused(answer, await shown(), attestation(), 'identity/invalid-signature')
  })
})

describe('a vault whose comparison of unequal bytes is not false, but not true either', () => {
  test.each<[string, () => Promise<ForgedHistory>, () => ForgedAttestation, IdentityErrorCode]>([
    [
      'an attestation for another Noise static key',
      async () => history,
      () => ({ channelKey: new Uint8Array(32) }),
      'identity/invalid-attestation',
    ],
    ['an attestation for another change', async () => history, () => ({ latestHash: new Uint8Array(32) }), 'identity/invalid-attestation'],
    [
      'a change that follows another one',
      () => forgeHistory(vault, [{ key: root }, { previousChange: new Uint8Array(32) }]),
      () => ({}),
      'identity/invalid-history',
    ],
  ])('row 26: does not let through: %s', async (_, shown, attestation, code) => {
    for (const answer of [...almostTrue, Promise.resolve(false)]) await refused(answer, await shown(), attestation(), code)
  })

  test('row 26: sees a conflict of two histories', async () => {
    const fork = await forgeHistory(vault, [{ key: root }, {}])
    const [left, right] = [history, fork].map(({ bytes }) => decodeChangeHistory(bytes, vault.primitives))
    if (left === undefined || right === undefined) throw new Error('two histories are needed')
    for (const answer of [...almostTrue, Promise.resolve(false)])
      expect(compareHistories(left, right, lying(answer).primitives)).toBe('conflict')
  })
})
