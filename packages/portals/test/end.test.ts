/** What the two ends of a portal can be: TCP and Unix sockets, plain and with TLS. */

import { link, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { createServer as createPlainServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ConnectionOptions, connect as connectTls, createServer as createTlsServer, type Server, type TLSSocket } from 'node:tls'
import { once } from 'node:events'
import { inspect } from 'node:util'
import type { OckamNode } from '@ockam/node'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createTcpInlet, createTcpOutlet, type InletTls } from '../src/index.ts'
import { CERTIFICATE, KEY, OTHER_KEY } from './fixture/certificate.ts'
import { connectTo, cutOf, endSockets, keep, pattern, readAll, readBytes, startEchoServer, startServer, until } from './fixture/socket.ts'
import { inletOf, portalTo, World } from './fixture/world.ts'

const world = { current: new World() }
let folder = ''
const tlsServers: Server[] = []
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ockam-portal-'))
})
afterEach(async () => {
  for (const server of tlsServers.splice(0)) server.close()
  endSockets()
  await world.current.close()
  world.current = new World()
  await rm(folder, { recursive: true })
})

async function startTlsServer(serve: (socket: TLSSocket) => void): Promise<{ readonly port: number; readonly names: unknown[] }> {
  const names: unknown[] = []
  const server = createTlsServer({ cert: CERTIFICATE, key: KEY, allowHalfOpen: true, ALPNProtocols: ['h2', 'http/1.1'] }, (socket) => {
    names.push(socket.servername)
    keep(socket)
    serve(socket)
  })
  tlsServers.push(server)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return { port: (server.address() as { port: number }).port, names }
}

async function tlsTo(port: number | undefined): Promise<TLSSocket> {
  const socket = keep(
    connectTls({
      host: '127.0.0.1',
      port: port ?? 0,
      servername: 'portal.test',
      ca: CERTIFICATE,
      allowHalfOpen: true,
    } as ConnectionOptions),
  )
  await once(socket, 'secureConnect')
  return socket
}

