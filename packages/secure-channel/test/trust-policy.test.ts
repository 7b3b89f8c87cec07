import { Identifier, type LocalMessage, NO_LOCAL_INFO, type TrustPolicy } from '@ockam/core'
import { describe, expect, test } from 'vitest'
import {
  allOf,
  allowAnyIdentifier,
  allowIdentifier,
  allowIdentifiers,
  anyOf,
  trustEveryone,
  trustIdentifier,
  trustIdentifiers,
} from '../src/index.ts'
import { couldTrust } from '../src/trust-policy.ts'

const [alice, bob, carol] = [1, 2, 3].map((byte) => Identifier.fromBytes(new Uint8Array(32).fill(byte))) as [
  Identifier,
  Identifier,
  Identifier,
]
const peer = (identifier: Identifier): { readonly identifier: Identifier } => ({ identifier })

describe('trust policies', () => {
  test('by identifier: that one, or one of a list, in any spelling', async () => {
    expect(await trustIdentifier(alice).isTrusted(peer(alice))).toBe(true)
    expect(await trustIdentifier(alice.toString().toUpperCase()).isTrusted(peer(alice))).toBe(true)
    expect(await trustIdentifier(alice).isTrusted(peer(bob))).toBe(false)
    expect(await trustIdentifiers([alice, bob]).isTrusted(peer(bob))).toBe(true)
    expect(await trustIdentifiers([alice, bob]).isTrusted(peer(carol))).toBe(false)
    expect(await trustEveryone().isTrusted(peer(carol))).toBe(true)
  })

  test('an empty list trusts nobody, and a list changed afterwards changes nothing', async () => {
    const list = [alice]
    const policy = trustIdentifiers(list)
    list.push(bob)
    expect(await policy.isTrusted(peer(bob))).toBe(false)
    expect(await trustIdentifiers([]).isTrusted(peer(alice))).toBe(false)
  })

  test('all of, any of', async () => {
    const both = allOf(trustIdentifiers([alice, bob]), trustIdentifiers([bob, carol]))
    const either = anyOf(trustIdentifier(alice), trustIdentifier(carol))
    expect(await Promise.all([alice, bob, carol].map(async (who) => both.isTrusted(peer(who))))).toEqual([false, true, false])
    expect(await Promise.all([alice, bob, carol].map(async (who) => either.isTrusted(peer(who))))).toEqual([true, false, true])
    expect(both.description).toBe('all of (one of 2 identifiers, one of 2 identifiers)')
  })

  test('that decide by the identifier refuse what is merely claimed; combined ones as far as all of their parts do', () => {
    const opaque = { description: 'asks somebody', isTrusted: () => true }
    const could = (policy: TrustPolicy): boolean[] => [alice, bob, carol].map((claimed) => couldTrust(policy, claimed))
    expect(could(trustIdentifiers([alice, bob]))).toEqual([true, true, false])
    expect(could(opaque)).toEqual([true, true, true])
    expect(could(trustEveryone())).toEqual([true, true, true])
    expect(could(allOf(opaque, trustIdentifier(alice)))).toEqual([true, false, false])
    expect(could(anyOf(trustIdentifier(alice), trustIdentifier(carol)))).toEqual([true, false, true])
    expect(could(anyOf(trustIdentifier(alice), opaque))).toEqual([true, true, true])
    expect(could(allOf(anyOf(trustIdentifier(alice), trustIdentifier(bob)), trustIdentifiers([bob, carol])))).toEqual([false, true, false])
  })

  test('of the policies combined, an answer that is not true is a no', async () => {
    for (const answer of [1, 'yes', { isTrusted: true }]) {
      const vague = { description: 'vague', isTrusted: () => answer as never }
      expect(await anyOf(vague, trustIdentifier(bob)).isTrusted(peer(alice))).toBe(false)
      expect(await allOf(vague, trustIdentifier(alice)).isTrusted(peer(alice))).toBe(false)
    }
  })

  test('what would trust by accident is refused', () => {
    for (const wrong of [() => allOf(), () => anyOf(), () => trustIdentifiers('I00' as never)]) {
      expect(wrong).toThrowError(expect.objectContaining({ code: 'secure-channel/invalid-argument' }))
    }
    expect(() => trustIdentifier('somebody')).toThrowError(expect.objectContaining({ code: 'core/invalid-identifier' }))
  })
})

describe('access by identifier', () => {
  const from = (identifier?: Identifier): LocalMessage =>
    ({ localInfo: identifier === undefined ? NO_LOCAL_INFO : [{ kind: 'channel-peer', identifier }] }) as unknown as LocalMessage

  test('lets in who is named, and nobody without an identity', async () => {
    expect(await allowIdentifier(alice).isAllowed(from(alice))).toBe(true)
    expect(await allowIdentifier(alice).isAllowed(from(bob))).toBe(false)
    expect(await allowIdentifiers([alice, bob]).isAllowed(from(bob))).toBe(true)
    for (const control of [allowIdentifier(alice), allowIdentifiers([]), allowAnyIdentifier()])
      expect(await control.isAllowed(from())).toBe(false)
    expect(await allowAnyIdentifier().isAllowed(from(carol))).toBe(true)
  })
})
