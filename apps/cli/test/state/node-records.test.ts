import { mkdirSync } from 'node:fs'
import { chmod, chown, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { controlPathIn } from '../../src/state/control-path.ts'
import { makeUsersFolder } from '../../src/state/private-folder.ts'
import { isRunning, markOf } from '../../src/state/process-start.ts'
import { openState, type State } from '../../src/state/state.ts'
import { bundleProgram, startProgram } from './child-program.ts'
import { codeOf } from './expect-code.ts'

let root = ''
let holdNode = ''
let createNode = ''
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'ockam-state-'))
  holdNode = await bundleProgram(new URL('./program/hold-node.ts', import.meta.url), root)
  createNode = await bundleProgram(new URL('./program/create-node.ts', import.meta.url), root)
})
afterAll(() => rm(root, { recursive: true }))

let count = 0
const newState = (): State => openState(join(root, `home-${count++}`))
const settings = (name: string) => ({ name, identity: 'default', tcpListenerAddress: '127.0.0.1:0', authorized: [] })

describe('the nodes of a state folder', () => {
  it('are made, listed, changed and deleted by name, and the first one is the default until it is gone', async () => {
    const state = newState()
    expect([state.nodes.names(), state.defaults.get('node')]).toEqual([[], undefined])
    for (const name of ['n2', 'n1', 'n3']) state.nodes.create(settings(name))
    expect(state.nodes.names()).toEqual(['n1', 'n2', 'n3'])
    expect(state.nodes.get('n2')).toEqual(settings('n2'))
    state.nodes.update({ ...settings('n2'), authorized: [`I${'0'.repeat(64)}`] })
    expect(state.nodes.get('n2').authorized).toHaveLength(1)
    expect(state.defaults.get('node')).toBe('n2')
    await state.nodes.delete('n2')
    expect(state.defaults.get('node')).toBe('n1')
    expect(await codeOf(() => state.nodes.get('n2'))).toBe('cli/not-found')
    expect(await codeOf(() => state.nodes.delete('n2'))).toBe('cli/not-found')
    expect(await codeOf(() => state.nodes.update(settings('n2')))).toBe('cli/not-found')
    await state.nodes.delete('n1')
    await state.nodes.delete('n3')
    expect(state.defaults.get('node')).toBeUndefined()
    expect(await readdir(join(state.path, 'nodes'))).toEqual([])
  })

  it.each(['', '.', '..', '../x', 'a/b', '.hidden', 'a b', 'x'.repeat(65), 'é', 'a\n', '-rf'])('are never named %j', async (name) => {
    const state = newState()
    expect(await codeOf(() => state.nodes.create(settings(name)))).toBe('cli/usage')
    expect(await codeOf(() => state.nodes.find(name))).toBe('cli/usage')
    expect(await codeOf(() => state.nodes.delete(name))).toBe('cli/usage')
    expect(await codeOf(() => state.nodes.lock(name))).toBe('cli/usage')
    expect(await readdir(join(state.path, 'nodes'))).toEqual([])
  })

  it('are each made by exactly one of several processes that try at the same moment', async () => {
    const state = newState()
    const children = [0, 1, 2].map(() => startProgram(createNode, [state.path, '30']))
    await Promise.all(children.map(({ line }) => line((said) => said === 'ready')))
    const said = children.map(({ line }) => line((text) => text.startsWith('made')))
    for (const { process } of children) process.stdin?.end()
    const made = (await Promise.all(said)).map((text) => Number(text.split(' ')[1]))
    expect(made.reduce((sum, each) => sum + each, 0)).toBe(30)
    expect(state.nodes.names()).toHaveLength(30)
    for (const { ended } of children) expect((await ended).code).toBe(0)
  })

  it('are run by one process at a time; one that was killed is not running, and can be started again', async () => {
    const state = newState()
    state.nodes.create(settings('n1'))
    const first = startProgram(holdNode, [state.path, 'n1'])
    expect(await first.line(() => true)).toBe('up')
    expect(state.nodes.running('n1')).toEqual({ pid: first.process.pid, address: '/ip4/127.0.0.1/tcp/4000' })
    expect(await codeOf(() => state.nodes.lock('n1'))).toBe('cli/conflict')
    await expect(state.nodes.lock('n1')).rejects.toThrow(`process ${first.process.pid}`)
    expect(await codeOf(() => state.nodes.delete('n1'))).toBe('cli/conflict')
    expect(await codeOf(() => state.reset())).toBe('cli/conflict')
    expect(state.nodes.names()).toEqual(['n1'])
    const rival = startProgram(holdNode, [state.path, 'n1'])
    expect(await rival.line(() => true)).toBe('cli/conflict')
    expect((await rival.ended).code).toBe(0)

    first.process.kill('SIGKILL')
    await first.ended
    expect(state.nodes.running('n1')).toBeUndefined()
    const lock = await state.nodes.lock('n1')
    lock.setRunning(undefined)
    expect(state.nodes.running('n1')).toEqual({ pid: process.pid, address: undefined })
    await lock.release()
    expect(state.nodes.running('n1')).toBeUndefined()
    await state.nodes.delete('n1')
    expect(await codeOf(() => state.nodes.lock('n1'))).toBe('cli/not-found')
  })

  it('are not taken for running because another process got their number', async () => {
    const state = newState()
    state.nodes.create(settings('n1'))
    const path = join(state.nodes.folder('n1'), 'running.json')
    const own = markOf(process.pid)
    expect(own?.startedAt).not.toBe('')
    await writeFile(path, JSON.stringify({ pid: process.pid, startedAt: own?.startedAt }))
    expect(state.nodes.running('n1')).toEqual({ pid: process.pid, address: undefined })
    await writeFile(path, JSON.stringify({ pid: process.pid, startedAt: `${own?.startedAt}1` }))
    expect(state.nodes.running('n1')).toBeUndefined()
  })

  it('say so when one of their records is damaged', async () => {
    const state = newState()
    state.nodes.create(settings('n1'))
    const path = join(state.nodes.folder('n1'), 'settings.json')
    const whole = await readFile(path, 'utf8')
    for (const text of ['', whole.slice(0, -10), '{"name":"n1"}', '[]', 'x'.repeat(2_000_000)]) {
      await writeFile(path, text)
      await expect(async () => state.nodes.get('n1')).rejects.toThrow(path)
    }
  })

  it('keep their files to their user', async () => {
    const state = newState()
    state.nodes.create(settings('n1'))
    const lock = await state.nodes.lock('n1')
    lock.setRunning(undefined)
    for (const file of ['settings.json', 'running.json'])
      expect((await stat(join(state.nodes.folder('n1'), file))).mode & 0o777).toBe(0o600)
    expect((await stat(state.nodes.folder('n1'))).mode & 0o777).toBe(0o700)
    await lock.release()
  })
})

