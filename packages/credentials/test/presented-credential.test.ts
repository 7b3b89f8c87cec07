/** What becomes of credentials that peers show in channels. */

import type { Identifier } from '@ockam/core'
import { describe, expect, test } from 'vitest'
import { forgeCredential } from './forgery.ts'
import { DAY, judge, nodeParts, START, type World, world } from './node-parts.ts'

/** The verifier of the world, told to believe its authority. */
function desk(there: World) {
  const { credentials, events } = there.verifier
  const authority = there.authority.identity.identifier
  const peer = { identifier: there.subject.identity.identifier }
  return {
    events,
    peer,
    verifier: credentials.verifier({ authorities: [authority] }),
    known: (of: Identifier = peer.identifier, by: Identifier = authority) => credentials.attributes.attributes(of, by),
  }
}

test('what an accepted authority says of the peer is known from then on, as long as it holds', async () => {
  const there = await world()
  const { verifier, peer, known, events } = desk(there)
  await verifier.present(peer, [await forgeCredential(there)])
  expect((await known())?.text.get('role')).toBe('sensor')
  expect(events).toEqual([])
  there.clock.seconds = START + DAY
  expect(await known()).toBeUndefined()
})

describe('a credential that does not hold', () => {
  test('tells nothing, is reported once for all that were shown, and hinders none that does', async () => {
    const there = await world()
    const { verifier, peer, known, events } = desk(there)
    const [right, over] = [await forgeCredential(there), await forgeCredential(there, { expiresAt: START - 1 })]
    await verifier.present(peer, [over, Uint8Array.of(0x80)])
    expect(await known()).toBeUndefined()
    await verifier.present(peer, [over, right])
    expect((await known())?.text.get('role')).toBe('sensor')
    const told = { peer: peer.identifier.toString(), code: 'credentials/expired', leftOut: 0 }
    expect(events).toEqual([
      { name: 'credentials/credential-refused', details: { ...told, count: 2 } },
      { name: 'credentials/credential-refused', details: { ...told, count: 1 } },
    ])
  })

  test('takes nothing away that is known', async () => {
    const there = await world()
    const { verifier, peer, known } = desk(there)
    await verifier.present(peer, [await forgeCredential(there)])
    await verifier.present(peer, [await forgeCredential(there, { expiresAt: START - 1 })])
    expect((await known())?.text.get('role')).toBe('sensor')
  })

  test('because it is another’s tells nothing, about neither of the two: what was overheard cannot be replayed', async () => {
    const there = await world()
    const { verifier, peer, known, events } = desk(there)
    const thief = await nodeParts({ clock: there.clock }).identities.create()
    await there.verifier.identities.import(thief.changeHistory)
    await verifier.present({ identifier: thief.identifier }, [await forgeCredential(there)])
    expect(await known(thief.identifier)).toBeUndefined()
    expect(await known(peer.identifier)).toBeUndefined()
    expect(events).toMatchObject([{ details: { code: 'credentials/wrong-subject', peer: thief.identifier.toString() } }])
  })

  test('because its authority is not believed here tells nothing, although it would hold elsewhere', async () => {
    const there = await world()
    const other = await there.verifier.identities.create()
    const { peer, known } = desk(there)
    const credential = await forgeCredential(there)
    await there.verifier.credentials.verifier({ authorities: [other.identifier] }).present(peer, [credential])
    expect(await known()).toBeUndefined()
    await judge(there, credential)
  })
})

test('of a flood of credentials only the first few are looked at', async () => {
  const there = await world()
  const { verifier, peer, known, events } = desk(there)
  const right = await forgeCredential(there)
  const wrong = await forgeCredential(there, { signedBy: await there.authority.vault.signing.generateSigningKey('ed25519') })
  await verifier.present(peer, [...Array.from({ length: 16 }, () => wrong), right])
  expect(await known()).toBeUndefined()
  // One for each of two histories, one for the attestation, and one for each credential that was looked at.
  expect(there.verifier.verifications()).toBe(2 + 1 + 16)
  expect(events).toMatchObject([{ details: { count: 16, leftOut: 1, code: 'credentials/invalid-signature' } }])
})

test('of several credentials of one authority the last one shown holds, and those of two authorities stand side by side', async () => {
  const there = await world()
  const second = await there.authority.identities.create()
  await there.verifier.identities.import(second.changeHistory)
  const { peer, known } = desk(there)
  const authorities = [there.authority.identity.identifier, String(second.identifier)]
  const verifier = there.verifier.credentials.verifier({ authorities })
  const issue = (issuer: Identifier, role: string) =>
    there.authority.credentials.issue({ issuer, subject: peer.identifier, attributes: { role } })
  await verifier.present(peer, [
    await issue(there.authority.identity.identifier, 'first'),
    await issue(second.identifier, 'guest'),
    await issue(there.authority.identity.identifier, 'last'),
  ])
  expect((await known())?.text.get('role')).toBe('last')
  expect((await known(peer.identifier, second.identifier))?.text.get('role')).toBe('guest')
})

test('a store that fails is no fault of the peer: it throws, and the handshake is refused', async () => {
  const there = await world()
  const { verifier, peer } = desk(there)
  const credential = await forgeCredential(there)
  await there.verifier.store.close()
  await expect(verifier.present(peer, [credential])).rejects.toMatchObject({ code: 'store/closed' })
})

test('a verifier that would believe nobody, or whose options make no sense, is not made', () => {
  const { credentials } = nodeParts()
  expect(() => credentials.verifier({ authorities: [] })).toThrow(expect.objectContaining({ code: 'credentials/invalid-argument' }))
  expect(() => credentials.verifier({ authorities: ['I00'] })).toThrow(expect.objectContaining({ code: 'core/invalid-identifier' }))
  for (const options of [{ maxAttributeEntries: 0 }, { maxAttributeEntries: 1.5 }, { subjectChange: 'any' as never }])
    expect(() => nodeParts(options)).toThrow(expect.objectContaining({ code: 'credentials/invalid-argument' }))
})
