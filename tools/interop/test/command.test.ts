/** Our command and Rust nodes: messages, a node that it starts, and its inlet. The command runs as a process of its own, as people run it, from what `npm run build` made. */

import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { FrameProxy } from './fixture/frame-proxy.ts'
import { dial, readAll, startTarget } from './fixture/tcp-program.ts'
import { hex, multiAddr, rust, rustListener } from './fixture/world.ts'

const PROGRAM = fileURLToPath(new URL('../../../apps/cli/dist/ockam.js', import.meta.url))

let home = ''
const started: ChildProcess[] = []
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'ockam-interop-'))
})
afterEach(async () => {
  for (const child of started.splice(0)) {
    const over = once(child, 'exit')
    child.stdin?.end()
    await over
  }
  await rm(home, { recursive: true })
})

const environment = (): NodeJS.ProcessEnv => ({ ...process.env, OCKAM_HOME: home })

/** A node in the foreground, which ends with the test. @returns where it listens, and as whom. */
async function startNode(name: string): Promise<{ readonly socket: string; readonly identifier: string }> {
  const args = ['node', 'create', name, '--foreground', '--exit-on-eof']
  const child = spawn(process.execPath, [PROGRAM, ...args], { env: environment(), stdio: ['pipe', 'pipe', 'ignore'] })
  started.push(child)
  await once(child.stdout, 'data')
  const shown = JSON.parse(await ockam('node', 'show', name, '--json')) as {
    readonly identity: { readonly identifier: string }
    readonly listeners: readonly { readonly socket_address: string }[]
  }
  return { socket: shown.listeners[0]?.socket_address ?? '', identifier: shown.identity.identifier }
}

/** What the command prints. */
async function ockam(...args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM, ...args], { env: environment(), timeout: 60_000 })
  return stdout.trim()
}

test('a Rust service gets the text as BARE bytes and its BARE answer is printed', async () => {
  const { peer, socket, flow } = await rust()
  await peer.ask('worker.start', { address: 'uppercase', kind: 'uppercase', consumerOf: [flow] })
  const proxy = await FrameProxy.to(socket)
  expect(await ockam('message', 'send', 'hello', '--to', `${proxy.address}/service/uppercase`)).toBe('HELLO')
  const sent = proxy.messages('sent').map(hex)
  expect(sent.some((message) => message.endsWith('460568656c6c6ff6'))).toBe(true)
})

test('it goes through a channel to a Rust listener whose identifier is trusted', async () => {
  const { peer, address, identifier, channels } = await rustListener()
  await peer.ask('worker.start', { address: 'echoer', kind: 'string-echo', consumerOf: [channels] })
  const to = `${address}/secure/api/service/echoer`
  expect(await ockam('message', 'send', 'across', '--to', to, '--authorized', identifier)).toBe('across')
})

test('a node of the command offers a Rust node echo, uppercase, a channel to "api" and relays', async () => {
  const { socket, identifier: trusted } = await startNode('n1')
  const { peer } = await rust()
  const { identifier } = await peer.ask('identity.create')
  const { worker, flowControlId } = await peer.ask('tcp.connect', { to: socket })
  const ask = async (route: readonly string[], payload: string) => (await peer.ask('message.request', { route, payload })).payload
  expect(await ask([worker, 'echo'], '00ff')).toBe('00ff')
  expect(await ask([worker, 'uppercase'], '0568656c6c6f')).toBe('0548454c4c4f')
  const { encryptor } = await peer.ask('channel.create', { identifier, route: [worker, 'api'], trust: 'identifier', trusted: [trusted] })
  expect(await ask([encryptor, 'uppercase'], '0568656c6c6f')).toBe('0548454c4c4f')

  await peer.ask('worker.start', { address: 'own', kind: 'echo', consumerOf: [flowControlId] })
  const { address } = await peer.ask('relay.create', { route: [worker], alias: 'rust' })
  expect(address).toBe('forward_to_rust')
  expect(await ockam('message', 'send', 'through the relay', '--to', `${multiAddr(socket)}/service/${address}/service/own`)).toBe(
    'through the relay',
  )
})

test('an inlet of the command leads through a channel to a Rust outlet', async () => {
  const target = await startTarget((socket) => socket.on('data', (chunk) => socket.end(chunk)))
  const { peer, address, identifier, channels } = await rustListener()
  await peer.ask('portal.outlet', { address: 'outlet', to: `127.0.0.1:${target}`, consumerOf: [channels] })
  await startNode('n1')
  const to = `${address}/secure/api/service/outlet`
  const created = await ockam(
    'tcp-inlet',
    'create',
    '--at',
    'n1',
    '--from',
    '127.0.0.1:0',
    '--to',
    to,
    '--authorized',
    identifier,
    '--json',
  )
  const port = /127\.0\.0\.1:(\d+)/.exec(created)?.[1]
  const socket = await dial(Number(port))
  socket.write('by command')
  expect(String(await readAll(socket))).toBe('by command')
  socket.end()
})
