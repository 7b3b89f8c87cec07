/** Every rule the attestation of a peer must keep, each broken alone; times to the second (threat table rows 7, 21 and 22). */

import type { Identifier, SigningKey } from '@ockam/core'
import { CborReader, CborWriter } from '@ockam/core/cbor'
import { softwareVault } from '@ockam/vault-software'
import { beforeAll, describe, expect, test } from 'vitest'
import type { IdentityErrorCode } from '../src/index.ts'
import { CHANNEL_KEY, type ForgedAttestation, type ForgedHistory, forgeAttestation, forgeHistory } from './forgery.ts'
import { DAY, nodeParts, START, TestClock, YEAR } from './node-parts.ts'

const vault = softwareVault()
let history: ForgedHistory
let rotated: ForgedHistory
let stranger: ForgedHistory

beforeAll(async () => {
  history = await forgeHistory(vault, [{ validUntil: START + 2 * YEAR }])
  const [first] = history.keys as [SigningKey]
  rotated = await forgeHistory(vault, [{ key: first, validUntil: START + 2 * YEAR }, { revokes: true }])
  stranger = await forgeHistory(vault, [{}])
})

const verify = async (
  attestation: Uint8Array,
  { of = history, at = START, expected }: { of?: ForgedHistory; at?: number; expected?: Identifier } = {},
) => {
  const presented = { changeHistory: of.bytes, attestation, noiseStaticKey: CHANNEL_KEY }
  const { identities } = nodeParts({ clock: new TestClock(at) })
  return identities.verifyPeer(expected === undefined ? presented : { ...presented, expected })
}

test('a right attestation proves who the peer is, what its latest change is and until when', async () => {
  const peer = await verify(await forgeAttestation(vault, rotated), { of: rotated, expected: rotated.identifier })
  expect(peer.identifier).toEqual(rotated.identifier)
  expect(peer.latestChangeHash).toEqual(rotated.latestHash)
  expect(peer.expiresAtMs).toBe((START + YEAR) * 1000)
})

