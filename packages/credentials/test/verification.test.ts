/** The rules of a credential, each broken by somebody who signs it all the same, and the attacks they are there for. */

import type { SigningKey } from '@ockam/core'
import type { CborWriter } from '@ockam/core/cbor'
import { beforeEach, describe, expect, test } from 'vitest'
import { type CredentialsErrorCode, credentialHex, textAttributes } from '../src/index.ts'
import { type ForgedAttestation, type ForgedCredential, forgeAttestation, forgeCredential, primaryKey } from './forgery.ts'
import { utf8 } from './hex.ts'
import { DAY, HOUR, judge, MINUTE, nodeParts, START, type World, world, YEAR } from './node-parts.ts'

let there: World
beforeEach(async () => {
  there = await world()
})

const refused = (credential: Uint8Array | string, code: CredentialsErrorCode, by: World = there): Promise<void> =>
  expect(judge(by, credential)).rejects.toMatchObject({ name: 'OckamError', code })

test('a credential of an accepted authority, for the subject it names, says who has which attributes, and until when', async () => {
  const credential = await forgeCredential(there)
  const verified = await judge(there, credential)
  expect(verified).toMatchObject({
    issuer: there.authority.identity.identifier,
    subject: there.subject.identity.identifier,
    createdAt: START,
    expiresAt: START + DAY,
  })
  expect(textAttributes(verified.attributes)).toEqual(new Map([['role', 'sensor']]))
  expect(await judge(there, credentialHex(credential))).toEqual(verified)
})

