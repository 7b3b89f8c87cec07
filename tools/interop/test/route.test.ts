/** Routes: direct, over hops of the other kind, through relays of both kinds, and channels inside channels. */

import { trustEveryone, trustIdentifier } from '@ockam/node'
import { startHop, startUppercase } from '@ockam/routing'
import { describe, expect, test } from 'vitest'
import { FrameProxy } from './fixture/frame-proxy.ts'
import { hex, ours, rust, rustListener, socketOf, unhex, utf8 } from './fixture/world.ts'

const bareString = (text: string): Uint8Array => Uint8Array.of(text.length, ...utf8(text))

describe('services over plain TCP', () => {
  test('a Rust node answers us: raw echo, echo of strings, uppercase', async () => {
    const { peer, address, flow } = await rust()
    await peer.ask('worker.start', { address: 'echo', kind: 'echo', consumerOf: [flow] })
    await peer.ask('worker.start', { address: 'echoer', kind: 'string-echo', consumerOf: [flow] })
    await peer.ask('worker.start', { address: 'uppercase', kind: 'uppercase', consumerOf: [flow] })
    const node = await ours()
    const connection = await node.connect(address)
    const ask = async (worker: string, body: Uint8Array) => (await node.request([connection.address, worker], body)).payload
    expect(await ask('echo', unhex('00ff'))).toEqual(unhex('00ff'))
    expect(await ask('echo', new Uint8Array(0))).toEqual(new Uint8Array(0))
    expect(await ask('echoer', bareString('hello'))).toEqual(bareString('hello'))
    expect(await ask('uppercase', bareString('hello'))).toEqual(bareString('HELLO'))
  })

  test('we answer a Rust node: raw echo, uppercase, a session ping', async () => {
    const node = await ours()
    startUppercase(node.router)
    const { address } = await node.listen('/ip4/127.0.0.1/tcp/0')
    const { peer } = await rust()
    const { worker } = await peer.ask('tcp.connect', { to: socketOf(address) })
    const ask = async (name: string, payload: string) => (await peer.ask('message.request', { route: [worker, name], payload })).payload
    expect(await ask('echo', '00ff')).toBe('00ff')
    expect(await ask('echo', '1b0102030405060708')).toBe('1b0102030405060708')
    expect(await ask('uppercase', hex(bareString('hello')))).toBe(hex(bareString('HELLO')))
  })

  test('a Rust node lets nobody reach what is not offered to the listener', async () => {
    const { peer, address } = await rust()
    await peer.ask('worker.start', { address: 'echo', kind: 'echo' })
    const node = await ours()
    const connection = await node.connect(address)
    await expect(node.request([connection.address, 'echo'], utf8('?'), { timeoutMs: 1000 })).rejects.toMatchObject({
      code: 'routing/timeout',
    })
  })
})

