/** Whether a payload in the first handshake message, where a peer could offer something new, disturbs a Rust responder, and whether it is authenticated. */

import { Route } from '@ockam/core'
import { trustEveryone } from '@ockam/node'
import { OCKAM_XX, startInitiator } from '@ockam/secure-channel'
import { describe, expect, test } from 'vitest'
import { hex, ours, rustListener } from './fixture/world.ts'

/** As long as an ML-KEM-768 key with something in front. */
const OFFER = new Uint8Array(1200).fill(0x5a)

async function handshake(offer: Uint8Array, sent: (message: Uint8Array) => Uint8Array = (message) => message) {
  const { peer, address, identifier } = await rustListener()
  const node = await ours()
  const identity = await node.createIdentity()
  const connection = await node.connect(address)
  const mailbox = node.router.createMailbox(undefined, { from: 'anyone' })
  const proof = await node.identities.channelProof(identity.identifier)
  const start = startInitiator({
    protocol: OCKAM_XX,
    primitives: node.vault.primitives,
    vault: node.vault.channel,
    staticKey: proof.staticKey,
  })
  const { message, next } = await start.write(offer)
  await mailbox.send([connection.address, 'api'], sent(message))
  const answer = await mailbox.receive()
  return { peer, identifier, node, mailbox, proof, answer, next }
}

describe('a payload in message 1', () => {
  test('of 1200 bytes is read over by a Rust responder, and the handshake ends well', async () => {
    const { peer, identifier, node, mailbox, proof, answer, next } = await handshake(OFFER)
    const { payload, next: sending } = await next.read(answer.payload)
    expect(hex(payload)).toContain(identifier.slice(1))
    const { changeHistory, attestation } = proof
    const ownPayload = Uint8Array.of(0x83, ...changeHistory, ...attestation, 0x80)
    const { message, next: finished } = await sending.write(ownPayload)
    await mailbox.send(answer.returnRoute, message)
    expect((await peer.event('channel-opened')).peer).toBe(String(proof.identifier))

    // And the keys of both sides are the same: a ciphertext of ours reaches its echo.
    const { sendingKey } = finished.split()
    const key = node.vault.primitives.aeadKey(sendingKey)
    const plaintext = Buffer.from('828200818381820044' + hex(new TextEncoder().encode('echo')) + '80' + '4101' + '40', 'hex')
    const sealed = new Uint8Array(8 + plaintext.length + 16)
    key.sealInto(sealed, 8, plaintext, 0, plaintext.length, 0)
    await mailbox.send(answer.returnRoute, sealed)
    await node.close()
  })

  test('that was taken away on the way makes message 2 unreadable: an offer cannot be stripped unseen', async () => {
    const { answer, next } = await handshake(OFFER, (message) => message.subarray(0, 32))
    await expect(next.read(answer.payload)).rejects.toMatchObject({ code: 'secure-channel/invalid-handshake' })
  })

  test('that was changed on the way makes message 2 unreadable', async () => {
    const changed = (message: Uint8Array): Uint8Array => message.map((byte, index) => (index === 40 ? byte ^ 1 : byte))
    const { answer, next } = await handshake(OFFER, changed)
    await expect(next.read(answer.payload)).rejects.toMatchObject({ code: 'secure-channel/invalid-handshake' })
  })
})
void [Route, trustEveryone]
