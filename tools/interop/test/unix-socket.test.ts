/** Unix sockets of Rust nodes, for which we have no transport: the frames that such a node reads, written by a raw socket. */

import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { hex, rust, unhex, utf8 } from './fixture/world.ts'

let folder = ''
const sockets: Socket[] = []
const servers: Server[] = []
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ockam-uds-'))
})
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  for (const server of servers.splice(0)) server.close()
  await rm(folder, { recursive: true })
})

/** What comes over a raw socket. */
class Collected {
  received = ''
  isOver = false
  constructor(socket: Socket) {
    sockets.push(socket)
    socket.on('error', () => undefined).on('close', () => (this.isOver = true))
    socket.on('data', (chunk: Buffer) => (this.received += chunk.toString('hex')))
  }
}

async function dialUnix(path: string): Promise<{ readonly socket: Socket; readonly collected: Collected }> {
  const socket = connect(path)
  const collected = new Collected(socket)
  await once(socket, 'connect')
  return { socket, collected }
}

const byte = (value: number): string => value.toString(16).padStart(2, '0')
const bare = (text: string): string => byte(text.length) + hex(utf8(text))
/** BARE: how many addresses, each with its type, 0 for local ones. */
const route = (...names: readonly string[]): string => byte(names.length) + names.map((name) => `00${bare(name)}`).join('')

/** Two bytes of length, then BARE: version 1, both routes, the payload, and `00` for no tracing, or `01` and text. */
function frame(onward: string, payload: string, tracing = '00'): Uint8Array {
  const message = `01${route(onward)}${route('client')}${byte(payload.length / 2)}${payload}${tracing}`
  return unhex((message.length / 2).toString(16).padStart(4, '0') + message)
}

describe('a frame over a Unix socket', () => {
  test('is read by a Rust node with and without text for tracing, and answers go to the path of its own socket', async () => {
    const path = join(folder, 'node')
    const { peer } = await rust()
    await peer.ask('worker.start', { address: 'inbox', kind: 'inbox' })
    await peer.ask('uds.listen', { path })
    const { socket } = await dialUnix(path)
    socket.write(frame('inbox', '0708'))
    socket.write(frame('inbox', '0a', `01${bare('{}')}`))
    for (const payload of ['0708', '0a'])
      expect(await peer.event('message')).toMatchObject({ payload, onward: ['inbox'], return: [`5#${path}`, 'client'] })
  })

  test('is ignored by a Rust node without an onward route; what follows is read', async () => {
    const path = join(folder, 'node')
    const { peer } = await rust()
    await peer.ask('worker.start', { address: 'inbox', kind: 'inbox' })
    await peer.ask('uds.listen', { path })
    const { socket } = await dialUnix(path)
    socket.write(unhex('000501 00 00 00 00'.replaceAll(' ', '')))
    socket.write(frame('inbox', '0b'))
    expect(await peer.event('message')).toMatchObject({ payload: '0b' })
  })

  test('was not seen from a Rust node: neither as an answer, nor to a socket that it connected to', async () => {
    const [own, other] = [join(folder, 'own'), join(folder, 'other')]
    const { peer } = await rust()
    await peer.ask('worker.start', { address: 'echo', kind: 'echo' })
    await peer.ask('worker.start', { address: 'inbox', kind: 'inbox' })
    await peer.ask('uds.listen', { path: own })
    const { socket, collected } = await dialUnix(own)
    socket.write(frame('echo', '01'))
    socket.write(frame('inbox', '02'))
    await peer.event('message')

    const { peer: second } = await rust()
    const server = createServer()
    servers.push(server)
    await once(server.listen(other), 'listening')
    const connected = once(server, 'connection')
    await second.ask('uds.connect', { path: other })
    const accepted = new Collected((await connected)[0] as Socket)
    await second.ask('message.send', { route: [`5#${other}`, 'anyone'], payload: '03', return: ['client'] })
    await expect(second.ask('message.request', { route: [`5#${other}`, 'anyone'], payload: '04', timeoutMs: 1500 })).rejects.toThrow(
      'timeout',
    )
    expect([collected.received, accepted.received]).toEqual(['', ''])
  })

  test('goes over one connection to a Rust listener: a second one is cut', async () => {
    const path = join(folder, 'node')
    const { peer } = await rust()
    await peer.ask('worker.start', { address: 'inbox', kind: 'inbox' })
    await peer.ask('uds.listen', { path })
    const first = await dialUnix(path)
    first.socket.write(frame('inbox', '01'))
    await peer.event('message')
    const second = await dialUnix(path)
    await expect.poll(() => second.collected.isOver).toBe(true)
    expect(first.collected.isOver).toBe(false)
    first.socket.write(frame('inbox', '02'))
    expect(await peer.event('message')).toMatchObject({ payload: '02' })
  })
})