describe('the control socket of a node', () => {
  it('lies in its folder where that is short enough, else in a short folder of the user alone', async () => {
    const short = newState()
    expect(short.nodes.controlPath('n1')).toBe(join(short.path, 'nodes', 'n1', 'control.sock'))
    const shared = await mkdtemp(join(tmpdir(), 'shared-'))
    try {
      const long = join(root, 'long'.repeat(30))
      const path = controlPathIn(join(long, 'n1'), shared)
      expect(path.startsWith(`${shared}/`)).toBe(true)
      expect((await stat(join(path, '..'))).mode & 0o777).toBe(0o700)
      expect(controlPathIn(join(long, 'n1'), shared)).toBe(path)
      expect(controlPathIn(join(long, 'n2'), shared)).not.toBe(path)
      const server = createServer()
      await new Promise<void>((resolve, reject) => server.once('error', reject).listen(path, resolve))
      await new Promise((resolve) => server.close(resolve))
    } finally {
      await rm(shared, { recursive: true })
    }
  })

  it('is refused where somebody else could have put one', async () => {
    const shared = await mkdtemp(join(tmpdir(), 'shared-'))
    try {
      const long = join(root, 'long'.repeat(31))
      const folder = join(controlPathIn(long, shared), '..')
      await chmod(folder, 0o777)
      expect(await codeOf(() => controlPathIn(long, shared))).toBe('cli/refused')
      await rm(folder, { recursive: true })
      await writeFile(folder, '')
      expect(await codeOf(() => controlPathIn(long, shared))).not.toBe('no error')
    } finally {
      await rm(shared, { recursive: true })
    }
  })

  it('is not put into a folder of another user, not even by root', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'foreign-'))
    try {
      const isRoot = process.getuid?.() === 0
      if (isRoot) await chown(folder, 12_345, 12_345)
      expect(await codeOf(() => makeUsersFolder(isRoot ? folder : '/usr'))).toBe('cli/refused')
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})

