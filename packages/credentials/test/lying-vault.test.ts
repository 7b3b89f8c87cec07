/** A vault of somebody else that says neither yes nor no where it should say no: no credential passes (threat table row 26). */

import { type SoftwareVault, softwareVault } from '@ockam/vault-software'
import { describe, expect, test } from 'vitest'
import { forgeCredential } from './forgery.ts'
import { judge, world } from './node-parts.ts'

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

describe('a vault whose verdict is not false, but not true either', () => {
  test('row 26: does not let through a credential that somebody else signed', async () => {
    for (const answer of almostTrue) {
      const there = await world({ verifier: { vault: lying(answer) } })
      const stranger = await there.authority.vault.signing.generateSigningKey('ed25519')
      const forged = await forgeCredential(there, { signedBy: stranger })
      await expect(judge(there, forged)).rejects.toMatchObject({ code: 'credentials/invalid-signature' })
      await judge(there, await forgeCredential(there))
    }
  })

  test('row 26: does not let through a credential that names a change its subject never made', async () => {
    for (const answer of [...almostTrue, Promise.resolve(false)]) {
      const there = await world({ verifier: { vault: lying(answer) } })
      const forged = await forgeCredential(there, { changeHash: new Uint8Array(32) })
      await expect(judge(there, forged)).rejects.toMatchObject({ code: 'credentials/unknown-subject-change' })
    }
  })
})
