/** Whether a payload in the first handshake message, where a peer could offer something new, disturbs a Rust responder, and whether it is authenticated. */

import { OCKAM_XX, startInitiator } from '@ockam/secure-channel'
import { describe, expect, test } from 'vitest'
import { hex, ours, rustListener, unhex, utf8 } from './fixture/world.ts'

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

    // And the keys of both sides are the same: what we seal comes back from its echo.
    const { sendingKey, receivingKey } = finished.split()
    const { primitives } = node.vault
    const text = hex(utf8('hybrid'))
    const plaintext = unhex(`82 8200 81 83 81 820044${hex(utf8('echo'))} 81 82004161 46${text} 40`.replaceAll(' ', ''))
    const sealed = new Uint8Array(8 + plaintext.length + 16)
    primitives.aeadKey(sendingKey).sealInto(sealed, 8, plaintext, 0, plaintext.length, 0)
    await mailbox.send(answer.returnRoute, sealed)
    const { payload: echoed } = await mailbox.receive()
    const opened = new Uint8Array(echoed.length - 24)
    expect(primitives.aeadKey(receivingKey).openInto(opened, 0, echoed, 8, echoed.length - 8, 0)).toBe(true)
    expect(hex(opened)).toContain(text)
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
