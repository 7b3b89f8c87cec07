/** Real programs and protocols through a portal: inlet, relay and outlet in processes of their own, a secure channel behind the relay. */

import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { type ClientHttp2Session, connect as connectHttp2, createServer as createHttp2Server } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { freePort } from '../../docs/src/free-port.ts'
import { startPostgresql } from '../../docs/src/postgresql.ts'
import { postgresqlFolder } from '../../docs/src/system-part.ts'
import { MIB } from './fixture/bound.ts'
import { endChildren } from './fixture/child.ts'
import { PortalWorld } from './fixture/portal-world.ts'
import { SshServer } from './fixture/ssh-server.ts'
import { findProgram, lacks, runProgram } from './fixture/system-program.ts'

let world: PortalWorld
let folder = ''
/** What the test has started, the last first. */
const ends: (() => Promise<unknown> | void)[] = []

beforeAll(async () => {
  world = await PortalWorld.start()
})
afterAll(endChildren)
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ockam-portal-'))
})
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
  await rm(folder, { recursive: true, force: true })
})

const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

async function digestOfFile(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}

async function listening(server: Server): Promise<number> {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return (server.address() as AddressInfo).port
}

describe('HTTP', () => {
  test('curl uses one connection for many requests; 64 MiB come and 32 MiB go unchanged', async (context) => {
    const curl = findProgram('curl') ?? lacks('curl', context)
    const large = randomBytes(64 * MIB)
    let connections = 0
    const server = createServer((request, response) => {
      if (request.method === 'PUT') {
        const hash = createHash('sha256')
        pipeline(request, hash).then(
          () => response.end(hash.digest('hex')),
          () => response.destroy(),
        )
      } else response.end(request.url === '/large' ? large : `you asked for ${request.url}`)
    })
    server.on('connection', () => connections++)
    ends.push(() => {
      server.closeAllConnections()
      server.close()
    })
    const { port } = await world.portalTo(await listening(server))
    const upload = join(folder, 'upload')
    await writeFile(upload, randomBytes(32 * MIB))
    const urls = Array.from({ length: 20 }, (_, i) => `http://127.0.0.1:${port}/${i}`)
    expect(await runProgram(curl, ['-sS', '-w', '\n', ...urls])).toBe(urls.map((_, i) => `you asked for /${i}\n`).join(''))
    expect(connections).toBe(1)
    const download = join(folder, 'download')
    await runProgram(curl, ['-sS', '-o', download, `http://127.0.0.1:${port}/large`])
    expect(await digestOfFile(download)).toBe(digestOf(large))
    expect(await runProgram(curl, ['-sS', '-T', upload, `http://127.0.0.1:${port}/upload`])).toBe(await digestOfFile(upload))
  }, 90_000)

  test('curl speaks HTTP/2 from its first byte, ten at a time; 64 MiB come and 32 MiB go unchanged', async (context) => {
    const curl = findProgram('curl') ?? lacks('curl', context)
    if (!(await runProgram(curl, ['--version'])).includes('HTTP2')) lacks('a curl with HTTP/2', context)
    const large = randomBytes(64 * MIB)
    let sessions = 0
    const server = createHttp2Server((request, response) => {
      if (request.method === 'PUT') {
        const hash = createHash('sha256')
        pipeline(request, hash).then(
          () => response.end(hash.digest('hex')),
          () => response.destroy(),
        )
      } else response.end(request.url === '/large' ? large : `you asked for ${request.url}\n`)
    })
    server.on('session', () => sessions++)
    await once(server.listen(0, '127.0.0.1'), 'listening')
    ends.push(() => new Promise((resolve) => server.close(resolve)))
    const { port } = await world.portalTo((server.address() as AddressInfo).port)
    const http2 = ['-sS', '--http2-prior-knowledge']
    const at = (path: string): string => `http://127.0.0.1:${port}/${path}`
    // One request each: curl 7.88 fails at the second one of such a connection, without a portal too.
    const paths = Array.from({ length: 10 }, (_, i) => `/${i}`)
    const answers = await Promise.all(paths.map((path) => runProgram(curl, [...http2, at(path.slice(1))])))
    expect(answers).toEqual(paths.map((path) => `you asked for ${path}\n`))
    expect(sessions).toBe(10)
    const download = join(folder, 'download')
    expect(await runProgram(curl, [...http2, '-w', '%{http_version}', '-o', download, at('large')])).toBe('2')
    expect(await digestOfFile(download)).toBe(digestOf(large))
    const upload = join(folder, 'upload')
    await writeFile(upload, randomBytes(32 * MIB))
    expect(await runProgram(curl, [...http2, '-T', upload, at('upload')])).toBe(await digestOfFile(upload))
  }, 90_000)

  test('HTTP/2 carries 100 streams at a time on one connection, each its own', async () => {
    let sessions = 0
    const server = createHttp2Server({ settings: { maxConcurrentStreams: 200 } })
    server.on('session', () => sessions++)
    server.on('stream', (stream) => {
      stream.respond({ ':status': 200 })
      stream.pipe(stream)
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    ends.push(() => new Promise((resolve) => server.close(resolve)))
    const { port } = await world.portalTo((server.address() as AddressInfo).port)
    const session = connectHttp2(`http://127.0.0.1:${port}`)
    ends.push(() => session.destroy())
    await Promise.all(Array.from({ length: 100 }, (_, i) => exchange(session, randomBytes(64 * 1024 + i))))
    expect(sessions).toBe(1)
    // In good order: the server may close when its last session has said goodbye.
    session.close()
    await once(session, 'close')
  }, 60_000)

  test('WebSocket messages of all sizes come back in order, pings are answered, the closing code arrives', async () => {
    const http = createServer()
    const server = new WebSocketServer({ server: http, maxPayload: 4 * MIB })
    server.on('connection', (socket) => {
      socket.on('message', (data, isBinary) => {
        if (isBinary) socket.send(data)
        else socket.close(4001, 'as you wish')
      })
    })
    ends.push(() => {
      for (const client of server.clients) client.terminate()
      http.close()
    })
    const { port } = await world.portalTo(await listening(http))
    const client = new WebSocket(`ws://127.0.0.1:${port}`)
    ends.push(() => client.terminate())
    const received: string[] = []
    client.on('message', (data: Buffer) => received.push(digestOf(data)))
    await once(client, 'open')
    const sent = [0, 1, 125, 126, 65_535, 65_536, 3 * MIB, ...Array.from({ length: 200 }, (_, i) => i * 37)].map((length) =>
      randomBytes(length),
    )
    for (const message of sent) client.send(message)
    const ponged = once(client, 'pong')
    client.ping('are you there')
    expect(String((await ponged)[0])).toBe('are you there')
    client.send('please close')
    const [code, reason] = (await once(client, 'close')) as [number, Buffer]
    expect([code, String(reason)]).toEqual([4001, 'as you wish'])
    expect(received).toEqual(sent.map(digestOf))
  }, 60_000)
})

describe('PostgreSQL', () => {
  test('psql creates, copies 100,000 rows out and in, and ten clients at a time commit, through the portal', async (context) => {
    const programs = postgresqlFolder() ?? lacks('PostgreSQL, server and client', context)
    const serverPort = await freePort()
    const server = await startPostgresql(programs, serverPort)
    ends.push(() => server.stop())
    const { port } = await world.portalTo(serverPort)
    const environment = { ...server.environment, PGPORT: String(port) }
    const sql = async (...commands: readonly string[]): Promise<string> => {
      const words = commands.flatMap((command) => ['-c', command])
      return (await runProgram(join(programs, 'psql'), ['-XqAt', '-v', 'ON_ERROR_STOP=1', ...words], environment)).trim()
    }
    const summary = (table: string): string => `select count(*), md5(string_agg(n || text, ',' order by n)) from ${table}`
    await sql('create table reading as select n, repeat(md5(n::text), 5) as text from generate_series(1, 100000) as n')
    const file = join(folder, 'rows')
    await sql(`\\copy reading to '${file}'`)
    expect((await readFile(file)).length).toBeGreaterThan(15 * MIB)
    await sql('create table copied (like reading)', `\\copy copied from '${file}'`)
    const original = await sql(summary('reading'))
    expect(original).toMatch(/^100000\|/)
    expect(await sql(summary('copied'))).toBe(original)
    await sql('create table counted (n integer)')
    await Promise.all(Array.from({ length: 10 }, (_, i) => sql('begin', `insert into counted values (${i})`, 'commit')))
    expect(await sql('select sum(n), inet_server_port() from counted')).toBe(`45|${serverPort}`)
  }, 90_000)
})

describe('SSH', () => {
  test('ssh runs commands with their input, its end and their exit code; scp carries 64 MiB there and back', async (context) => {
    const [sshd, keygen, ssh, scp] = ['sshd', 'ssh-keygen', 'ssh', 'scp'].map(findProgram)
    if (sshd === undefined || keygen === undefined || ssh === undefined || scp === undefined)
      return lacks('an OpenSSH server and client', context)
    const server = await SshServer.start({ sshd, keygen }, folder)
    ends.push(() => server.stop())
    const { port } = await world.portalTo(server.port)
    const options = server.optionsFor(port)
    const [there, back, large] = ['there', 'back', 'large'].map((name) => join(folder, name)) as [string, string, string]
    await writeFile(large, randomBytes(64 * MIB))
    const digest = await digestOfFile(large)
    await runProgram(scp, ['-q', ...options, large, `127.0.0.1:${there}`])
    expect(await digestOfFile(there)).toBe(digest)
    await runProgram(scp, ['-q', ...options, `127.0.0.1:${there}`, back])
    expect(await digestOfFile(back)).toBe(digest)
    const counted = await runProgram('/bin/sh', ['-c', 'exec "$@" < "$0"', large, ssh, ...options, '127.0.0.1', 'wc -c'])
    expect(counted.trim()).toBe(String(64 * MIB))
    await expect(runProgram(ssh, [...options, '-n', '127.0.0.1', 'exit 7'])).rejects.toMatchObject({ code: 7 })
  }, 90_000)
})

/** One request whose body comes back. */
async function exchange(session: ClientHttp2Session, body: Buffer): Promise<void> {
  const stream = session.request({ ':method': 'POST', ':path': '/echo' })
  stream.end(body)
  const parts: Buffer[] = []
  for await (const part of stream) parts.push(part as Buffer)
  expect(digestOf(Buffer.concat(parts))).toBe(digestOf(body))
}
