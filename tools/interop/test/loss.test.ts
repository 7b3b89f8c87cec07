/** Ciphertexts that come late, twice, altered or never, within and beyond the 32 a receiver looks back and ahead. Both receivers judge alike. */

import { type OckamNode, trustEveryone, trustIdentifier } from '@ockam/node'
import { describe, expect, test } from 'vitest'
import { type Direction, FrameProxy } from './fixture/frame-proxy.ts'
import type { RustPeer } from './fixture/rust-peer.ts'
import { ours, rust, rustListener, socketOf } from './fixture/world.ts'

/** A pair with a channel through a proxy; `deliver` sends `count` numbered messages from one side and says which reached the other. */
interface Pair {
  readonly proxy: FrameProxy
  /** The direction of the messages that are counted. */
  readonly direction: Direction
  readonly send: (number: number) => Promise<void>
  /** Resolves with all numbers that have come before `last`, when `last` has come. */
  readonly received: (last: number) => Promise<readonly number[]>
}

async function weToRust(): Promise<Pair> {
  const responder = await rustListener()
  const { peer, channels, identifier } = responder
  await peer.ask('worker.start', { address: 'inbox', kind: 'inbox', consumerOf: [channels] })
  const proxy = await FrameProxy.to(responder.socket)
  const node = await ours()
  const identity = await node.createIdentity()
  const channel = await node.openSecureChannel(`${proxy.address}/secure/api`, { identity, trust: trustIdentifier(identifier) })
  await peer.event('channel-opened')
  return {
    proxy,
    direction: 'sent',
    send: async (number) => channel.send('inbox', Uint8Array.of(number)),
    received: (last) => inboxUpTo(peer, last),
  }
}

async function rustToUs(): Promise<Pair> {
  const node = await ours()
  const identity = await node.createIdentity()
  let onAccepted: () => void = () => undefined
  const accepted = new Promise<void>((resolve) => (onAccepted = resolve))
  await node.listenSecureChannels('api', { identity, trust: trustEveryone(), onChannel: onAccepted })
  const listening = await node.listen('/ip4/127.0.0.1/tcp/0')
  const proxy = await FrameProxy.to(socketOf(listening.address))
  const { peer } = await rust()
  const { identifier } = await peer.ask('identity.create')
  const { worker } = await peer.ask('tcp.connect', { to: proxy.socket })
  const { encryptor } = await peer.ask('channel.create', { identifier, route: [worker, 'api'] })
  await accepted
  return {
    proxy,
    direction: 'sent',
    send: async (number) => {
      await peer.ask('message.send', { route: [encryptor, 'inbox'], payload: number.toString(16).padStart(2, '0') })
    },
    received: collector(node),
  }
}

async function inboxUpTo(peer: RustPeer, last: number): Promise<readonly number[]> {
  const numbers: number[] = []
  while (numbers.at(-1) !== last) numbers.push(Number.parseInt((await peer.event('message')).payload, 16))
  return numbers
}

function collector(node: OckamNode): (last: number) => Promise<readonly number[]> {
  const mailbox = node.router.createMailbox('inbox', { from: 'anyone' })
  return async (last) => {
    const numbers: number[] = []
    while (numbers.at(-1) !== last) numbers.push((await mailbox.receive()).payload[0] as number)
    return numbers
  }
}

const range = (from: number, to: number): readonly number[] => Array.from({ length: to - from }, (_, index) => from + index)

describe.each([
  ['a Rust node receives from us', weToRust],
  ['we receive from a Rust node', rustToUs],
])('%s', (_name, pair) => {
  /** Sends the numbers of `all`; `order` says in which order the proxy passes them on, by their place. */
  async function through(all: readonly number[], order: readonly number[], { proxy, direction, send, received }: Pair, last: number) {
    const held: Uint8Array[] = []
    let done: () => void = () => undefined
    const complete = new Promise<void>((resolve) => (done = resolve))
    proxy.filter = (frame) => {
      if (frame.direction !== direction) return [frame.bytes]
      held.push(frame.bytes)
      if (held.length < all.length) return []
      done()
      return order.flatMap((place) => held[place] ?? [])
    }
    for (const number of all) await send(number)
    await complete
    proxy.filter = ({ bytes }) => [bytes]
    return received(last)
  }

  test('messages in any order within the window, each once', async () => {
    const world = await pair()
    const order = [...range(0, 33)].reverse()
    // Number 32 first: 0 is 32 behind it, as far as a receiver looks back.
    expect(await through(range(0, 33), order, world, 0)).toEqual(order)
  })

  test('what comes twice counts once', async () => {
    const world = await pair()
    expect(await through(range(0, 6), [0, 1, 1, 0, 2, 4, 3, 4, 3, 2, 5], world, 5)).toEqual([0, 1, 2, 4, 3, 5])
  })

  test('a message more than 32 behind the highest is refused, the next is not', async () => {
    const world = await pair()
    const order = [...range(1, 34), 0, 34]
    expect(await through(range(0, 35), order, world, 34)).toEqual([...range(1, 34), 34])
  })

  test('after 31 lost messages the channel goes on, also across a new key', async () => {
    const world = await pair()
    expect(await through(range(0, 64), [0, 32, 63], world, 63)).toEqual([0, 32, 63])
  })

  test('after 33 lost messages nothing arrives any more', async () => {
    const world = await pair()
    const { proxy, send, received } = world
    expect(await through(range(0, 36), [0, 1, 35], world, 1)).toEqual([0, 1])
    for (const number of range(36, 40)) await send(number)
    // Number 2, behind the two messages of the handshake, is late, within the window and still good: it shows that what came before it was judged.
    const late = proxy.messages('sent')[2 + 2] as Uint8Array
    let isInjected = false
    proxy.filter = ({ bytes }) => (isInjected ? [bytes] : ((isInjected = true), [bytes, late]))
    await send(40)
    expect(await received(2)).toEqual([2])
  })

  test('an altered message is refused and harms nothing, not even in place of one with a new key', async () => {
    const world = await pair()
    const alter = (bytes: Uint8Array): Uint8Array => bytes.map((byte, index) => (index === bytes.length - 8 ? byte ^ 1 : byte))
    const { proxy, send, received } = world
    proxy.filter = ({ bytes, direction }) => (direction === 'sent' ? [alter(bytes), bytes] : [bytes])
    for (const number of range(0, 70)) await send(number)
    expect(await received(69)).toEqual(range(0, 70))
  })
})
