/** What both kinds of nodes make of signatures and of times in identities, attestations and credentials. */

import { trustEveryone, trustIdentifier } from '@ockam/node'
import { describe, expect, test } from 'vitest'
import { hex, ours, rust, rustListener, unhex, utf8 } from './fixture/world.ts'

/** Half of the order of P-256. */
const HALF_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n / 2n
const DAY_S = 24 * 3600

describe('signatures', () => {
  test('with P-256 are deterministic at a Rust node, half of them with the greater s, and we take both', async () => {
    const [{ peer }, { peer: other }] = [await rust(), await rust()]
    const node = await ours()
    let greater = 0
    for (let number = 1; number <= 12; number++) {
      const key = { key: 'p256', secret: number.toString(16).padStart(64, '0'), validFrom: 1_700_000_000, validUntil: 2_000_000_000 }
      const { identifier, history } = await peer.ask('identity.create', key)
      expect((await other.ask('identity.create', key)).history).toBe(history)
      if (BigInt(`0x${history.slice(-64)}`) > HALF_ORDER) greater += 1
      expect(String(await node.identities.import(unhex(history)))).toBe(identifier)
    }
    expect(greater).toBe(6)
  })

  test('with P-256 by us have the lesser s, and a Rust node takes them', async () => {
    const { peer } = await rust()
    const node = await ours()
    for (let count = 0; count < 8; count++) {
      const { identifier, changeHistory } = await node.createIdentity({ keyType: 'p256' })
      const history = hex(changeHistory)
      expect(BigInt(`0x${history.slice(-64)}`)).toBeLessThanOrEqual(HALF_ORDER)
      expect((await peer.ask('identity.import', { history })).identifier).toBe(String(identifier))
    }
  })

  test('of a history, when altered, are refused by both', async () => {
    const { peer } = await rust()
    const node = await ours()
    for (const key of ['ed25519', 'p256']) {
      const { history } = await (await rust()).peer.ask('identity.create', { key })
      const altered = history.slice(0, -2) + (history.endsWith('00') ? '01' : '00')
      await expect(peer.ask('identity.import', { history: altered })).rejects.toThrow(/./)
      await expect(node.identities.import(unhex(altered))).rejects.toMatchObject({ code: 'identity/invalid-signature' })
    }
  })
})

describe('times', () => {
  test('of our attestation stay within those of our identity, and a Rust node opens a channel on it', async () => {
    const responder = await rustListener()
    const node = await ours()
    const identity = await node.createIdentity({ validForMs: DAY_S * 1000 })
    const channel = await node.openSecureChannel(`${responder.address}/secure/api`, {
      identity,
      trust: trustIdentifier(responder.identifier),
    })
    expect(await channel.request('echo', utf8('for a day'))).toEqual(utf8('for a day'))
    const { attestation } = await node.identities.channelProof(identity.identifier)
    const { expiresAt } = await responder.peer.ask('attestation.verify', {
      attestation: hex(attestation),
      subject: String(identity.identifier),
    })
    expect(expiresAt).toBeLessThanOrEqual(Date.now() / 1000 + DAY_S)
  })

  test('of an attestation that go beyond those of its identity are refused by both', async () => {
    const { peer, address, flow } = await rust()
    const now = Math.floor(Date.now() / 1000)
    const { identifier } = await peer.ask('identity.create', { validFrom: now - 10, validUntil: now + DAY_S })
    const { attestation } = await peer.ask('attestation.create', { identifier, createdAt: now, expiresAt: now + 2 * DAY_S })
    await expect(peer.ask('attestation.verify', { attestation, subject: identifier })).rejects.toThrow(
      'PurposeKeyAttestationVerificationFailed',
    )
    await peer.ask('channel.listen', { identifier, consumerOf: [flow] })
    const node = await ours()
    const identity = await node.createIdentity()
    const opening = node.openSecureChannel(`${address}/secure/api`, { identity, trust: trustEveryone() })
    await expect(opening).rejects.toMatchObject({ code: 'secure-channel/invalid-identity' })
  })

  test('of a credential have to lie within those of the key that signs it, at a Rust node', async () => {
    const { peer } = await rust()
    const { identifier: issuer } = await peer.ask('identity.create')
    const { identifier: subject } = await peer.ask('identity.create')
    const verified = async (ttlSeconds: number) => {
      const { credential } = await peer.ask('credential.issue', { issuer, subject, attributes: { a: 'b' }, ttlSeconds })
      return peer.ask('credential.verify', { credential, authorities: [issuer], subject })
    }
    expect(await verified(3600)).toMatchObject({ subject, attributes: { a: 'b' } })
    await expect(verified(6 * 365 * DAY_S)).rejects.toThrow('CredentialVerificationFailed')
  })
})
