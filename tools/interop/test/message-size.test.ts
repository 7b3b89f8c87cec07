/** Messages of every size through a channel, from none to the longest that a frame holds, and one byte more. */

import type { Diagnostics } from '@ockam/core'
import { trustEveryone, trustIdentifier } from '@ockam/node'
import { describe, expect, test } from 'vitest'
import { rustOpens, weOpen } from './fixture/channel-ends.ts'
import { hex, ours, rust, rustListener, socketOf } from './fixture/world.ts'

/** Borders of CBOR and BARE heads, of datagrams, and of rooms for data. */
const SIZES = [0, 1, 7, 8, 23, 24, 255, 256, 493, 508, 4096, 65_507, 65_535, 65_536, 262_144, 1_048_577, 8_388_608]

const MAX_FRAME_BYTES = 16 * 1024 * 1024

/** Bytes that depend on their place and on the size, so that nothing is exchanged or misplaced unseen. */
function patterned(size: number): Uint8Array {
  const bytes = new Uint8Array(size)
  for (let at = 0; at < size; at++) bytes[at] = at * 7 + (at >> 8) * 13 + (at >> 16) * 31 + size
  return bytes
}

/** Diffs of megabytes help nobody. */
const isSame = (one: Uint8Array, other: Uint8Array): boolean => Buffer.compare(one, other) === 0

describe('messages of every size', { timeout: 120_000 }, () => {
  test('come back whole from a Rust echo through a channel', async () => {
    const { address, identifier } = await rustListener()
    const node = await ours()
    const identity = await node.createIdentity()
    const channel = await node.openSecureChannel(`${address}/secure/api`, { identity, trust: trustIdentifier(identifier) })
    for (const size of SIZES) {
      const body = patterned(size)
      expect(isSame(await channel.request('echo', body, { timeoutMs: 60_000 }), body), `${size} bytes`).toBe(true)
    }
  })

  test('come back whole from our echo to a Rust node', async () => {
    const node = await ours()
    const identity = await node.createIdentity()
    await node.listenSecureChannels('api', { identity, trust: trustEveryone() })
    const { address } = await node.listen('/ip4/127.0.0.1/tcp/0')
    const { peer } = await rust()
    const { identifier } = await peer.ask('identity.create')
    const { worker } = await peer.ask('tcp.connect', { to: socketOf(address) })
    const { encryptor } = await peer.ask('channel.create', { identifier, route: [worker, 'api'] })
    for (const size of SIZES) {
      const payload = hex(patterned(size))
      const answer = await peer.ask('message.request', { route: [encryptor, 'echo'], payload, timeoutMs: 60_000 })
      expect(answer.payload === payload, `${size} bytes`).toBe(true)
    }
  })
})

describe.each([
  ['we opened', weOpen],
  ['a Rust node opened', rustOpens],
] as const)('through a channel that %s', (_name, open) => {
  test.each([
    ['from us to a Rust node', 'ours', 'rust'],
    ['from a Rust node to us', 'rust', 'ours'],
  ] as const)('the longest message goes %s, and with one byte more nothing goes out', { timeout: 180_000 }, async (_way, from, to) => {
    const dropped: unknown[] = []
    const diagnostics: Diagnostics = {
      event: (name, details) => void (name === 'transport/message-dropped' && dropped.push(details?.['reason'])),
    }
    const ends = await open({ diagnostics })
    const { proxy, peer } = ends
    const exchange = async (size: number): Promise<void> => {
      const payload = patterned(size)
      await ends[from].send(payload)
      expect(isSame(await ends[to].receive(), payload), `${size} bytes`).toBe(true)
    }
    // What routes, heads, nonce and tag take is the same for every length whose head has five bytes.
    await exchange(65_536)
    const longest = MAX_FRAME_BYTES - ((proxy.frames.at(-1)?.bytes.length ?? 0) - 65_536)
    await exchange(longest)
    expect(proxy.frames.at(-1)?.bytes.length).toBe(MAX_FRAME_BYTES)

    const frames = proxy.frames.length
    await ends[from].send(patterned(longest + 1))
    if (from === 'rust') await peer.event('connection-closed')
    else {
      // We leave it out and go on; a Rust node closes its connection.
      await expect.poll(() => dropped).toEqual(['message-too-large'])
      await exchange(1)
    }
    expect(proxy.frames).toHaveLength(frames + (from === 'rust' ? 0 : 1))
  })
})
