/** Background nodes as processes: whom their files and sockets let in, what a kill leaves behind, who wins a race, how a command is interrupted. */

import { existsSync } from 'node:fs'
import { lstat, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { encodeFrame } from '../src/control/frame.ts'
import { EXIT_CODES } from '../src/error.ts'
import { openState, type State } from '../src/state/state.ts'
import { type CommandHome, commandHome, type Finished } from './terminal/built-command.ts'
import { startCommand } from './terminal/process.ts'

let own: CommandHome

beforeEach(async () => {
  own = await commandHome()
})
afterEach(() => own.close(), 60_000)

/** Runs a command that has to succeed. */
async function ockam(words: string): Promise<Finished> {
  const finished = await own.run(`ockam ${words}`)
  expect(finished.code, `ockam ${words}: ${finished.stderr}`).toBe(0)
  return finished
}

const state = (): State => openState(own.home)
const pidOf = (name: string): number => state().nodes.running(name)?.pid ?? 0

describe('a background node', { timeout: 120_000 }, () => {
  test('keeps its files, its log and its control socket to its user', async () => {
    await ockam('node create n1 --quiet')
    await ockam('relay create r --at /node/n1 --to n1')
    const socket = state().nodes.controlPath('n1')
    expect((await lstat(socket)).isSocket()).toBe(true)
    const open: string[] = []
    const names = await readdir(own.home, { recursive: true })
    for (const name of ['.', ...names]) {
      const status = await lstat(join(own.home, name))
      const wanted = status.isDirectory() ? 0o700 : 0o600
      if ((status.mode & 0o777) !== wanted) open.push(`${name} ${(status.mode & 0o777).toString(8)}`)
    }
    expect(open).toEqual([])
    expect(names.length).toBeGreaterThan(15)
    expect(names.some((name) => join(own.home, name) === socket)).toBe(true)
  })

  test('has no passphrase in its command line, its log or its folder', async () => {
    const secret = 'correct horse battery staple'
    await writeFile(join(own.folder, 'passphrase'), secret, { mode: 0o600 })
    const by = `OCKAM_VAULT_PASSPHRASE_FILE=${join(own.folder, 'passphrase')} ockam`
    const made = await own.run(
      `${by} vault create v --passphrase && ${by} identity create a --vault v && ${by} node create n1 --identity a`,
    )
    expect(made.code, made.stderr).toBe(0)
    expect(made.stdout + made.stderr).not.toContain(secret)
    const { stdout: commandLine } = await own.run(`ps -o args= -p ${pidOf('n1')}`)
    expect(commandLine).toContain('node create n1')
    expect(commandLine).not.toContain(secret)
    for (const name of await readdir(own.home, { recursive: true })) {
      const path = join(own.home, name)
      if ((await lstat(path)).isFile()) expect((await readFile(path)).includes(secret), name).toBe(false)
    }
  })

  test('that was killed is down, and starts again with its identity, its port and its things', async () => {
    await ockam('node create n1 --quiet')
    await ockam('node create n2 --quiet')
    const { stdout: inlet } = await ockam('tcp-inlet create --at n1 --to /node/n2/service/outlet --alias i')
    await ockam('tcp-outlet create --at n2 --to 5000')
    const before = JSON.parse((await ockam('node show n1 --output json')).stdout)
    const pid = pidOf('n1')
    process.kill(pid, 'SIGKILL')
    // Whoever asks sees that it has gone, although its socket and its mark are still there.
    await expect.poll(() => state().nodes.running('n1'), { timeout: 20_000 }).toBeUndefined()
    expect(existsSync(state().nodes.controlPath('n1'))).toBe(true)
    const refused = await own.run('ockam worker list --at n1')
    expect([refused.code, refused.stderr]).toEqual([
      EXIT_CODES['cli/node-down'],
      'error: Node "n1" is not running.\nhint: Start it: ockam node start n1\n',
    ])
    await ockam('node start n1')
    const after = JSON.parse((await ockam('node show n1 --output json')).stdout)
    expect(after.pid).not.toBe(pid)
    expect(after.identity).toEqual(before.identity)
    expect(after.listeners).toEqual(before.listeners)
    expect(after.inlets.map((one: { bind_addr: string }) => one.bind_addr)).toEqual([inlet.trim()])
    await ockam('message send hello --to /node/n1/service/uppercase')
  })

  test('is not mistaken for another process that has its number now', async () => {
    await ockam('node create n1 --quiet')
    await ockam('node stop n1')
    // The number of a process that lives, with the start of one that does not.
    await writeFile(join(own.home, 'nodes', 'n1', 'running.json'), JSON.stringify({ pid: process.pid, startedAt: 'long ago' }), {
      mode: 0o600,
    })
    expect((await ockam('node list')).stdout).toContain('stopped')
    // Stopping, even by force, ends nobody else.
    await ockam('node stop n1 --force')
    await ockam('node start n1')
    expect(pidOf('n1')).not.toBe(process.pid)
  })

  test('is made once when two make it at the same time; the other one is told', async () => {
    const both = await Promise.all([own.run('ockam node create n1'), own.run('ockam node create n1')])
    const [won, lost] = both.sort((a, b) => a.code - b.code)
    expect([won?.code, lost?.code], both.map(({ stderr }) => stderr).join('\n')).toEqual([0, EXIT_CODES['cli/conflict']])
    expect(won?.stdout).toBe('n1\n')
    expect(lost?.stdout).toBe('')
    expect(lost?.stderr).toMatch(/error: (There is a node "n1" already|Node "n1" is running( already| as process \d+)?)\./)
    expect((await ockam('message send hello --to /node/n1/service/uppercase')).stdout).toBe('HELLO\n')
    // The identity that both wanted to make is there once, and is the node's.
    expect(JSON.parse((await ockam('identity list --output json')).stdout)).toHaveLength(1)
  })

  test('ends in good order when the system asks it to', async () => {
    await ockam('node create n1 --quiet')
    process.kill(pidOf('n1'), 'SIGTERM')
    await expect.poll(() => state().nodes.running('n1'), { timeout: 20_000 }).toBeUndefined()
    expect((await ockam('node logs n1 --lines 1')).stdout).toContain('node "n1" ends: SIGTERM')
    expect(existsSync(join(own.home, 'nodes', 'n1', 'running.json'))).toBe(false)
  })

  test('goes on when its log cannot be written, and loses lines only', async () => {
    await ockam('node create n1 --quiet')
    await ockam('node stop n1')
    const log = state().nodes.logPath('n1')
    await rm(log)
    // A disk without room, as far as this file is concerned.
    await symlink('/dev/full', log)
    await ockam('node start n1')
    const { pid } = JSON.parse((await ockam('node show n1 --output json')).stdout)
    // Connections are events, and so lines of the log.
    for (let i = 0; i < 3; i++) expect((await ockam('message send hello --to /node/n1/service/uppercase')).stdout).toBe('HELLO\n')
    expect(pidOf('n1')).toBe(pid)
  })

  test('is forgotten when it cannot start, and what it says is the reason', async () => {
    const taken = createServer()
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
    const { port } = taken.address() as { port: number }
    const failed = await own.run(`ockam node create n1 --tcp-listener-address 127.0.0.1:${port}`)
    await new Promise((resolve) => taken.close(resolve))
    expect(failed.code).toBe(EXIT_CODES['cli/conflict'])
    expect(failed.stderr).toContain(`127.0.0.1:${port}`)
    expect(state().nodes.names()).toEqual([])
  })

  test('of another version is not talked to', async () => {
    await ockam('identity create a')
    const { nodes } = state()
    nodes.create({ name: 'n1', identity: 'a', tcpListenerAddress: '127.0.0.1:0', authorized: [] })
    const lock = await nodes.lock('n1')
    lock.setRunning(undefined)
    const answer = encodeFrame({ version: 2, result: {} })
    const server = createServer((socket) => socket.once('data', () => socket.end(answer)))
    await new Promise<void>((resolve) => server.listen(nodes.controlPath('n1'), resolve))
    try {
      const failed = await own.run('ockam worker list --at n1')
      expect(failed.code).toBe(EXIT_CODES['cli/version-mismatch'])
      expect(failed.stderr).toContain('hint: Stop the node and start it again with the command you have now')
    } finally {
      await new Promise((resolve) => server.close(resolve))
      await lock.release()
    }
  })
})

describe('a command', { timeout: 120_000 }, () => {
  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('that %s interrupts ends with %i, without an error', async (signal, code) => {
    await ockam('node create n1 --quiet')
    const following = startCommand(own, ['node', 'logs', 'n1', '--follow'])
    await following.says('is ready')
    following.process.kill(signal)
    const ended = await following.finished
    expect([ended.code, ended.stderr]).toEqual([code, ''])
  })

  test('that is interrupted while it waits for an answer ends', async () => {
    await ockam('node create n1 --quiet')
    const words = ['message', 'send', 'hello', '--from', 'n1', '--to', '/node/n1/service/nobody', '--timeout', '10m', '--verbose']
    const waiting = startCommand(own, words)
    // It has asked its node as soon as that has a connection to itself.
    await expect
      .poll(async () => JSON.parse((await ockam('node show n1 --output json')).stdout).messages.dropped, { timeout: 30_000 })
      .not.toEqual({})
    waiting.process.kill('SIGINT')
    expect((await waiting.finished).code).toBe(130)
  })

  test('that follows a log ends when nobody reads what it prints', async () => {
    await ockam('node create n1 --quiet')
    const following = startCommand(own, ['node', 'logs', 'n1', '--follow'])
    await following.says('is ready')
    following.process.stdout?.destroy()
    await ockam('message send hello --to /node/n1/service/uppercase')
    expect(await following.finished).toMatchObject({ code: 0, stderr: '' })
  })

  test.each([
    ['in the background', []],
    ['in the foreground', ['--foreground']],
  ])('that is interrupted while it makes a node %s leaves nothing of it', async (_, flags) => {
    // Takes connections and says nothing: a relay that never answers.
    const silent = createServer()
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const { port } = silent.address() as { port: number }
    const connected = new Promise<void>((resolve) => void silent.once('connection', () => resolve()))
    const configuration = `{ name: half, tcp-outlet: { to: 5000 }, relay: { half: { at: /ip4/127.0.0.1/tcp/${port} } } }`
    const making = startCommand(own, ['node', 'create', '--configuration', configuration, ...flags])
    await connected
    making.process.kill('SIGINT')
    const ended = await making.finished
    silent.close()
    expect([ended.code, ended.stdout]).toEqual([130, ''])
    expect(ended.stderr).toContain('Deleted node "half" again')
    expect(state().nodes.names()).toEqual([])
  })

  test('that is interrupted while it waits for the way of an inlet leaves no port open', async () => {
    await ockam('node create n1 --quiet')
    const words = [
      'tcp-inlet',
      'create',
      '--at',
      'n1',
      '--to',
      '/ip4/127.0.0.1/tcp/9/secure/api/service/outlet',
      '--connection-wait',
      '10m',
    ]
    const waiting = startCommand(own, words)
    await expect.poll(async () => (await ockam('node logs n1 --print')).stdout, { timeout: 30_000 }).toMatch(/session/)
    waiting.process.kill('SIGINT')
    expect((await waiting.finished).code).toBe(130)
    await expect.poll(async () => (await ockam('tcp-inlet list --at n1 --output json')).stdout.trim(), { timeout: 20_000 }).toBe('[]')
  })

  test('in the foreground is a node that goes on when nobody reads what it says', async () => {
    const running = startCommand(own, ['node', 'create', 'n1', '--foreground'])
    await running.says('is ready')
    running.process.stdout?.destroy()
    running.process.stderr?.destroy()
    for (let i = 0; i < 3; i++) expect((await ockam('message send hello --to /node/n1/service/uppercase')).stdout).toBe('HELLO\n')
    running.process.kill('SIGINT')
    expect((await running.finished).code).toBe(0)
  })

  test('in the foreground is a node that ends in good order when it is interrupted', async () => {
    const running = startCommand(own, ['node', 'create', 'n1', '--foreground'])
    await running.says('is ready')
    running.process.kill('SIGINT')
    const ended = await running.finished
    expect([ended.code, ended.stdout]).toEqual([0, 'n1\n'])
    expect(ended.stderr).toContain('node "n1" ends: SIGINT')
    expect(state().nodes.running('n1')).toBeUndefined()
  })
})
