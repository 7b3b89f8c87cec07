/** How channels end, how they go on over another connection, and how they are opened again. */

import { trustEveryone, trustIdentifier } from '@ockam/node'
import type { SecureChannel } from '@ockam/secure-channel'
import { describe, expect, test } from 'vitest'
import { FrameProxy } from './fixture/frame-proxy.ts'
import { ours, rust, rustListener, socketOf, utf8 } from './fixture/world.ts'

async function weOpened() {
  const responder = await rustListener()
  const node = await ours()
  const identity = await node.createIdentity()
  const open = (address = responder.address) =>
    node.openSecureChannel(`${address}/secure/api`, { identity, trust: trustIdentifier(responder.identifier) })
  return { ...responder, node, identity, open }
}

/** A Rust node with a channel to our listener, and our end of it. */
async function rustOpened() {
  const node = await ours()
  const identity = await node.createIdentity()
  const accepted: SecureChannel[] = []
  let onAccepted: () => void = () => undefined
  const isAccepted = new Promise<void>((resolve) => (onAccepted = resolve))
  const onChannel = (channel: SecureChannel): void => {
    accepted.push(channel)
    onAccepted()
  }
  await node.listenSecureChannels('api', { identity, trust: trustEveryone(), onChannel })
  const { address } = await node.listen('/ip4/127.0.0.1/tcp/0')
  const { peer } = await rust()
  const { identifier } = await peer.ask('identity.create')
  const { worker } = await peer.ask('tcp.connect', { to: socketOf(address) })
  const opened = await peer.ask('channel.create', { identifier, route: [worker, 'api'] })
  await isAccepted
  return { node, identity, address, peer, identifier, worker, opened, channel: accepted[0] as SecureChannel }
}

describe('a channel that we opened', () => {
  test('and close ends at the Rust node', async () => {
    const { peer, open } = await weOpened()
    const channel = await open()
    const { encryptor } = await peer.event('channel-opened')
    await channel.close()
    expect((await peer.event('channel-closed')).encryptor).toBe(encryptor)
  })

  test('and the Rust node closes ends here, with its word for it', async () => {
    const { peer, open } = await weOpened()
    const channel = await open()
    const { encryptor } = await peer.event('channel-opened')
    await peer.ask('channel.close', { encryptor })
    expect(await channel.closed).toEqual({ reason: 'peer' })
  })

  test('is opened again by us after its connection was cut', async () => {
    const { peer, socket, open } = await weOpened()
    const proxy = await FrameProxy.to(socket)
    const first = await open(proxy.address)
    await first.request('echo', utf8('1'))
    proxy.close()
    const second = await open()
    expect(await second.request('echo', utf8('2'))).toEqual(utf8('2'))
    await first.close()
    await peer.event('connection-closed')
  })

  test('is opened again after the Rust node closed it', async () => {
    const { peer, open } = await weOpened()
    const first = await open()
    const { encryptor } = await peer.event('channel-opened')
    await peer.ask('channel.close', { encryptor })
    await first.closed
    expect(await (await open()).request('echo', utf8('2'))).toEqual(utf8('2'))
  })

  test('goes on over another connection, to which the Rust node follows', async () => {
    const { socket, address, open } = await weOpened()
    const proxy = await FrameProxy.to(socket)
    const channel = await open(proxy.address)
    await channel.request('echo', utf8('first way'))
    await channel.moveTo(address)
    proxy.close()
    for (let i = 0; i < 70; i++) expect(await channel.request('echo', utf8(`second way ${i}`))).toEqual(utf8(`second way ${i}`))
  })
})

describe('a channel that a Rust node opened', () => {
  test('and closes ends here, with its word for it', async () => {
    const { peer, opened, channel } = await rustOpened()
    await peer.ask('channel.close', { encryptor: opened.encryptor })
    expect(await channel.closed).toEqual({ reason: 'peer' })
  })

  test('and we close ends at the Rust node', async () => {
    const { peer, opened, channel } = await rustOpened()
    await peer.event('channel-opened')
    await channel.close()
    expect((await peer.event('channel-closed')).encryptor).toBe(opened.encryptor)
    expect(await channel.closed).toEqual({ reason: 'local' })
  })

  test('goes on over another connection, to which we follow', async () => {
    const { peer, address, worker, opened } = await rustOpened()
    const { encryptor, decryptor } = await peer.event('channel-opened', (event) => event.encryptor === opened.encryptor)
    const next = await peer.ask('tcp.connect', { to: socketOf(address) })
    await peer.ask('flow.add_consumer', { address: decryptor, consumerOf: [next.flowControlId] })
    await peer.ask('channel.move', { encryptor, route: [next.worker] })
    await peer.ask('tcp.disconnect', { worker })
    // We follow with the second message along the new way: what answers the first may still go the old one.
    for (let i = 0; i < 2; i++) await peer.ask('message.send', { route: [encryptor, 'echo'], payload: '00' })
    for (let i = 0; i < 70; i++) {
      const payload = i.toString(16).padStart(2, '0')
      const answer = await peer.ask('message.request', { route: [encryptor, 'echo'], payload })
      expect(answer.payload).toBe(payload)
    }
  })

  test('is opened again by the Rust node after its connection was cut', async () => {
    const { peer, address, identifier } = await rustOpened()
    const proxy = await FrameProxy.to(socketOf(address))
    const { worker } = await peer.ask('tcp.connect', { to: proxy.socket })
    const first = await peer.ask('channel.create', { identifier, route: [worker, 'api'] })
    expect((await peer.ask('message.request', { route: [first.encryptor, 'echo'], payload: '01' })).payload).toBe('01')
    const cut = peer.event('connection-closed')
    proxy.close()
    await cut
    const next = await peer.ask('tcp.connect', { to: socketOf(address) })
    const second = await peer.ask('channel.create', { identifier, route: [next.worker, 'api'] })
    expect((await peer.ask('message.request', { route: [second.encryptor, 'echo'], payload: '02' })).payload).toBe('02')
  })

  test('is opened again after we closed it', async () => {
    const { peer, worker, identifier, channel } = await rustOpened()
    await channel.close()
    const again = await peer.ask('channel.create', { identifier, route: [worker, 'api'] })
    expect((await peer.ask('message.request', { route: [again.encryptor, 'echo'], payload: '02' })).payload).toBe('02')
  })
})