describe('Unix sockets', () => {
  test('can be both ends, and half-close goes through them', async () => {
    const path = join(folder, 'target.sock')
    await startServer((socket) => void readAll(socket).then((asked) => socket.end(`${asked.length} bytes`)), { path })
    const listen = join(folder, 'inlet.sock')
    const { inlet } = await portalTo(world.current, path, { inlet: { listen } })
    expect(inlet).toMatchObject({ address: listen, port: undefined })
    const socket = await connectTo(0, { path: listen })
    socket.end(pattern(300_000))
    expect(String(await readAll(socket))).toBe('300000 bytes')
  })

  test('the inlet opens its socket to its own user only, and removes it when it closes', async () => {
    const listen = join(folder, 'inlet.sock')
    const { inlet } = await portalTo(world.current, await startEchoServer(), { inlet: { listen } })
    expect((await stat(listen)).mode & 0o777).toBe(0o600)
    await inlet.close()
    await expect(stat(listen)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('a socket that a killed program left behind is replaced; one that is answered is not', async () => {
    const listen = join(folder, 'inlet.sock')
    const left = createPlainServer()
    await once(left.listen(join(folder, 'first')), 'listening')
    // Closing would remove it: a copy of the name stays.
    await link(join(folder, 'first'), listen)
    const { client, inlet } = await portalTo(world.current, await startEchoServer(), { inlet: { listen: 0 } })
    await expect(inletOf(client, { listen })).rejects.toMatchObject({ code: 'portals/listen-failed' })
    left.close()
    await once(left, 'close')
    const second = await inletOf(client, { listen })
    const socket = await connectTo(0, { path: listen })
    socket.write('x')
    expect(String(await readBytes(socket, 1))).toBe('x')
    await second.close()
    expect(inlet.statistics().connections).toBe(0)
  })

  test('of two inlets that find the same left behind one replaces it, and the other leaves the new one alone', async () => {
    const listen = join(folder, 'inlet.sock')
    const { client } = await portalTo(world.current, await startEchoServer())
    for (let round = 0; round < 20; round++) {
      const left = createPlainServer()
      await once(left.listen(join(folder, 'first')), 'listening')
      await link(join(folder, 'first'), listen)
      left.close()
      await once(left, 'close')
      const both = await Promise.allSettled([inletOf(client, { listen }), inletOf(client, { listen })])
      const made = both.filter((one) => one.status === 'fulfilled')
      expect(made).toHaveLength(1)
      expect(both.find((one) => one.status === 'rejected')?.reason).toMatchObject({ code: 'portals/listen-failed' })
      const socket = await connectTo(0, { path: listen })
      socket.write('x')
      expect(String(await readBytes(socket, 1))).toBe('x')
      await made[0]?.value.close()
      expect(await readdir(folder)).toEqual([])
    }
  })

  test('a file that is no socket is never removed, nor a link', async () => {
    const { node } = await world.current.side()
    const file = join(folder, 'notes.txt')
    await writeFile(file, 'mine')
    const listen = join(folder, 'notes.link')
    await symlink(file, listen)
    for (const path of [file, listen]) {
      await expect(createTcpInlet(node, { listen: path, to: 'outlet' })).rejects.toMatchObject({ code: 'portals/listen-failed' })
      expect(await readFile(path, 'utf8')).toBe('mine')
    }
  })

  test('a folder that does not exist is named in the error', async () => {
    const { node } = await world.current.side()
    const listen = join(folder, 'nowhere', 'inlet.sock')
    await expect(createTcpInlet(node, { listen, to: 'outlet' })).rejects.toThrow(listen)
  })
})

describe('TLS to the target', () => {
  test('verifies the certificate against the given authority by the given name, sends the name, and carries both directions', async () => {
    const { port, names } = await startTlsServer((socket) => void readAll(socket).then((asked) => socket.end(`${asked.length} bytes`)))
    const tls = { ca: CERTIFICATE, serverName: 'portal.test' }
    const { inlet } = await portalTo(world.current, port, { outlet: { tls } })
    const socket = await connectTo(inlet.port)
    socket.end(pattern(1_000_000))
    expect(String(await readAll(socket))).toBe('1000000 bytes')
    expect(names).toEqual(['portal.test'])
  })

  test.each([
    ['without the authority', { serverName: 'portal.test' }],
    ['by another name', { ca: CERTIFICATE, serverName: 'other.test' }],
  ])('refuses a certificate %s', async (_case, tls) => {
    const { port } = await startTlsServer((socket) => void socket.pipe(socket))
    const { inlet, outlet } = await portalTo(world.current, port, { outlet: { tls } })
    expect(await cutOf(await connectTo(inlet.port))).toBe('ECONNRESET')
    expect(outlet.statistics()).toMatchObject({ opened: 0, refused: { 'target-unreachable': 1 } })
  })

  test.each([
    ['an authority that is none', { ca: 'garbage' }],
    ['one authority of two that is none', { ca: [CERTIFICATE, 'garbage'] }],
    ['a certificate that is none', { cert: 'garbage', key: KEY }],
    ['a key without its certificate', { key: KEY }],
    ['a protocol without a name', { alpnProtocols: [''] }],
  ])('refuses to start with %s', async (_case, tls) => {
    const { node } = await world.current.side()
    const options = { to: 'portal.test:443', allowAnyone: true, tls }
    await expect(createTcpOutlet(node, 'outlet', options)).rejects.toMatchObject({ code: 'portals/invalid-argument' })
  })

  test('a target that speaks no TLS is given up at the limit, and its socket is closed', async () => {
    let ended = false
    const port = await startServer((socket) => {
      socket.resume()
      socket.on('close', () => (ended = true))
      socket.on('end', () => socket.end())
    })
    const { inlet, outlet } = await portalTo(world.current, port, {
      outlet: { tls: { ca: CERTIFICATE, serverName: 'portal.test' }, connectTimeoutMs: 200 },
    })
    expect(await cutOf(await connectTo(inlet.port))).toBe('ECONNRESET')
    expect(outlet.statistics()).toMatchObject({ connections: 0, refused: { 'target-unreachable': 1 } })
    await until(() => ended, 'the target was let go')
  })
})

describe('TLS at the inlet', () => {
  test('is served with the given certificate; what clients send arrives in the clear at the target', async () => {
    const { inlet } = await portalTo(
      world.current,
      await startServer((socket) => void readAll(socket).then((asked) => socket.end(asked))),
      {
        inlet: { tls: { cert: CERTIFICATE, key: KEY } },
      },
    )
    const socket = await tlsTo(inlet.port)
    const bytes = pattern(1_000_000)
    socket.end(bytes)
    expect((await readAll(socket)).equals(bytes)).toBe(true)
  })

  test.each([
    ['a certificate that is none', { cert: 'garbage', key: KEY }, true],
    ['a key that is none', { cert: CERTIFICATE, key: 'garbage' }, true],
    ['the key of another certificate', { cert: CERTIFICATE, key: OTHER_KEY }, true],
    ['no key', { cert: CERTIFICATE } as InletTls, false],
    ['a protocol that is too long', { cert: CERTIFICATE, key: KEY, alpnProtocols: ['x'.repeat(256)] }, false],
  ])('is refused with %s, before anything is opened', async (_case, tls, hasCause) => {
    const { node } = await world.current.side()
    const making = createTcpInlet(node, { listen: 0, to: '/memory/nowhere/service/outlet', tls })
    await expect(making).rejects.toMatchObject({ code: 'portals/invalid-argument', message: expect.stringContaining('tls') as string })
    const error = await making.then(
      () => new Error('It was made.'),
      (reason: unknown) => reason as Error,
    )
    expect(error.cause !== undefined).toBe(hasCause)
    // Nothing of a key is ever told.
    expect(inspect(error)).not.toContain(KEY.split('\n')[1])
  })

  test('a handshake that has not ended when the inlet closes is cut, and opens nothing', async () => {
    const server = await world.current.server()
    const client = await world.current.side()
    await createTcpOutlet(server.node, 'outlet', { to: await startEchoServer(), allow: [client.identifier] })
    // A node without sessions: its inlet opens the way when a client needs it.
    const inlet = await inletOf(
      { ...client, node: { router: client.node.router } as OckamNode },
      { tls: { cert: CERTIFICATE, key: KEY }, isLazy: true },
    )
    const hasEnded = cutOf(await connectTo(inlet.port))
    await inlet.close()
    await hasEnded
    expect(client.node.channels.channels()).toEqual([])
    expect(inlet.statistics().refused).toEqual({})
  })

  test('a client that speaks no TLS is closed and counted, and costs nobody anything', async () => {
    const { inlet, outlet } = await portalTo(world.current, await startEchoServer(), { inlet: { tls: { cert: CERTIFICATE, key: KEY } } })
    const socket = await connectTo(inlet.port)
    socket.write('GET / HTTP/1.1\r\n\r\n')
    await cutOf(socket)
    await until(() => inlet.statistics().refused['tls-failed'] === 1, 'it was counted')
    expect(outlet.statistics().opened).toBe(0)
    const good = await tlsTo(inlet.port)
    good.write('x')
    expect(String(await readBytes(good, 1))).toBe('x')
  })
})
