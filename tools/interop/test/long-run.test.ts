/** Many messages over one channel, through hundreds of new keys. */

import { type NodeChannel, type OckamNode, trustEveryone, trustIdentifier } from '@ockam/node'
import { describe, expect, test } from 'vitest'
import type { RustPeer } from './fixture/rust-peer.ts'
import { ours, rust, rustListener, socketOf } from './fixture/world.ts'

const COUNT = 10_000
const SIZE = 200

/** As the Rust peer numbers its messages: eight bytes of number, then bytes that depend on it. */
function numbered(number: number, size: number): Uint8Array {
  const payload = new Uint8Array(Math.max(size, 8)).fill(number % 251)
  new DataView(payload.buffer).setBigUint64(0, BigInt(number))
  return payload
}

/** A worker of ours that counts numbered messages; `done` says how many were out of order or altered, when all have come. */
function sink(node: OckamNode, count: number): Promise<number> {
  let [next, wrong] = [0, 0]
  return new Promise((resolve) => {
    const take = (payload: Uint8Array): void => {
      if (Buffer.compare(payload, numbered(next, payload.length)) !== 0) wrong += 1
      next += 1
      if (next === count) resolve(wrong)
    }
    node.startWorker('our-sink', (message) => take(message.payload), { from: 'anyone' })
  })
}

async function send(channel: NodeChannel, to: string, count: number): Promise<void> {
  for (let number = 0; number < count; number++) await channel.send(to, numbered(number, SIZE))
}

/** Both directions at once, which is 312 new keys each. */
async function bothWays(own: Promise<number>, toRust: Promise<void>, peer: RustPeer, encryptor: string): Promise<void> {
  const full = peer.event('sink-full')
  await Promise.all([toRust, peer.ask('measure.flood', { route: [encryptor, 'our-sink'], count: COUNT, size: SIZE })])
  expect(await full).toMatchObject({ messages: COUNT, bytes: COUNT * SIZE, wrong: 0 })
  expect(await own).toBe(0)
}

describe('10 000 messages each way at once', { timeout: 120_000 }, () => {
  test('arrive once, in order, unaltered over a channel that we opened', async () => {
    const { peer, address, identifier, channels } = await rustListener()
    await peer.ask('worker.start', { address: 'sink', kind: 'sink', expected: COUNT, consumerOf: [channels] })
    const node = await ours()
    const identity = await node.createIdentity()
    const channel = await node.openSecureChannel(`${address}/secure/api`, { identity, trust: trustIdentifier(identifier) })
    const { encryptor } = await peer.event('channel-opened')
    await bothWays(sink(node, COUNT), send(channel, 'sink', COUNT), peer, encryptor)
    expect(channel.channel.statistics()).toMatchObject({ sent: COUNT, received: COUNT, dropped: 0 })
  })

  test('arrive once, in order, unaltered over a channel that a Rust node opened', async () => {
    const node = await ours()
    const identity = await node.createIdentity()
    await node.listenSecureChannels('api', { identity, trust: trustEveryone() })
    const { address } = await node.listen('/ip4/127.0.0.1/tcp/0')
    const { peer } = await rust()
    const { identifier } = await peer.ask('identity.create')
    const { worker } = await peer.ask('tcp.connect', { to: socketOf(address) })
    const { encryptor, flowControlId } = await peer.ask('channel.create', { identifier, route: [worker, 'api'] })
    await peer.ask('worker.start', { address: 'sink', kind: 'sink', expected: COUNT, consumerOf: [flowControlId] })
    const toRust = async (): Promise<void> => {
      await peer.ask('message.request', { route: [encryptor, 'echo'], payload: '00' })
      const [channel] = node.channels.channels()
      if (channel === undefined) throw new Error('There is no channel.')
      for (let number = 0; number < COUNT; number++) await node.send([channel.address, 'sink'], numbered(number, SIZE))
    }
    await bothWays(sink(node, COUNT), toRust(), peer, encryptor)
  })
})