describe('an attestation is refused', () => {
  const broken: readonly [string, IdentityErrorCode, () => ForgedAttestation | Promise<ForgedAttestation>][] = [
    ['of another subject', 'identity/invalid-attestation', () => ({ subject: stranger.identifier })],
    ['for another change than the latest', 'identity/invalid-attestation', () => ({ latestHash: new Uint8Array(32) })],
    ['for another Noise static key', 'identity/invalid-attestation', () => ({ channelKey: new Uint8Array(32).fill(8) })],
    ['for a key that signs credentials', 'identity/invalid-attestation', () => ({ purpose: 1 })],
    ['for an unknown purpose', 'identity/invalid-attestation', () => ({ purpose: 2 })],
    ['that begins before the key that signed it', 'identity/invalid-attestation', () => ({ createdAt: START - 1 })],
    ['that ends after the key that signed it', 'identity/invalid-attestation', () => ({ expiresAt: START + 2 * YEAR + 1 })],
    ['from the future', 'identity/attestation-expired', () => ({ createdAt: START + 61 })],
    ['of version 0', 'identity/invalid-attestation', () => ({ version: 0 })],
    ['of version 2', 'identity/invalid-attestation', () => ({ version: 2 })],
    ['signed as a change', 'identity/invalid-attestation', () => ({ dataType: 1 })],
    ['signed as a credential', 'identity/invalid-attestation', () => ({ dataType: 3 })],
    ['signed by a stranger', 'identity/invalid-signature', () => ({ signedBy: stranger.keys[0] as SigningKey })],
    ['whose signature claims to be of another type', 'identity/invalid-signature', () => ({ signatureType: 1 })],
    ['whose signature is of an unknown type', 'identity/invalid-attestation', () => ({ signatureType: 2 })],
  ]

  test.each(broken)('%s', async (_, code, wrong) => {
    await expect(verify(await forgeAttestation(vault, history, await wrong()))).rejects.toMatchObject({ name: 'OckamError', code })
  })

  test('made before a rotation, also one that revokes, whether it names the old change or the new', async () => {
    const [oldKey] = rotated.keys as [SigningKey]
    const old = await forgeAttestation(vault, rotated, { latestHash: history.latestHash, signedBy: oldKey })
    await verify(old)
    await expect(verify(old, { of: rotated })).rejects.toMatchObject({ code: 'identity/invalid-attestation' })
    const renamed = await forgeAttestation(vault, rotated, { signedBy: oldKey })
    await expect(verify(renamed, { of: rotated })).rejects.toMatchObject({ code: 'identity/invalid-signature' })
  })

  test('with the history of another identity, in either direction', async () => {
    const [mine, theirs] = [await forgeAttestation(vault, history), await forgeAttestation(vault, stranger)]
    await expect(verify(theirs)).rejects.toMatchObject({ code: 'identity/invalid-attestation' })
    await expect(verify(mine, { of: stranger })).rejects.toMatchObject({ code: 'identity/invalid-attestation' })
  })

  test('of another identity than expected', async () => {
    const attestation = await forgeAttestation(vault, history)
    await expect(verify(attestation, { expected: stranger.identifier })).rejects.toMatchObject({ code: 'identity/unexpected-identifier' })
  })

  test('cut short, with bytes behind it, or not bytes', async () => {
    const attestation = await forgeAttestation(vault, history)
    for (const wrong of [attestation.subarray(0, -1), Uint8Array.of(...attestation, 0), new Uint8Array()])
      await expect(verify(wrong)).rejects.toMatchObject({ code: 'identity/invalid-attestation' })
    await expect(verify('x' as unknown as Uint8Array)).rejects.toMatchObject({ code: 'identity/invalid-argument' })
  })

  test('over 4096 bytes, and accepted with exactly that many, unknown elements included', async () => {
    const reader = new CborReader(await forgeAttestation(vault, history))
    reader.beginArray(2)
    const [signed, signature] = [reader.rawItem(), reader.rawItem()]
    const padded = (filler: number) => new CborWriter().array(3).raw(signed).raw(signature).bytes(new Uint8Array(filler)).finish()
    const overhead = padded(3000).length - 3000
    await verify(padded(4096 - overhead))
    await expect(verify(padded(4097 - overhead))).rejects.toMatchObject({ code: 'identity/invalid-attestation' })
  })

  test('when what is to be compared with is no 32-byte key', async () => {
    const presented = { changeHistory: history.bytes, attestation: await forgeAttestation(vault, history) }
    for (const noiseStaticKey of [new Uint8Array(31), new Uint8Array(), undefined as unknown as Uint8Array])
      await expect(nodeParts().identities.verifyPeer({ ...presented, noiseStaticKey })).rejects.toMatchObject({
        code: 'identity/invalid-argument',
      })
  })
})

describe('time', () => {
  test('an attestation holds from a minute before it was made to the second it ends', async () => {
    const createdAt = START + DAY
    const expiresAt = START + 2 * DAY
    const attestation = await forgeAttestation(vault, history, { createdAt, expiresAt })
    for (const [at, isValid] of [
      [createdAt - 61, false],
      [createdAt - 60, true],
      [expiresAt, true],
      [expiresAt + 1, false],
    ] as const) {
      const attempt = verify(attestation, { at })
      if (isValid) expect((await attempt).expiresAtMs).toBe(expiresAt * 1000)
      else await expect(attempt).rejects.toMatchObject({ code: 'identity/attestation-expired' })
    }
  })

  test('an attestation may fill the validity of its key exactly', async () => {
    await verify(await forgeAttestation(vault, history, { createdAt: START, expiresAt: START + 2 * YEAR }))
  })

  test('a moment that no calendar has is named in an error all the same', async () => {
    const far = await forgeHistory(vault, [{ validUntil: Number.MAX_SAFE_INTEGER }])
    const attestation = await forgeAttestation(vault, far, { createdAt: Number.MAX_SAFE_INTEGER - 1, expiresAt: Number.MAX_SAFE_INTEGER })
    await expect(verify(attestation, { of: far })).rejects.toMatchObject({
      code: 'identity/attestation-expired',
      message: expect.stringContaining('second 9007199254740990'),
    })
  })
})

test('what is received may be a Node Buffer that is overwritten right after the call', async () => {
  const { identities, store } = nodeParts()
  const attestation = Buffer.from(await forgeAttestation(vault, history))
  const changeHistory = Buffer.from(history.bytes)
  const verification = identities.verifyPeer({ changeHistory, attestation, noiseStaticKey: Buffer.from(CHANNEL_KEY) })
  changeHistory.fill(0)
  attestation.fill(0)
  await (await verification).accept()
  expect(await store.get(`identity/history/${history.identifier}`)).toEqual(history.bytes)
})
