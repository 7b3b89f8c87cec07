/** Secure channels over TCP between both kinds of nodes, in both roles, with both kinds of identity keys. */

import { trustEveryone, trustIdentifier } from '@ockam/node'
import { describe, expect, test } from 'vitest'
import { hex, ours, rust, rustListener, socketOf, unhex, utf8 } from './fixture/world.ts'

const KEYS = ['ed25519', 'p256'] as const

describe.each(KEYS)('we initiate, with a %s identity', (ourKey) => {
  test.each(KEYS)('a channel to a Rust listener with a %s identity carries messages both ways', async (rustKey) => {
    const responder = await rustListener({ key: rustKey })
    const node = await ours()
    const identity = await node.createIdentity({ keyType: ourKey })
    const channel = await node.openSecureChannel(`${responder.address}/secure/api`, {
      identity,
      trust: trustIdentifier(responder.identifier),
    })
    expect(String(channel.peer.identifier)).toBe(responder.identifier)
    expect(await channel.request('echo', utf8('over the channel'))).toEqual(utf8('over the channel'))
    const accepted = await responder.peer.event('channel-opened')
    expect(accepted).toMatchObject({ isInitiator: false, peer: String(identity.identifier) })
  })
})

describe.each(KEYS)('a Rust node initiates, with a %s identity', (rustKey) => {
  test.each(KEYS)('a channel to our listener with a %s identity carries messages both ways', async (ourKey) => {
    const node = await ours()
    const identity = await node.createIdentity({ keyType: ourKey })
    await node.listenSecureChannels('api', { identity, trust: trustEveryone() })
    const { address } = await node.listen('/ip4/127.0.0.1/tcp/0')
    const { peer } = await rust()
    const { identifier } = await peer.ask('identity.create', { key: rustKey })
    const { worker } = await peer.ask('tcp.connect', { to: socketOf(address) })
    const channel = await peer.ask('channel.create', {
      identifier,
      route: [worker, 'api'],
      trust: 'identifier',
      trusted: [String(identity.identifier)],
    })
    expect(channel.peer).toBe(String(identity.identifier))
    const answer = await peer.ask('message.request', { route: [channel.encryptor, 'echo'], payload: hex(utf8('from Rust')) })
    expect(unhex(answer.payload)).toEqual(utf8('from Rust'))
    expect(answer.peer).toBe(String(identity.identifier))
  })
})