describe('the mark of a process', () => {
  it('is one of a living process, and of no other', async () => {
    const state = newState()
    state.nodes.create(settings('n1'))
    const child = startProgram(holdNode, [state.path, 'n1'])
    await child.line(() => true)
    const mark = markOf(child.process.pid ?? 0)
    expect(mark !== undefined && isRunning(mark)).toBe(true)
    child.process.kill('SIGKILL')
    await child.ended
    expect(mark !== undefined && isRunning(mark)).toBe(false)
  })
})

describe('a state folder', () => {
  it('is made for its user alone, and closed to others who could only read it', async () => {
    const state = newState()
    for (const folder of ['', 'nodes', 'vaults', 'identities', 'defaults', 'locks'])
      expect((await stat(join(state.path, folder))).mode & 0o777, folder).toBe(0o700)
    await chmod(state.path, 0o755)
    await chmod(join(state.path, 'vaults'), 0o755)
    openState(state.path)
    expect((await stat(state.path)).mode & 0o777).toBe(0o700)
    expect((await stat(join(state.path, 'vaults'))).mode & 0o777).toBe(0o700)
  })

  it('is refused when others could have written into it', async () => {
    const state = newState()
    await chmod(join(state.path, 'vaults'), 0o770)
    expect(await codeOf(() => openState(state.path))).toBe('cli/refused')
    await chmod(join(state.path, 'vaults'), 0o700)
    await chmod(state.path, 0o722)
    expect(await codeOf(() => openState(state.path))).toBe('cli/refused')
  })

  it('is not made of a folder with other things in it, which stay as they are', async () => {
    const folder = join(root, 'documents')
    mkdirSync(folder, { mode: 0o755 })
    await writeFile(join(folder, 'letter'), 'Dear')
    expect(await codeOf(() => openState(folder))).toBe('cli/refused')
    expect([await readdir(folder), (await stat(folder)).mode & 0o777]).toEqual([['letter'], 0o755])
    const file = join(root, 'a-file')
    await writeFile(file, '')
    expect(await codeOf(() => openState(file))).toBe('cli/refused')
    const empty = join(root, 'empty')
    mkdirSync(empty)
    await chmod(empty, 0o775)
    openState(empty)
    expect((await stat(empty)).mode & 0o777).toBe(0o700)
  })

  it('is refused when a newer version made it', async () => {
    const state = newState()
    await writeFile(join(state.path, 'state.json'), '{"version":2}')
    await expect(async () => openState(state.path)).rejects.toThrow('newer version')
  })

  it('loses what interrupted deletions left behind, and nothing that somebody is about to make', async () => {
    const state = newState()
    for (const name of ['nodes/.gone-1', 'vaults/.gone-2', 'vaults/.new-3', 'vaults/.new-4']) {
      mkdirSync(join(state.path, name))
      await writeFile(join(state.path, name, 'keys'), 'secret')
    }
    const twoHoursAgo = new Date(Date.now() - 7_200_000)
    await utimes(join(state.path, 'vaults/.new-3'), twoHoursAgo, twoHoursAgo)
    openState(state.path)
    expect([await readdir(join(state.path, 'nodes')), await readdir(join(state.path, 'vaults'))]).toEqual([[], ['.new-4']])
  })

  it('is deleted by a reset, but for what is not its own and vaults elsewhere, which it names', async () => {
    const state = newState()
    const elsewhere = join(root, `elsewhere-${count}`)
    state.nodes.create(settings('n1'))
    await state.vaults.create({ name: 'v1' })
    const { path } = await state.vaults.create({ name: 'v2', path: elsewhere })
    await writeFile(join(state.path, 'note'), 'mine')
    expect(await state.reset()).toEqual([path])
    expect(await readdir(state.path)).toEqual(['note'])
    expect(await readdir(elsewhere)).toHaveLength(1)
    await rm(join(state.path, 'note'))
    const again = openState(state.path)
    expect([again.nodes.names(), again.vaults.list(), again.identities.list()]).toEqual([[], [], []])
    await again.reset()
    await expect(stat(state.path)).rejects.toThrow('ENOENT')
  })
})