describe('refused is a credential', () => {
  test('of another subject, also when the one who shows it is known: it cannot be shown by whoever has seen it', async () => {
    const { verifier, authority, subject } = there
    const thief = nodeParts({ clock: there.clock })
    const { identifier, changeHistory } = await thief.identities.create()
    await verifier.identities.import(changeHistory)
    const credential = await forgeCredential(there)
    const asked = { subject: identifier, authorities: [authority.identity.identifier] }
    await expect(verifier.credentials.verify(credential, asked)).rejects.toMatchObject({ code: 'credentials/wrong-subject' })
    await refused(await forgeCredential(there, { subject: identifier }), 'credentials/wrong-subject')
    await verifier.credentials.verify(credential, { ...asked, subject: subject.identity.identifier })
  })

  test('of nobody', () =>
    forgeCredential(there, { subject: 'null', changeHash: 'null' }).then((one) => refused(one, 'credentials/wrong-subject')))

  test('of an authority that is not accepted, before any signature is looked at', async () => {
    const { verifier, subject } = there
    const credential = await forgeCredential(there)
    const before = verifier.verifications()
    for (const authorities of [[], [subject.identity.identifier]])
      await expect(verifier.credentials.verify(credential, { subject: subject.identity.identifier, authorities })).rejects.toMatchObject({
        code: 'credentials/untrusted-issuer',
      })
    expect(verifier.verifications()).toBe(before)
  })

  test('of an authority whose history is not known, although its identifier is accepted', async () => {
    const { authority, subject, clock } = there
    const stranger = nodeParts({ clock })
    const asked = { subject: subject.identity.identifier, authorities: [authority.identity.identifier] }
    const credential = await forgeCredential(there)
    await expect(stranger.credentials.verify(credential, asked)).rejects.toMatchObject({ code: 'credentials/unknown-issuer' })
    await stranger.identities.import(authority.identity.changeHistory)
    // Nothing is known of the subject: there is nothing to compare its change with.
    expect((await stranger.credentials.verify(credential, asked)).issuer).toEqual(authority.identity.identifier)
  })

  test('signed in the name of an accepted authority by somebody else, whose own attestation it carries', async () => {
    const other = await world()
    const { vault, identities, identity } = other.authority
    const { attestation } = await identities.credentialKey(identity.identifier)
    await refused(await forgeCredential(there, { attestation }), 'credentials/untrusted-issuer')
    // The true attestation with another's signature, and an attestation made by another in the authority's name.
    const stranger = await vault.signing.generateSigningKey('ed25519')
    const theirs = await there.authority.vault.signing.generateSigningKey('ed25519')
    await refused(await forgeCredential(there, { signedBy: theirs }), 'credentials/invalid-signature')
    const forged = await forgeAttestation(
      { ...there, authority: other.authority },
      {
        subject: there.authority.identity.identifier,
        latestHash: there.authority.identity.identifier.toBytes(),
        key: stranger.verifyingKey,
      },
    )
    await refused(await forgeCredential(there, { attestation: forged }), 'credentials/invalid-issuer-key')
  })

  test('signed by the primary key of the authority, or by its own key under the attestation of another', async () => {
    await refused(await forgeCredential(there, { signedBy: await primaryKey(there) }), 'credentials/invalid-signature')
    const spare = await there.authority.vault.signing.generateSigningKey('ed25519')
    const attestation = await forgeAttestation(there, { key: spare.verifyingKey })
    await refused(await forgeCredential(there, { attestation }), 'credentials/invalid-signature')
    await judge(there, await forgeCredential(there, { attestation, signedBy: spare }))
  })

  test('with the attestation of a key for channels, true or with the bytes of the signing key in it', async () => {
    const { identities, identity } = there.authority
    const { attestation } = await identities.channelProof(identity.identifier)
    await refused(await forgeCredential(there, { attestation }), 'credentials/invalid-issuer-key')
    const { verifyingKey } = (await identities.credentialKey(identity.identifier)).signingKey
    for (const key of [verifyingKey.bytes, verifyingKey])
      await refused(
        await forgeCredential(there, { attestation: await forgeAttestation(there, { purpose: 0, key }) }),
        'credentials/invalid-issuer-key',
      )
  })

  test.each<[string, CredentialsErrorCode, ForgedCredential]>([
    ['that says to be signed with another kind of key', 'credentials/invalid-signature', { signatureType: 1 }],
    ['signed as a change of an identity', 'credentials/invalid-credential', { dataType: 1 }],
    ['signed as an attestation', 'credentials/invalid-credential', { dataType: 2 }],
    ['of version 0', 'credentials/invalid-credential', { version: 0 }],
    ['of version 2', 'credentials/invalid-credential', { version: 2 }],
    ['that is over', 'credentials/expired', { expiresAt: START - 1 }],
    ['from the future', 'credentials/not-yet-valid', { createdAt: START + 61 }],
    ['older than the key that signed it', 'credentials/outside-key-validity', { createdAt: START - 1 }],
    ['longer than the key that signed it', 'credentials/outside-key-validity', { expiresAt: START + YEAR + 1 }],
    ['with times that no clock has', 'credentials/invalid-credential', { expiresAt: 2n ** 53n }],
    ['that names a change its subject never made', 'credentials/unknown-subject-change', { changeHash: new Uint8Array(32) }],
  ])('%s', async (_, code, wrong) => {
    await refused(await forgeCredential(there, wrong), code)
  })

  test.each<[string, ForgedAttestation | 'rotated']>([
    ['that is over', { expiresAt: START + HOUR }],
    ['made for another change', { latestHash: new Uint8Array(32) }],
    ['signed as a credential', { dataType: 3 }],
    ['of purpose 2', { purpose: 2 }],
    ['from before a rotation that is known', 'rotated'],
  ])('with an attestation of its key %s', async (_, wrong) => {
    const attestation = await forgeAttestation(there, wrong === 'rotated' ? {} : wrong)
    const credential = await forgeCredential(there, { attestation, expiresAt: START + HOUR })
    if (wrong === 'rotated') {
      const { identities, identity } = there.authority
      await judge(there, credential)
      await there.verifier.identities.import((await identities.rotate(identity.identifier)).changeHistory)
    } else there.clock.seconds = START + (wrong.expiresAt === undefined ? 0 : HOUR)
    if (wrong !== 'rotated' && wrong.expiresAt !== undefined) {
      await judge(there, credential)
      there.clock.seconds++
      await refused(credential, 'credentials/expired')
    } else await refused(credential, 'credentials/invalid-issuer-key')
  })

  test('with any bit of the signed data, of the signature or of the attestation changed', async () => {
    const credential = await forgeCredential(there)
    await judge(there, credential)
    for (let i = 0; i < credential.length; i++) {
      for (const bit of [1, 128]) {
        const tampered = credential.map((byte, j) => (i === j ? byte ^ bit : byte))
        const code = await judge(there, tampered).then(
          () => 'accepted',
          (error: { code: string }) => error.code,
        )
        expect(code, `byte ${i}, bit ${bit}`).toMatch(/^credentials\//)
      }
    }
  })

  test('with attributes put in behind its signature, or taken over from another credential', async () => {
    const [one, other] = [await forgeCredential(there), await forgeCredential(there, { attributes: admin })]
    const at = 4
    const length = one[3] as number
    expect(one.slice(0, 3)).toEqual(Uint8Array.of(0x82, 0x82, 0x58))
    const mixed = Uint8Array.of(...other.subarray(0, at + (other[3] as number)), ...one.subarray(at + length))
    await judge(there, other)
    await refused(mixed, 'credentials/invalid-signature')
  })

  test('when the verification is asked in another way than it can answer', async () => {
    const { verifier, subject } = there
    const credential = await forgeCredential(there)
    const { identifier } = subject.identity
    for (const options of [
      { subject: String(identifier), authorities: [identifier] },
      { subject: identifier, authorities: [String(identifier)] },
      { subject: undefined, authorities: [identifier] },
      { subject: identifier, authorities: undefined },
      { subject: identifier, authorities: identifier },
    ])
      await expect(verifier.credentials.verify(credential, options as never)).rejects.toMatchObject({
        code: 'credentials/invalid-argument',
      })
  })
})

const admin = (writer: CborWriter): void => void writer.array(2).uint(1).map(1).bytes(utf8('role')).bytes(utf8('admin'))

describe('time', () => {
  test('a credential holds from a minute before it was made to the second it ends', async () => {
    const credential = await forgeCredential(there, { createdAt: START + DAY, expiresAt: START + 2 * DAY })
    for (const [at, code] of [
      [START + DAY - MINUTE - 1, 'credentials/not-yet-valid'],
      [START + DAY - MINUTE, undefined],
      [START + 2 * DAY, undefined],
      [START + 2 * DAY + 1, 'credentials/expired'],
    ] as const) {
      there.clock.seconds = at
      if (code === undefined) await judge(there, credential)
      else await refused(credential, code)
    }
  })

  test('a credential may fill the validity of its key exactly', async () => {
    await judge(there, await forgeCredential(there, { createdAt: START, expiresAt: START + YEAR }))
  })
})

describe('a change of the subject', () => {
  test('may be any that is known, or none, since a credential outlives a rotation; or has to be the latest, where that is asked for', async () => {
    const strict = await world({ verifier: { subjectChange: 'latest' } })
    for (const [where, codes] of [
      [there, [undefined, undefined, undefined]],
      [strict, ['credentials/unknown-subject-change', undefined, 'credentials/unknown-subject-change']],
    ] as const) {
      const { subject, verifier } = where
      const before = await forgeCredential(where)
      const { changeHistory, identifier } = await subject.identities.rotate(subject.identity.identifier)
      await verifier.identities.import(changeHistory)
      const latest = (await subject.identities.changeHashes(identifier))?.at(-1) as Uint8Array
      const credentials = [
        before,
        await forgeCredential(where, { changeHash: latest }),
        await forgeCredential(where, { changeHash: 'null' }),
      ]
      for (const [at, code] of codes.entries()) {
        if (code === undefined) await judge(where, credentials[at] as Uint8Array)
        else await refused(credentials[at] as Uint8Array, code, where)
      }
    }
  })

  test('of a subject nothing is known of cannot be the latest', async () => {
    const { authority, subject, clock } = there
    const strict = nodeParts({ clock, subjectChange: 'latest' })
    await strict.identities.import(authority.identity.changeHistory)
    const asked = { subject: subject.identity.identifier, authorities: [authority.identity.identifier] }
    await expect(strict.credentials.verify(await forgeCredential(there), asked)).rejects.toMatchObject({
      code: 'credentials/unknown-subject-change',
    })
  })
})

describe('P-256', () => {
  test('an authority with such a primary key is as good', async () => {
    const other = await world({ keyType: 'p256' })
    await judge(other, await forgeCredential(other))
  })

  test('and so is such a key for credentials', async () => {
    const key: SigningKey = await there.authority.vault.signing.generateSigningKey('p256')
    const attestation = await forgeAttestation(there, { key: key.verifyingKey })
    await judge(there, await forgeCredential(there, { attestation, signedBy: key }))
  })
})

test('the signature of the credential is all that a second look at it costs: that of its key is remembered', async () => {
  const credential = await forgeCredential(there)
  await judge(there, credential)
  const before = there.verifier.verifications()
  await judge(there, credential)
  expect(there.verifier.verifications()).toBe(before + 1)
})

test('what the store of identities throws comes through as it is', async () => {
  const credential = await forgeCredential(there)
  await there.verifier.store.close()
  await expect(judge(there, credential)).rejects.toMatchObject({ code: 'store/closed' })
})
