/** What both kinds of nodes make of signatures and of times in identities, attestations and credentials. */

import { trustEveryone, trustIdentifier } from '@ockam/node'
import { p256 } from '@noble/curves/nist.js'
import { describe, expect, test } from 'vitest'
import { type FuzzKey, sign } from './fuzz/signing-key.ts'
import { hex, ours, rust, rustListener, unhex, utf8 } from './fixture/world.ts'

/** Half of the order of P-256. */
const HALF_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n / 2n
const DAY_S = 24 * 3600

/** A history that begins with an Ed25519 key and goes over to a P-256 key, revoking what was attested: made of the published formats, with RFC 6979 for ECDSA. */
const ROTATED = {
  first: {
    key: 'ed25519',
    secret: '101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f',
    validFrom: 0x6553f100,
    validUntil: 0x781ff400,
  },
  second: {
    key: 'p256',
    secret: '505152535455565758595a5b5c5d5e5f606162636465666768696a6b6c6d6e6f',
    validFrom: 0x65554280,
    validUntil: 0x78214580,
    revoke: true,
  },
  history:
    '82825837830101583285f682008158207776e870b93354f2a0b24c23f2a36cc4e80e223218c1b97926fdd018396a2b9bf41a6553f1001a781ff400' +
    '8200815840557728dc2acbca0c65bc98626ba5c529d50d64c86cd90caaab0014b39ffe2c499304e32c5edfe80684e4d0f1db4922139c40fa7e2664aa83bc89771ebc109b08' +
    '8358798301015874855820c593880f48cdea2beb0c9612ea4748a6d023d7bde20ba3e7da584f9c27fcf772' +
    '820181584104b79e3d7dcfa3f11181f46f247af56c067b0ef53250fc18e9be82c23e6f833fee89247041637a86442f458b78a5c43960bbaccc3eb14c89e5ae9adaf4f7945530' +
    'f51a655542801a78214580' +
    '8201815840a2741af4eae65d73ecbc52e79e79fa54cdaab10e58bb4dad41b7a422c567566746626dbe6302cd281d83422f1f3a97829d4f608dbafde1dc3aa7395655225115' +
    '820081584013f8f735065bf5224726673f64cf49b9fcb5e0a610b2000b4576d53346177dc6dda8c760116d6dba23c9dcb7284ac157bc91ad4c0e788a78022e7193e244ff0c',
}

/** The only change of a history: what is signed, and its signature. */
const FIRST_CHANGE = /^818258(..)([0-9a-f]+)8201815840([0-9a-f]{128})$/

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

  test('with P-256 are those of RFC 6979 at a Rust node', async () => {
    const { peer } = await rust()
    const { identifier } = await peer.ask('identity.create', ROTATED.first)
    const { history } = await peer.ask('identity.rotate', { identifier, ...ROTATED.second })
    expect(history).toBe(ROTATED.history)
    for (let number = 1; number <= 8; number++) {
      const secret = new Uint8Array(32).fill(number)
      const created = await peer.ask('identity.create', {
        key: 'p256',
        secret: hex(secret),
        validFrom: 1_700_000_000,
        validUntil: 2_000_000_000,
      })
      const [, length = '', signed = '', signature] = FIRST_CHANGE.exec(created.history) ?? []
      expect(signed.length / 2).toBe(Number.parseInt(length, 16))
      const key: FuzzKey = { type: 1, secret, publicKey: p256.getPublicKey(secret, false) }
      expect(hex(sign(key, unhex(signed)))).toBe(signature)
    }
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