describe('hops', () => {
  test('our message goes over a Rust hop to another node of ours, and back', async () => {
    const target = await ours()
    const listening = await target.listen('/ip4/127.0.0.1/tcp/0')
    const { peer, address, flow } = await rust()
    const next = await peer.ask('tcp.connect', { to: socketOf(listening.address), consumerOf: [flow] })
    await peer.ask('worker.start', { address: 'hop', kind: 'hop', consumerOf: [flow, next.flowControlId] })
    // The way back leaves through the connection the request came in by.
    const node = await ours()
    const connection = await node.connect(address)
    const inbound = await peer.event('connection-opened', (event) => event.worker !== next.worker)
    await peer.ask('flow.add_consumer', { address: inbound.worker, consumerOf: [next.flowControlId] })
    const answer = await node.request([connection.address, 'hop', next.worker, 'echo'], utf8('over a hop'))
    expect(answer.payload).toEqual(utf8('over a hop'))
  })

  test("a Rust node's message goes over our hop to another Rust node, and back", async () => {
    const target = await rust()
    await target.peer.ask('worker.start', { address: 'echo', kind: 'echo', consumerOf: [target.flow] })
    const node = await ours()
    startHop(node.router, 'hop', { from: 'anyone' })
    const onward = await node.connect(target.address, { from: 'anyone' })
    const { address } = await node.listen('/ip4/127.0.0.1/tcp/0')
    const { peer } = await rust()
    const { worker } = await peer.ask('tcp.connect', { to: socketOf(address) })
    const answer = await peer.ask('message.request', {
      route: [worker, 'hop', String(onward.address).replace(/^0#/, ''), 'echo'],
      payload: '0102',
    })
    expect(answer.payload).toBe('0102')
  })
})

describe('relays', () => {
  test.each([['db'], [undefined]])(
    'we register with a Rust relay (name %s) and a Rust node opens a channel to us through it',
    async (name) => {
      const relay = await rust()
      await relay.peer.ask('relay.serve', { consumerOf: [relay.flow] })
      const node = await ours()
      const identity = await node.createIdentity()
      await node.listenSecureChannels('api', { identity, trust: trustEveryone() })
      const handle = await node.createRelay(relay.address, name === undefined ? {} : { name })
      const place = String(handle.address).replace(/^0#/, '')
      expect(place).toMatch(name === undefined ? /^forward_to_[0-9a-f]{32}$/ : /^forward_to_db$/)

      const { peer } = await rust()
      const { identifier } = await peer.ask('identity.create')
      const { worker } = await peer.ask('tcp.connect', { to: relay.socket })
      const channel = await peer.ask('channel.create', {
        identifier,
        route: [worker, place, 'api'],
        trust: 'identifier',
        trusted: [String(identity.identifier)],
      })
      const answer = await peer.ask('message.request', { route: [channel.encryptor, 'echo'], payload: 'beef' })
      expect(answer.payload).toBe('beef')
    },
  )

  test.each([['db'], [undefined]])(
    'a Rust node registers with our relay (name %s) and we open a channel to it through it',
    async (name) => {
      const relay = await ours()
      relay.startRelayService()
      const listening = await relay.listen('/ip4/127.0.0.1/tcp/0')

      const responder = await rustListener()
      const { peer } = responder
      const { worker } = await peer.ask('tcp.connect', { to: socketOf(listening.address) })
      const registered = await peer.ask('relay.create', { route: [worker], alias: name ?? null })
      expect(registered.address).toMatch(name === undefined ? /^forward_to_[0-9a-f]{32}$/ : /^forward_to_db$/)
      await peer.ask('flow.add_consumer', { address: 'api', consumerOf: [registered.flowControlId] })

      const node = await ours()
      const identity = await node.createIdentity()
      const to = `${listening.address}/service/${registered.address}/secure/api`
      const channel = await node.openSecureChannel(to, { identity, trust: trustIdentifier(responder.identifier) })
      expect(await channel.request('echo', utf8('through our relay'))).toEqual(utf8('through our relay'))
    },
  )

  test('what a Rust relay sends to us is taken without the hop of our registration, and with it, as relays of other makes leave it in', async () => {
    const relay = await rust()
    await relay.peer.ask('relay.serve', { consumerOf: [relay.flow] })
    const proxy = await FrameProxy.to(relay.socket)
    const node = await ours()
    await node.createRelay(proxy.address, { name: 'db' })
    const { worker } = await relay.peer.event('connection-opened')
    const registration =
      proxy
        .messages('sent')
        .map(hex)
        .find((message) => message.includes(hex(bareString('db')))) ?? ''
    const own = Buffer.from(/8182005820([0-9a-f]{64})/.exec(registration)?.[1] ?? '', 'hex').toString()
    expect(own).toMatch(/^[0-9a-f]{32}$/)
    for (const route of [
      [worker, 'echo'],
      [worker, own, 'echo'],
    ])
      expect((await relay.peer.ask('message.request', { route, payload: '0708' })).payload).toBe('0708')
  })

  test('a later registration of a name replaces an earlier one at a Rust relay; at ours the first one stays', async () => {
    const relay = await rust()
    await relay.peer.ask('relay.serve', { consumerOf: [relay.flow] })
    const [first, second] = [await ours(), await ours()]
    for (const node of [first, second])
      node.startWorker('who', (message, context) => context.send(message.returnRoute, utf8(node === first ? 'first' : 'second')), {
        from: 'anyone',
      })
    await first.createRelay(relay.address, { name: 'shared' })
    await second.createRelay(relay.address, { name: 'shared' })
    const asking = await ours()
    const connection = await asking.connect(relay.address)
    expect((await asking.request([connection.address, 'forward_to_shared', 'who'], utf8('?'))).payload).toEqual(utf8('second'))

    const own = await ours()
    own.startRelayService()
    const listening = await own.listen('/ip4/127.0.0.1/tcp/0')
    await first.createRelay(listening.address, { name: 'mine' })
    const { peer } = await rust()
    const { worker } = await peer.ask('tcp.connect', { to: socketOf(listening.address) })
    const taken = peer.ask('message.request', {
      route: [worker, 'static_forwarding_service'],
      payload: hex(bareString('mine')),
      timeoutMs: 1000,
    })
    await expect(taken).rejects.toThrow('timeout')
  })
})

describe('a channel inside a channel', () => {
  test('we open one through a Rust node to the listener behind another Rust node', async () => {
    const inner = await rustListener()
    const outer = await rustListener()
    const onward = await outer.peer.ask('tcp.connect', { to: inner.socket, consumerOf: [outer.channels] })
    const node = await ours()
    const identity = await node.createIdentity()
    const first = await node.openSecureChannel(`${outer.address}/secure/api`, { identity, trust: trustIdentifier(outer.identifier) })
    const accepted = await outer.peer.event('channel-opened')
    await outer.peer.ask('flow.add_consumer', { address: accepted.encryptor, consumerOf: [onward.flowControlId] })
    const second = await node.openSecureChannel([first.address, onward.worker, 'api'], {
      identity,
      trust: trustIdentifier(inner.identifier),
    })
    expect(String(second.peer.identifier)).toBe(inner.identifier)
    expect(await second.request('echo', utf8('twice sealed'))).toEqual(utf8('twice sealed'))
  })

  test('with both channels to the same Rust listener, and both to ours', async () => {
    const responder = await rustListener()
    const node = await ours()
    const identity = await node.createIdentity()
    await node.listenSecureChannels('api', { identity, trust: trustEveryone() })
    await responder.peer.ask('flow.add_consumer', { address: 'api', consumerOf: [responder.channels] })
    const trust = trustIdentifier(responder.identifier)
    const nested = await node.openSecureChannel(`${responder.address}/secure/api/secure/api`, {
      identity,
      trust,
      hops: [{ identity, trust }],
    })
    expect(await nested.request('echo', utf8('nested'))).toEqual(utf8('nested'))

    const { address } = await node.listen('/ip4/127.0.0.1/tcp/0')
    const { peer } = responder
    const { worker } = await peer.ask('tcp.connect', { to: socketOf(address) })
    const outer = await peer.ask('channel.create', { identifier: responder.identifier, route: [worker, 'api'] })
    const inner = await peer.ask('channel.create', { identifier: responder.identifier, route: [outer.encryptor, 'api'] })
    expect((await peer.ask('message.request', { route: [inner.encryptor, 'echo'], payload: 'aa' })).payload).toBe('aa')
  })
})

describe('equal parties', () => {
  test('a Rust node opens a channel to itself through us, with the same identity and static key at both ends', async () => {
    const node = await ours()
    node.startRelayService()
    const listening = await node.listen('/ip4/127.0.0.1/tcp/0')
    const responder = await rustListener()
    const { peer, identifier } = responder
    const { worker } = await peer.ask('tcp.connect', { to: socketOf(listening.address) })
    const registered = await peer.ask('relay.create', { route: [worker], alias: 'self' })
    await peer.ask('flow.add_consumer', { address: 'api', consumerOf: [registered.flowControlId] })
    const again = await peer.ask('tcp.connect', { to: socketOf(listening.address) })
    const channel = await peer.ask('channel.create', {
      identifier,
      route: [again.worker, 'forward_to_self', 'api'],
      trust: 'identifier',
      trusted: [identifier],
    })
    expect((await peer.ask('message.request', { route: [channel.encryptor, 'echo'], payload: '77' })).payload).toBe('77')
  })
})
