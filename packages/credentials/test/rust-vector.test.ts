/** Credentials of a Rust node, as `npm run capture` records them: read, verified at their time, and written again to the same bytes. */

import { readFileSync } from 'node:fs'
import { Identifier } from '@ockam/core'
import { describe, expect, test } from 'vitest'
import { encodeCredential, encodeCredentialData } from '../src/credential.ts'
import { credentialHex, decodeCredential, textAttributes } from '../src/index.ts'
import { hex, toHex } from './hex.ts'
import { nodeParts, TestClock } from './node-parts.ts'

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

const { cases } = JSON.parse(readFileSync(new URL('vectors/rust/credential.json', import.meta.url), 'utf8')) as {
  readonly cases: readonly CredentialVector[]
}

test('there are credentials of several kinds', () => {
  expect(cases.length).toBeGreaterThan(3)
})

describe.each(cases)('a credential of a Rust node: $name', (known) => {
  const issuer = Identifier.parse(known.issuer)
  const subject = Identifier.parse(known.subject)

  /** Somebody who knows both, at the time of the recording. */
  async function verifier(clock = new TestClock(known.createdAt)) {
    const parts = nodeParts({ clock, subjectChange: 'latest' })
    await parts.identities.import(known.issuerHistory, issuer)
    await parts.identities.import(known.subjectHistory, subject)
    return parts
  }

  test('holds for its subject and its authority, and says what was asked for', async () => {
    const { credentials } = await verifier()
    const { attributes, ...verified } = await credentials.verify(known.credential, { subject, authorities: [issuer] })
    expect(verified).toEqual({ issuer, subject, createdAt: known.createdAt, expiresAt: known.expiresAt })
    expect(attributes.schema).toBe(BigInt(known.schema))
    expect(textAttributes(attributes)).toEqual(new Map(Object.entries(known.attributes)))
  })

  test('is written to the same bytes from what it says', () => {
    const { signed, signature, attestation, data } = decodeCredential(known.credential)
    expect(toHex(encodeCredentialData(data))).toBe(toHex(signed))
    expect(credentialHex(encodeCredential(signed, signature, attestation))).toBe(known.credential)
  })

  test('is refused for others, by others, before and after its time, and with a byte changed', async () => {
    const clock = new TestClock(known.createdAt)
    const { credentials } = await verifier(clock)
    const asked = { subject, authorities: [issuer] }
    await expect(credentials.verify(known.credential, { subject: issuer, authorities: [issuer] })).rejects.toMatchObject({
      code: 'credentials/wrong-subject',
    })
    await expect(credentials.verify(known.credential, { subject, authorities: [subject] })).rejects.toMatchObject({
      code: 'credentials/untrusted-issuer',
    })
    const { signed, signature, attestation } = decodeCredential(known.credential)
    const changed = { ...signature, bytes: signature.bytes.with(40, (signature.bytes[40] as number) ^ 1) }
    await expect(credentials.verify(encodeCredential(signed, changed, attestation), asked)).rejects.toMatchObject({
      code: 'credentials/invalid-signature',
    })
    clock.seconds = known.createdAt - 61
    await expect(credentials.verify(known.credential, asked)).rejects.toMatchObject({ code: 'credentials/not-yet-valid' })
    clock.seconds = known.expiresAt + 1
    await expect(credentials.verify(known.credential, asked)).rejects.toMatchObject({ code: 'credentials/expired' })
  })

  test('shows a key that is refused where a key for channels is needed, as is the credential itself', async () => {
    const { identities } = await verifier()
    const { attestation } = decodeCredential(known.credential)
    const noiseStaticKey = identities.readCredentialKey(attestation).verifyingKey.bytes
    for (const shown of [attestation, hex(known.credential)])
      await expect(
        identities.verifyPeer({ changeHistory: hex(known.issuerHistory), attestation: shown, noiseStaticKey }),
      ).rejects.toMatchObject({ code: 'identity/invalid-attestation' })
  })
})
