/** The frames of a channel as they stand on the wire, of either initiator: routes, return routes, tracing, and the counter in front of a ciphertext. */

import { trustEveryone, trustIdentifier } from '@ockam/node'
import { describe, expect, test } from 'vitest'
import { FrameProxy } from './fixture/frame-proxy.ts'
import { hex, ours, rust, rustListener, socketOf, utf8 } from './fixture/world.ts'

const RANDOM = '82005820((?:3[0-9]|6[1-6]){32})'
/** The end of the last frame: it alone has a return route; 8 bytes of number, 5 of message, 16 of tag. */
const CLOSE = '8182005820[0-9a-f]{64}581d0{15}1[0-9a-f]{42}'
const LISTENER = '820043617069'

/** The frames of a channel to `api` that carried one request and its answer; `tail` is what the initiator and the responder write for tracing. */
function expectChannel(proxy: FrameProxy, tail: { readonly sent: string; readonly answered: string }): void {
  const [sent, answered] = [proxy.messages('sent').map(hex), proxy.messages('answered').map(hex)]
  const first = new RegExp(`^8481${LISTENER}81${RANDOM}5820[0-9a-f]{64}${tail.sent}$`).exec(sent[0] ?? '')
  expect(first, `message 1: ${sent[0]}`).not.toBeNull()
  const second = new RegExp(`^8481${RANDOM}81${RANDOM}59[0-9a-f]+${tail.answered}$`).exec(answered[0] ?? '')
  expect(second, `message 2: ${answered[0]}`).not.toBeNull()
  // Message 2 goes where message 1 came from, and everything after it where message 2 came from.
  expect(second?.[1]).toBe(first?.[1])
  expect(sent[1]).toMatch(new RegExp(`^848182005820${second?.[2]}8182005820${first?.[1]}59[0-9a-f]+${tail.sent}$`))
  // Ciphertexts have no return route. The first has number 0, without padding of eight bytes.
  expect(sent[2]).toMatch(new RegExp(`^848182005820${second?.[2]}8058[0-9a-f]{2}0{16}[0-9a-f]+${tail.sent}$`))
  expect(answered.at(-1)).toMatch(new RegExp(`^848182005820${first?.[1]}8058[0-9a-f]{2}0{16}[0-9a-f]+${tail.answered}$`))
}

describe('a channel', () => {
  test('that we open: we write null for tracing, a Rust node an empty object', async () => {
    const responder = await rustListener()
    const proxy = await FrameProxy.to(responder.socket)
    const node = await ours()
    const identity = await node.createIdentity()
    const channel = await node.openSecureChannel(`${proxy.address}/secure/api`, { identity, trust: trustIdentifier(responder.identifier) })
    await channel.request('echo', utf8('x'))
    expectChannel(proxy, { sent: 'f6', answered: '627b7d' })
    expect(proxy.messages('sent')).toHaveLength(3)
    await channel.close()
    await expect.poll(() => proxy.messages('sent').map(hex)[3]).toMatch(new RegExp(`${CLOSE}f6$`))
  })

  test('that a Rust node opens', async () => {
    const node = await ours()
    const identity = await node.createIdentity()
    await node.listenSecureChannels('api', { identity, trust: trustEveryone() })
    const { address } = await node.listen('/ip4/127.0.0.1/tcp/0')
    const proxy = await FrameProxy.to(socketOf(address))
    const { peer } = await rust()
    const { identifier } = await peer.ask('identity.create')
    const { worker } = await peer.ask('tcp.connect', { to: proxy.socket })
    const { encryptor } = await peer.ask('channel.create', { identifier, route: [worker, 'api'] })
    await peer.ask('message.request', { route: [encryptor, 'echo'], payload: '78' })
    expectChannel(proxy, { sent: '627b7d', answered: 'f6' })
    await peer.ask('channel.close', { encryptor })
    await expect.poll(() => proxy.messages('sent').map(hex)[3]).toMatch(new RegExp(`${CLOSE}627b7d$`))
  })
})

describe('ciphertexts, which have no return route,', () => {
  test('go through a relay of a Rust node from elsewhere, and from its own node', async () => {
    const relay = await rust()
    const { peer } = relay
    await peer.ask('relay.serve', { consumerOf: [relay.flow] })
    const node = await ours()
    const identity = await node.createIdentity()
    await node.listenSecureChannels('api', { identity, trust: trustEveryone() })
    await node.createRelay(relay.address, { name: 'far' })
    const { identifier } = await peer.ask('identity.create')
    const { worker } = await peer.ask('tcp.connect', { to: relay.socket })
    for (const route of [
      ['forward_to_far', 'api'],
      [worker, 'forward_to_far', 'api'],
    ]) {
      const { encryptor } = await peer.ask('channel.create', { identifier, route })
      expect((await peer.ask('message.request', { route: [encryptor, 'echo'], payload: '00' })).payload).toBe('00')
    }
  })

  test('go through a relay of ours from its own node, which connects to its own listener for that', async () => {
    const responder = await rustListener()
    const { peer, identifier } = responder
    const node = await ours()
    node.startRelayService()
    const { address } = await node.listen('/ip4/127.0.0.1/tcp/0')
    const { worker } = await peer.ask('tcp.connect', { to: socketOf(address) })
    const registered = await peer.ask('relay.create', { route: [worker], alias: 'near' })
    await peer.ask('flow.add_consumer', { address: 'api', consumerOf: [registered.flowControlId] })
    const identity = await node.createIdentity()
    const to = `${address}/service/forward_to_near/secure/api`
    const channel = await node.openSecureChannel(to, { identity, trust: trustIdentifier(identifier) })
    expect(await channel.request('echo', utf8('near'))).toEqual(utf8('near'))
  })
})
