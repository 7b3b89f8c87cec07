/** Ciphertexts that come late, twice, altered or never, within and beyond the 32 a receiver looks back and ahead. Both receivers judge alike. */

import { describe, expect, test } from 'vitest'
import { type ChannelEnds, rustOpens, weOpen } from './fixture/channel-ends.ts'
import type { Direction, FrameProxy } from './fixture/frame-proxy.ts'

/** One direction of a channel: numbers of one byte go in on one side and come out on the other. */
interface Pair {
  readonly proxy: FrameProxy
  readonly direction: Direction
  readonly send: (number: number) => Promise<void>
  /** Resolves with all numbers that have come before `last`, when `last` has come. */
  readonly received: (last: number) => Promise<readonly number[]>
}

/** Messages of a handshake in each direction, in front of the numbers. */
const HANDSHAKE_MESSAGES = { sent: 2, answered: 1 } as const

async function pairOf(open: () => Promise<ChannelEnds>, direction: Direction, from: 'ours' | 'rust'): Promise<Pair> {
  const ends = await open()
  const { receive } = from === 'ours' ? ends.rust : ends.ours
  return {
    proxy: ends.proxy,
    direction,
    send: (number) => ends[from].send(Uint8Array.of(number)),
    received: async (last) => {
      const numbers: number[] = []
      while (numbers.at(-1) !== last) numbers.push((await receive())[0] as number)
      return numbers
    },
  }
}

const range = (from: number, to: number): readonly number[] => Array.from({ length: to - from }, (_, index) => from + index)

describe.each([
  ['a Rust node that listens receives from us', weOpen, 'sent', 'ours'],
  ['a Rust node that opened the channel receives from us', rustOpens, 'answered', 'ours'],
  ['our listener receives from a Rust node', rustOpens, 'sent', 'rust'],
  ['ours, which opened the channel, receives from a Rust node', weOpen, 'answered', 'rust'],
] as const)('%s', (_name, open, way, from) => {
  const pair = (): Promise<Pair> => pairOf(open, way, from)

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

  test('after 32 lost messages nothing arrives any more', async () => {
    const world = await pair()
    const { proxy, direction, send, received } = world
    expect(await through(range(0, 35), [0, 1, 34], world, 1)).toEqual([0, 1])
    for (const number of range(35, 40)) await send(number)
    // Number 2, behind the handshake, is late, within the window and still good: it shows that what came before it was judged.
    const late = proxy.messages(direction)[HANDSHAKE_MESSAGES[direction] + 2] as Uint8Array
    let isInjected = false
    proxy.filter = (frame) => (isInjected || frame.direction !== direction ? [frame.bytes] : ((isInjected = true), [frame.bytes, late]))
    await send(40)
    expect(await received(2)).toEqual([2])
  })

  test('an altered message is refused and harms nothing, not even in place of one with a new key', async () => {
    const world = await pair()
    const alter = (bytes: Uint8Array): Uint8Array => bytes.map((byte, index) => (index === bytes.length - 8 ? byte ^ 1 : byte))
    const { proxy, direction, send, received } = world
    proxy.filter = (frame) => (frame.direction === direction ? [alter(frame.bytes), frame.bytes] : [frame.bytes])
    for (const number of range(0, 70)) await send(number)
    expect(await received(69)).toEqual(range(0, 70))
  })
})
