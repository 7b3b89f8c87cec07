/** Whose identity a message has that came through a relay: nobody's, unless there is a channel through the relay; then that of who opened it. */

import { peerOf } from '@ockam/core'
import { type OckamNode, trustEveryone, trustIdentifier } from '@ockam/node'
import { describe, expect, test } from 'vitest'
import { hex, ours, rust, rustListener, socketOf, utf8 } from './fixture/world.ts'

/** Payloads and the identities they came with, of a worker of ours that anyone reaches. */
function inbox(node: OckamNode): readonly (readonly [string, string | null])[] {
  const seen: [string, string | null][] = []
  node.startWorker(
    'inbox',
    (message) => {
      const peer = peerOf(message)
      seen.push([hex(message.payload), peer === undefined ? null : String(peer.identifier)])
    },
    { from: 'anyone' },
  )
  return seen
}

describe('a message through a relay', () => {
  test('has no identity at our node, which registered with a Rust relay over a channel; one through a channel has that of its opener', async () => {
    const { peer: relay, address, identifier, channels, flow, socket } = await rustListener()
    await relay.ask('relay.serve', { consumerOf: [channels, flow] })
    const node = await ours()
    const identity = await node.createIdentity()
    const seen = inbox(node)
    await node.listenSecureChannels('api', { identity, trust: trustEveryone() })
    await node.createRelay(`${address}/secure/api`, { name: 'db', identity, trust: trustIdentifier(identifier) })

    const { peer } = await rust()
    const own = await peer.ask('identity.create')
    const { worker } = await peer.ask('tcp.connect', { to: socket })
    await peer.ask('message.send', { route: [worker, 'forward_to_db', 'inbox'], payload: '01' })
    await expect.poll(() => seen).toEqual([['01', null]])
    const { encryptor } = await peer.ask('channel.create', { identifier: own.identifier, route: [worker, 'forward_to_db', 'api'] })
    await peer.ask('message.send', { route: [encryptor, 'inbox'], payload: '02' })
    await expect.poll(() => seen[1]).toEqual(['02', own.identifier])
  })

  test('of ours has, at a Rust node that registered over a channel, the identity of that channel; one through a channel that of its opener', async () => {
    const relay = await ours()
    const relayIdentity = await relay.createIdentity()
    relay.startRelayService()
    await relay.listenSecureChannels('relay', { identity: relayIdentity, trust: trustEveryone() })
    const { address } = await relay.listen('/ip4/127.0.0.1/tcp/0')

    const { peer, identifier, channels } = await rustListener()
    const { worker } = await peer.ask('tcp.connect', { to: socketOf(address) })
    const channel = await peer.ask('channel.create', { identifier, route: [worker, 'relay'] })
    const { flowControlId } = await peer.ask('relay.create', { route: [channel.encryptor], alias: 'db' })
    await peer.ask('worker.start', { address: 'inbox', kind: 'inbox', consumerOf: [flowControlId, channels] })
    await peer.ask('flow.add_consumer', { address: 'api', consumerOf: [flowControlId] })

    const node = await ours()
    const identity = await node.createIdentity()
    const connection = await node.connect(address)
    await node.router.context.send([connection.address, 'forward_to_db', 'inbox'], utf8('a'))
    expect(await peer.event('message')).toMatchObject({ payload: '61', peer: String(relayIdentity.identifier) })
    const inner = await node.openSecureChannel(`${address}/service/forward_to_db/secure/api`, {
      identity,
      trust: trustIdentifier(identifier),
    })
    await node.router.context.send([inner.address, 'inbox'], utf8('b'))
    expect(await peer.event('message')).toMatchObject({ payload: '62', peer: String(identity.identifier) })
  })
})
