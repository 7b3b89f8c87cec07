/** An inlet whose creation fails after it has begun to listen: nothing of it is left. */

import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { once } from 'node:events'
import { afterEach, expect, test, vi } from 'vitest'
import { createTcpInlet } from '../src/index.ts'
import { connectTo, endSockets, until } from './fixture/socket.ts'
import { World } from './fixture/world.ts'

vi.mock('node:fs/promises', { spy: true })

const world = new World()
let folder = ''
afterEach(async () => {
  endSockets()
  await world.close()
  if (folder !== '') await rm(folder, { recursive: true })
})

async function freePort(): Promise<number> {
  const server = createServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

test('the node closes meanwhile: the port is free again', async () => {
  const { node } = await world.side()
  node.startWorker('outlet', () => undefined)
  const listen = await freePort()
  const making = createTcpInlet(node, { listen, to: 'outlet' })
  const closing = node.close()
  await expect(making).rejects.toMatchObject({ code: 'routing/stopped' })
  await closing
  const server = createServer()
  await once(server.listen(listen, '127.0.0.1'), 'listening')
  server.close()
})

test('the mode of its socket cannot be set: nobody listens there, and a client that was accepted already is cut', async () => {
  folder = await mkdtemp(join(tmpdir(), 'ockam-portal-'))
  const listen = join(folder, 'inlet.sock')
  const { node } = await world.side()
  node.startWorker('outlet', () => undefined)
  let client: Socket | undefined
  vi.mocked(chmod).mockImplementationOnce(async (path) => {
    client = (await connectTo(0, { path: String(path) })).resume()
    throw Object.assign(new Error('read-only file system'), { code: 'EROFS' })
  })
  await expect(createTcpInlet(node, { listen, to: 'outlet' })).rejects.toMatchObject({ code: 'portals/listen-failed' })
  expect(await readdir(folder)).toEqual([])
  await until(() => client?.readableEnded === true || client?.destroyed === true, 'the client was cut')
})
