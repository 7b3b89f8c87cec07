/** Security rule 7: the cache remembers only that signatures are valid; everything else is judged on every use. */

import type { SigningKey } from '@ockam/core'
import { softwareVault } from '@ockam/vault-software'
import { expect, test } from 'vitest'
import { CHANNEL_KEY, type ForgedHistory, forgeAttestation, forgeHistory } from './forgery.ts'
import { type NodeParts, nodeParts, START, YEAR } from './node-parts.ts'

const vault = softwareVault()

async function meet(parts: NodeParts, history: ForgedHistory, attestation: Uint8Array, noiseStaticKey = CHANNEL_KEY): Promise<void> {
  await (await parts.identities.verifyPeer({ changeHistory: history.bytes, attestation, noiseStaticKey })).accept()
}

test('a peer that comes back costs no signature check', async () => {
  const parts = nodeParts()
  const history = await forgeHistory(vault, [{}, {}])
  const attestation = await forgeAttestation(vault, history)
  await meet(parts, history, attestation)
  expect(parts.verifications()).toBe(4)
  await meet(parts, history, attestation)
  expect(parts.verifications()).toBe(4)
})

test('without a cache every use checks every signature', async () => {
  const parts = nodeParts({ verificationCacheSize: 0 })
  const history = await forgeHistory(vault, [{}])
  const attestation = await forgeAttestation(vault, history)
  for (let i = 1; i <= 3; i++) {
    await meet(parts, history, attestation)
    expect(parts.verifications()).toBe(2 * i)
  }
})

test('an attestation that ends between two uses is refused the second time', async () => {
  const parts = nodeParts()
  const history = await forgeHistory(vault, [{}])
  const attestation = await forgeAttestation(vault, history)
  await meet(parts, history, attestation)
  parts.clock.seconds = START + YEAR + 1
  await expect(meet(parts, history, attestation)).rejects.toMatchObject({ code: 'identity/attestation-expired' })
})

test('a peer that rotates between two uses is accepted with the new history, and the old one, though remembered, is refused', async () => {
  const parts = nodeParts()
  const old = await forgeHistory(vault, [{}])
  const oldAttestation = await forgeAttestation(vault, old)
  const rotated = await forgeHistory(vault, [{ key: old.keys[0] as SigningKey }, {}])
  const newAttestation = await forgeAttestation(vault, rotated)
  await meet(parts, old, oldAttestation)
  await meet(parts, rotated, newAttestation)
  await expect(meet(parts, old, oldAttestation)).rejects.toMatchObject({ code: 'identity/older-history' })
  await expect(meet(parts, rotated, oldAttestation)).rejects.toMatchObject({ code: 'identity/invalid-attestation' })
  await meet(parts, rotated, newAttestation)
})

test('the same data with a bad signature is refused after the good one was remembered, again and again, and leaves nothing behind', async () => {
  const parts = nodeParts()
  const history = await forgeHistory(vault, [{}])
  const attestation = await forgeAttestation(vault, history)
  await meet(parts, history, attestation)
  const badHistory = history.bytes.slice()
  badHistory[badHistory.length - 1] = (badHistory.at(-1) as number) ^ 1
  const badAttestation = attestation.slice()
  badAttestation[badAttestation.length - 1] = (badAttestation.at(-1) as number) ^ 1
  for (let i = 0; i < 3; i++) {
    await expect(meet(parts, history, badAttestation)).rejects.toMatchObject({ code: 'identity/invalid-signature' })
    await expect(meet(parts, { ...history, bytes: badHistory }, attestation)).rejects.toMatchObject({ code: 'identity/invalid-signature' })
  }
  const before = parts.verifications()
  await meet(parts, history, attestation)
  expect(parts.verifications()).toBe(before)
})

test('a remembered attestation is refused for another Noise static key and for another expected identity', async () => {
  const parts = nodeParts()
  const [history, other] = [await forgeHistory(vault, [{}]), await forgeHistory(vault, [{}])]
  const attestation = await forgeAttestation(vault, history)
  await meet(parts, history, attestation)
  await expect(meet(parts, history, attestation, new Uint8Array(32))).rejects.toMatchObject({ code: 'identity/invalid-attestation' })
  const presented = { changeHistory: history.bytes, attestation, noiseStaticKey: CHANNEL_KEY, expected: other.identifier }
  await expect(parts.identities.verifyPeer(presented)).rejects.toMatchObject({ code: 'identity/unexpected-identifier' })
})

test('one registry does not believe what another, with another vault, has verified', async () => {
  const history = await forgeHistory(vault, [{}])
  const attestation = await forgeAttestation(vault, history)
  const [one, other] = [nodeParts(), nodeParts()]
  await meet(one, history, attestation)
  await meet(other, history, attestation)
  expect(other.verifications()).toBe(2)
})

test('the cache keeps as many entries as it was given, the last used ones', async () => {
  const parts = nodeParts({ verificationCacheSize: 2 })
  const [a, b, c] = [await forgeHistory(vault, [{}]), await forgeHistory(vault, [{}]), await forgeHistory(vault, [{}])]
  const checksFor = async ({ bytes, identifier }: ForgedHistory): Promise<number> => {
    const before = parts.verifications()
    await parts.identities.updatePeer(bytes, identifier)
    return parts.verifications() - before
  }
  expect([await checksFor(a), await checksFor(b), await checksFor(a), await checksFor(c)]).toEqual([1, 1, 0, 1])
  expect([await checksFor(a), await checksFor(c), await checksFor(b)]).toEqual([0, 0, 1])
})

test.each([-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('a cache of %s entries is refused', (verificationCacheSize) => {
  expect(() => nodeParts({ verificationCacheSize })).toThrow(expect.objectContaining({ code: 'identity/invalid-argument' }))
})
