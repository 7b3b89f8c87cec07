/** When a Rust node asks for its credential during a handshake, in either role, and that we wait for it meanwhile. */

import { trustEveryone, trustIdentifier } from '@ockam/node'
import { describe, expect, test } from 'vitest'
import type { RustPeer } from './fixture/rust-peer.ts'
import { multiAddr, ours, type RustNode, rust, socketOf } from './fixture/world.ts'

/** As long as fetching a credential from another node takes. */
const DELAY_MS = 1000

/** A Rust node with an identity and a credential of its own making, whose wire is shown. */
async function credentialHolder(): Promise<RustNode & { readonly identifier: string; readonly credential: string }> {
  const node = await rust()
  const { peer } = node
  const { identifier } = await peer.ask('identity.create')
  const { credential } = await peer.ask('credential.issue', { issuer: identifier, subject: identifier, attributes: { role: 'sensor' } })
  await peer.ask('wire.open')
  return { ...node, identifier, credential }
}

/** Messages and questions in their order; the versions of the connection, and what follows the handshake, are left out. */
const steps = (peer: RustPeer): readonly string[] =>
  peer
    .untaken('wire', 'credential-asked')
    .filter(({ message }) => message !== '01')
    .map(({ event, step, direction }) => (event === 'wire' ? direction : step))

describe('a Rust node that waits for its credential', () => {
  test('as responder does so between messages 1 and 2', async () => {
    const { peer, identifier, credential } = await credentialHolder()
    const { address, flowControlId } = await peer.ask('tcp.listen')
    await peer.ask('channel.listen', { identifier, credential, credentialDelayMs: DELAY_MS, consumerOf: [flowControlId] })
    const node = await ours()
    const identity = await node.createIdentity()
    const channel = await node.openSecureChannel(`${multiAddr(address)}/secure/api`, { identity, trust: trustIdentifier(identifier) })
    expect(String(channel.peer.identifier)).toBe(identifier)
    await peer.event('channel-opened')
    await expect.poll(() => steps(peer)).toEqual(['received', 'initialize', 'retrieve', 'sent', 'received'])
  })

  test('as responder is given up by an initiator of ours whose time is up before message 2', async () => {
    const { peer, identifier, credential } = await credentialHolder()
    const { address, flowControlId } = await peer.ask('tcp.listen')
    await peer.ask('channel.listen', { identifier, credential, credentialDelayMs: 20_000, consumerOf: [flowControlId] })
    const node = await ours()
    const identity = await node.createIdentity()
    const side = { identity, trust: trustEveryone(), timeoutMs: 2000 }
    const opening = node.openSecureChannel(`${multiAddr(address)}/secure/api`, side)
    await expect(opening).rejects.toMatchObject({ code: 'secure-channel/timeout' })
    expect(steps(peer)).toEqual(['received', 'initialize'])
  })

  test('as initiator does so before message 1, and again between messages 2 and 3', async () => {
    const node = await ours()
    const identity = await node.createIdentity()
    await node.listenSecureChannels('api', { identity, trust: trustEveryone() })
    const { address } = await node.listen('/ip4/127.0.0.1/tcp/0')
    const { peer, identifier, credential } = await credentialHolder()
    const { worker } = await peer.ask('tcp.connect', { to: socketOf(address) })
    const details = { identifier, route: [worker, 'api'], credential, credentialDelayMs: DELAY_MS }
    const { encryptor } = await peer.ask('channel.create', details)
    // The crate initializes twice: once for the channel, once for its handshake.
    await expect.poll(() => steps(peer)).toEqual(['initialize', 'initialize', 'sent', 'received', 'retrieve', 'sent'])
    expect((await peer.ask('message.request', { route: [encryptor, 'echo'], payload: '0a' })).payload).toBe('0a')
  })
})
