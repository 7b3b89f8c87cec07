/**
 * Portals of Rust nodes as `npm run capture` records them, played against our outlet and our inlet, each in the place of the Rust one: the programs at
 * the ends do what they did, the other end says what it said, and ours has to say the same bytes at the same time.
 */

import { readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { createTcpOutlet } from '../src/index.ts'
import { hexOf, RawPeer, rawOutlet } from './fixture/raw-peer.ts'
import { connectTo, cutOf, endSockets, readAll, readBytes, startServer, until } from './fixture/socket.ts'
import { inletOf, World } from './fixture/world.ts'

interface Conversation {
  readonly name: string
  readonly steps: readonly ({ readonly client: string } | { readonly target: string })[]
  readonly endedBy: 'client' | 'target' | 'nobody'
  readonly messages: readonly { readonly from: 'inlet' | 'outlet'; readonly message: string }[]
}

const file = new URL('vectors/rust/portal.json', import.meta.url)
const { cases } = JSON.parse(readFileSync(file, 'utf8')) as { readonly cases: readonly Conversation[] }
const ENDED = cases.filter(({ endedBy }) => endedBy !== 'nobody')
const [UNSERVED] = cases.filter(({ endedBy }) => endedBy === 'nobody')

/** The conversation behind Ping and Pong: what a message brings from one program to the other; undefined for the last, which is the end. */
function exchangeOf({ messages, steps }: Conversation) {
  expect(messages.slice(0, 2)).toEqual([
    { from: 'inlet', message: '00' },
    { from: 'outlet', message: '01' },
  ])
  expect(messages).toHaveLength(steps.length + 3)
  return messages.slice(2).map(({ from, message }, at) => {
    const step = steps[at]
    const content = step === undefined ? undefined : 'client' in step ? step.client : step.target
    return { from, message, content }
  })
}

let world: World
afterEach(async () => {
  endSockets()
  await world.close()
})

const write = (socket: Socket | undefined, content: string): void => void socket?.write(Buffer.from(content, 'hex'))
const read = async (socket: Socket | undefined, content: string): Promise<string> =>
  hexOf(await readBytes(socket as Socket, content.length / 2))

describe.each(ENDED)('a portal of Rust nodes: $name', (known) => {
  test('our outlet says what the Rust one said', async () => {
    world = new World()
    const server = await world.server()
    const client = await world.side()
    const served: Socket[] = []
    const to = await startServer((socket) => void served.push(socket))
    await createTcpOutlet(server.node, 'outlet', { to, allow: [client.identifier] })
    const peer = await RawPeer.open(client)
    const way = await peer.connect()
    await until(() => served.length === 1, 'the target was reached')
    const [target] = served
    for (const { from, message, content } of exchangeOf(known)) {
      if (from === 'inlet') {
        await peer.send(way, message)
        expect(content === undefined ? hexOf(await readAll(target as Socket)) : await read(target, content)).toBe(content ?? '')
      } else {
        if (content === undefined) target?.end()
        else write(target, content)
        expect((await peer.receive()).hex).toBe(message)
      }
    }
  })

  test('our inlet says what the Rust one said', async () => {
    world = new World()
    const outlet = rawOutlet(await world.server(), 'outlet')
    const inlet = await inletOf(await world.side())
    const client = await connectTo(inlet.port)
    const ping = await outlet.mailbox.receive()
    expect(hexOf(ping.payload)).toBe('00')
    await outlet.answer(ping, '01')
    for (const { from, message, content } of exchangeOf(known)) {
      if (from === 'outlet') {
        await outlet.answer(ping, message)
        expect(content === undefined ? hexOf(await readAll(client)) : await read(client, content)).toBe(content ?? '')
      } else {
        if (content === undefined) client.end()
        else write(client, content)
        expect(hexOf((await outlet.mailbox.receive()).payload)).toBe(message)
      }
    }
  })
})

describe('a portal of Rust nodes whose target nobody serves', () => {
  test('is a Ping and nothing more: our inlet says the same and cuts the client off when its time is up', async () => {
    expect(UNSERVED?.messages).toEqual([{ from: 'inlet', message: '00' }])
    world = new World()
    const outlet = rawOutlet(await world.server(), 'outlet')
    const inlet = await inletOf(await world.side(), { openTimeoutMs: 300 })
    const client = await connectTo(inlet.port)
    expect(hexOf((await outlet.mailbox.receive()).payload)).toBe('00')
    expect(await cutOf(client)).toBe('ECONNRESET')
  })
})
