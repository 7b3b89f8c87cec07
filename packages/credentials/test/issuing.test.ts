/** What our authorities issue: right in every rule that verifiers check, whatever is asked for. */

import { Identifier } from '@ockam/core'
import { describe, expect, test } from 'vitest'
import { decodeCredential, type IssueOptions, MAX_CREDENTIAL_BYTES, textAttributes } from '../src/index.ts'
import { DAY, HOUR, judge, nodeParts, START, world, YEAR } from './node-parts.ts'

async function issuer(validForMs?: number) {
  const there = await world()
  const { authority, subject } = there
  const given = { issuer: authority.identity.identifier, subject: subject.identity.identifier, attributes: { role: 'sensor' } }
  const issue = (options: Partial<IssueOptions> = {}) => authority.credentials.issue({ ...given, ...options })
  return { there, issue: validForMs === undefined ? issue : () => issue({ validForMs }) }
}

test('a credential that is issued holds, for a day unless told otherwise, and says what was asked for', async () => {
  const { there, issue } = await issuer()
  const verified = await judge(there, await issue())
  expect(verified).toMatchObject({ createdAt: START, expiresAt: START + DAY, subject: there.subject.identity.identifier })
  expect(verified.attributes.schema).toBe(1n)
  expect(textAttributes(verified.attributes)).toEqual(new Map([['role', 'sensor']]))
  const other = await judge(there, await issue({ schema: 7, validForMs: HOUR * 1000 + 999, attributes: [] }))
  expect(other).toMatchObject({ expiresAt: START + HOUR, attributes: { schema: 7n, entries: [] } })
})

test('it names the latest change that is known of its subject', async () => {
  const { there, issue } = await issuer()
  const { identities, identity } = there.subject
  const { changeHistory } = await identities.rotate(identity.identifier)
  await there.authority.identities.import(changeHistory)
  const latest = (await identities.changeHashes(identity.identifier))?.at(-1)
  expect(decodeCredential(await issue()).data.subjectChangeHash).toEqual(latest)
})

test('an authority may issue to itself', async () => {
  const { there, issue } = await issuer()
  const { identifier } = there.authority.identity
  const credential = await issue({ subject: identifier })
  expect((await there.verifier.credentials.verify(credential, { subject: identifier, authorities: [identifier] })).issuer).toEqual(
    identifier,
  )
})

describe('times', () => {
  test('end with the key of the issuer, however long is asked for', async () => {
    const { there, issue } = await issuer(100 * YEAR * 1000)
    expect((await judge(there, await issue())).expiresAt).toBe(START + YEAR)
  })

  test('begin with the key of the issuer when the clock was set back', async () => {
    const { there, issue } = await issuer(HOUR * 1000)
    await issue()
    there.clock.seconds = START - 30
    expect(await judge(there, await issue())).toMatchObject({ createdAt: START, expiresAt: START + HOUR })
  })

  test('that have no room left are said to be the end of the issuer, who has to rotate', async () => {
    const clock = (await world()).clock
    const { identities, credentials } = nodeParts({ clock })
    const { identifier } = await identities.create({ validForMs: DAY * 1000 })
    await credentials.issue({ issuer: identifier, subject: identifier, attributes: {} })
    clock.seconds = START + DAY
    await expect(credentials.issue({ issuer: identifier, subject: identifier, attributes: {} })).rejects.toMatchObject({
      code: 'credentials/outside-key-validity',
      message: expect.stringContaining('rotate'),
    })
    clock.seconds++
    await expect(credentials.issue({ issuer: identifier, subject: identifier, attributes: {} })).rejects.toMatchObject({
      code: 'identity/expired',
    })
  })
})

describe('refused is', () => {
  const nobody = Identifier.fromBytes(new Uint8Array(32))

  test.each<[string, string, Partial<IssueOptions>]>([
    ['a subject nothing is known of', 'credentials/unknown-subject', { subject: nobody }],
    ['an issuer that is not an own identity', 'identity/unknown-identity', { issuer: nobody }],
    ['a subject in text', 'credentials/invalid-argument', { subject: String(nobody) as never }],
    ['no issuer', 'credentials/invalid-argument', { issuer: undefined as never }],
    ['a life of less than a second', 'credentials/invalid-argument', { validForMs: 999 }],
    ['a life that is no number', 'credentials/invalid-argument', { validForMs: Number.NaN }],
    ['an attribute that is no text', 'credentials/invalid-argument', { attributes: { role: 1 as never } }],
    ['more than fits', 'credentials/invalid-argument', { attributes: { role: 'x'.repeat(MAX_CREDENTIAL_BYTES) } }],
  ])('%s', async (_, code, wrong) => {
    const { issue } = await issuer()
    await expect(issue(wrong)).rejects.toMatchObject({ name: 'OckamError', code })
  })
})
