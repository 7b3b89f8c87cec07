/** TCP frames as a Rust node sends and takes them, byte by byte, and the same frames given to ours. */

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { framed } from './fixture/frame-proxy.ts'
import { hex, ours, rust, socketOf, unhex } from './fixture/world.ts'

/** A client that writes bytes and reads frames. */
class RawClient {
  readonly #socket: Socket
  readonly closed: Promise<unknown>
  #bytes = Buffer.alloc(0)

  private constructor(socket: Socket) {
    this.#socket = socket
    this.closed = once(socket, 'close')
    socket.on('error', () => undefined)
    socket.on('data', (chunk: Buffer) => (this.#bytes = Buffer.concat([this.#bytes, chunk])))
  }

  static async to(target: string): Promise<RawClient> {
    const [host, port] = target.split(':')
    const socket = connect(Number(port), host)
    clients.push(socket)
    const client = new RawClient(socket)
    await once(socket, 'connect')
    return client
  }

  write(bytes: Uint8Array): void {
    this.#socket.write(bytes)
  }

  send(message: string): void {
    this.write(framed(unhex(message.replaceAll(' ', ''))))
  }

  async #read(length: number): Promise<Uint8Array> {
    while (this.#bytes.length < length)
      await Promise.race([once(this.#socket, 'data'), this.closed.then(() => Promise.reject(new Error('closed')))])
    const bytes = this.#bytes.subarray(0, length)
    this.#bytes = this.#bytes.subarray(length)
    return Uint8Array.from(bytes)
  }

  async version(): Promise<number> {
    return (await this.#read(1))[0] as number
  }

  async frame(): Promise<string> {
    const header = await this.#read(4)
    return hex(await this.#read(new DataView(header.buffer).getUint32(0)))
  }
}

const clients: Socket[] = []
afterEach(() => {
  for (const socket of clients.splice(0)) socket.destroy()
})

async function rustEcho(): Promise<string> {
  const { peer, socket, flow } = await rust()
  await peer.ask('worker.start', { address: 'echo', kind: 'echo', consumerOf: [flow] })
  return socket
}

async function ourEcho(): Promise<string> {
  const node = await ours()
  return socketOf((await node.listen('/ip4/127.0.0.1/tcp/0')).address)
}

/** To `echo`, return `client`, body `0568656c6c6f`, in forms that both take. */
const ACCEPTED: readonly [string, string][] = [
  ['three elements', '83 81 8200446563686f 81 820046636c69656e74 46 0568656c6c6f'],
  ['a null tracing field', '84 81 8200446563686f 81 820046636c69656e74 46 0568656c6c6f f6'],
  ['an empty tracing object', '84 81 8200446563686f 81 820046636c69656e74 46 0568656c6c6f 627b7d'],
  [
    'a trace',
    `84 81 8200446563686f 81 820046636c69656e74 46 0568656c6c6f 78 48 ${hex(new TextEncoder().encode(`{"traceparent":"00-${'a'.repeat(32)}-${'b'.repeat(16)}-01"}`))}`,
  ],
  ['tracing that is no JSON', '84 81 8200446563686f 81 820046636c69656e74 46 0568656c6c6f 63787878'],
  ['a fifth element', '85 81 8200446563686f 81 820046636c69656e74 46 0568656c6c6f f6 18ff'],
  ['an unknown element inside an address', '83 81 8300446563686f01 81 820046636c69656e74 46 0568656c6c6f'],
  ['indefinite arrays', '9f 9f 8200446563686f ff 9f 820046636c69656e74 ff 46 0568656c6c6f ff'],
  ['a byte behind it', '83 81 8200446563686f 81 820046636c69656e74 46 0568656c6c6f 00'],
  ['long forms of lengths', '83 9801 82 1800 58046563686f 81 820046636c69656e74 5806 0568656c6c6f'],
]

const REJECTED: readonly [string, string][] = [
  ['a map', 'a3 00 81 8200446563686f 01 81 820046636c69656e74 02 46 0568656c6c6f'],
  ['a missing payload', '82 81 8200446563686f 81 820046636c69656e74'],
  ['an address of text', '83 81 8200646563686f 81 820046636c69656e74 46 0568656c6c6f'],
  ['a payload of integers', '83 81 8200446563686f 81 820046636c69656e74 86 05 1868 1865 186c 186c 186f'],
  ['an indefinite payload', '83 81 8200446563686f 81 820046636c69656e74 5f 46 0568656c6c6f ff'],
  ['a transport type of 256', '83 81 82190100446563686f 81 820046636c69656e74 46 0568656c6c6f'],
  ['a null route', '83 f6 81 820046636c69656e74 46 0568656c6c6f'],
  ['a tag', 'c1 83 81 8200446563686f 81 820046636c69656e74 46 0568656c6c6f'],
  ['tracing that is a number', '84 81 8200446563686f 81 820046636c69656e74 46 0568656c6c6f 01'],
  ['nothing', ''],
]

const SIDES = [
  ['a Rust node', rustEcho],
  ['our node', ourEcho],
] as const

describe.each(SIDES)('%s', (name, start) => {
  test.each(ACCEPTED)('answers a frame with %s', async (_form, message) => {
    const client = await RawClient.to(await start())
    client.write(Uint8Array.of(1))
    expect(await client.version()).toBe(1)
    client.send(message)
    // To `client`, return `echo`; a Rust node adds its tracing, we add null.
    expect(await client.frame()).toBe(`8481820046636c69656e74818200446563686f460568656c6c6f${name === 'our node' ? 'f6' : '627b7d'}`)
  })

  test.each(REJECTED)('closes the connection at a frame with %s', async (_form, message) => {
    const client = await RawClient.to(await start())
    client.write(Uint8Array.of(1))
    client.send(message)
    await client.closed
  })

  test('writes its version at once and closes when the other is not 1', async () => {
    const client = await RawClient.to(await start())
    expect(await client.version()).toBe(1)
    client.write(Uint8Array.of(2))
    await client.closed
  })

  test('closes the connection at a frame of more than 16 MiB before it has come', async () => {
    const client = await RawClient.to(await start())
    client.write(Uint8Array.of(1))
    client.write(unhex('01000001'))
    await client.closed
  })

  test('ignores a frame without an onward route', async () => {
    const client = await RawClient.to(await start())
    client.write(Uint8Array.of(1))
    expect(await client.version()).toBe(1)
    client.send('83 80 80 40')
    client.send(ACCEPTED[0]?.[1] ?? '')
    expect(await client.frame()).toContain('0568656c6c6f')
  })

  test('says nothing about messages to nobody, and stays', async () => {
    const client = await RawClient.to(await start())
    client.write(Uint8Array.of(1))
    expect(await client.version()).toBe(1)
    client.send('83 81 8200466e6f626f6479 81 820046636c69656e74 40')
    client.send(ACCEPTED[0]?.[1] ?? '')
    expect(await client.frame()).toContain('0568656c6c6f')
  })
})
