import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { OckamError } from '@ockam/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fileStore } from '../src/index.ts'
import { lockByOpenFlag } from '../src/lock-by-open-flag.ts'
import { lockBySocket } from '../src/lock-by-socket.ts'
import { bundleProgram, startProgram } from './child-program.ts'

let root = ''
let holdStore = ''
let takeTurns = ''
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'ockam-store-'))
  holdStore = await bundleProgram(new URL('./program/hold-store.ts', import.meta.url), root)
  takeTurns = await bundleProgram(new URL('./program/take-turns.ts', import.meta.url), root)
})
afterAll(() => rm(root, { recursive: true }))

const value = Uint8Array.of(1)

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const outcome: unknown = await promise.catch((error: unknown) => error)
  return OckamError.is(outcome) ? outcome.code : `no OckamError but ${String(outcome)}`
}

describe('one store at a time', () => {
  it('refuses a second store in the same process, which can be used once the first is closed', async () => {
    const path = join(root, 'same-process')
    const [first, second] = [fileStore(path), fileStore(path)]
    await first.set('key', value)
    expect(await codeOf(second.get('key'))).toBe('store/locked')
    await expect(second.set('key', value)).rejects.toThrow(path)
    await first.close()
    expect(await second.get('key')).toEqual(value)
    await second[Symbol.asyncDispose]()
    expect(await codeOf(second.get('key'))).toBe('store/closed')
    const third = fileStore(path)
    expect(await third.get('key')).toEqual(value)
    await third.close()
  })

  it('lets exactly one of several stores opened at the same moment win', async () => {
    for (let round = 0; round < 5; round++) {
      const stores = Array.from({ length: 4 }, () => fileStore(join(root, `moment-${round}`)))
      const outcomes = await Promise.allSettled(stores.map(async (store) => await store.set('key', value)))
      expect(outcomes.filter(({ status }) => status === 'fulfilled').length).toBeLessThanOrEqual(1)
      await Promise.all(stores.map(async (store) => await store.close()))
    }
  })

  it('refuses a store that another process has, even a stopped one, and takes it over when that process was killed', async () => {
    const path = join(root, 'two-processes')
    const child = startProgram(holdStore, [path, 'wait'])
    expect(await child.line(() => true)).toBe('open')
    const store = fileStore(path)
    await expect(store.get('held')).rejects.toThrow(`${child.process.pid ?? 'its process'}`)
    child.process.kill('SIGSTOP')
    expect(await codeOf(store.get('held'))).toBe('store/locked')
    child.process.kill('SIGKILL')
    await child.ended
    expect(await store.get('held')).toEqual(value)
    await store.close()
    expect((await readdir(path)).filter((name) => name !== 'lock')).toEqual(['log'])
  })

  it('refuses another process while this one has it', async () => {
    const path = join(root, 'held-here')
    const store = fileStore(path)
    await store.set('key', value)
    const child = startProgram(holdStore, [path, 'end'])
    expect(await child.line(() => true)).toBe('store/locked')
    expect((await child.ended).code).toBe(1)
    await store.close()
  })

  it('never lets two processes in at once, however they race', { timeout: 40_000 }, async () => {
    const path = join(root, 'race')
    const first = fileStore(path)
    await first.set('turns', new TextEncoder().encode('0'))
    await first.close()
    const children = Array.from({ length: 4 }, () => startProgram(takeTurns, [path, '8']))
    const said = await Promise.all(children.map(async ({ line }) => await line((text) => text.startsWith('turns'))))
    for (const { ended } of children) expect((await ended).code).toBe(0)
    const turns = said.reduce((sum, text) => sum + Number(text.split(' ')[1]), 0)
    const store = fileStore(path)
    expect(new TextDecoder().decode(await store.get('turns'))).toBe(String(turns))
    await store.close()
    expect(turns).toBe(32)
  })

  it('does not keep a process alive that did not close its store, and loses nothing of it', async () => {
    const path = join(root, 'not-closed')
    const child = startProgram(holdStore, [path, 'end'])
    expect(await child.ended).toEqual({ code: 0, signal: null })
    const store = fileStore(path)
    expect(await store.get('held')).toEqual(value)
    await store.close()
  })

  it('works in a directory whose path is longer than the address of a socket may be', async () => {
    const path = join(root, 'long'.repeat(40), 'long'.repeat(40))
    const [first, second] = [fileStore(path), fileStore(path)]
    await first.set('key', value)
    expect(await codeOf(second.get('key'))).toBe('store/locked')
    await Promise.all([first.close(), second.close()])
  })
})

describe.skipIf(process.platform === 'win32')('the lock by socket', () => {
  it('is not fooled by files with names like its own, and removes them', async () => {
    const path = await mkdtemp(join(root, 'remnant-'))
    for (const name of ['lock-1-abc', 'claim-1-abc']) await writeFile(join(path, name), '')
    const lock = await lockBySocket(path)
    expect(await readdir(path)).toEqual([expect.stringMatching(`^lock-${process.pid}-[0-9a-f]{12}$`)])
    await lock.release()
    expect(await readdir(path)).toEqual([])
  })

  it('is taken by exactly one of many at a time, and free again after each', async () => {
    const path = await mkdtemp(join(root, 'many-'))
    let [inside, taken] = [0, 0]
    await Promise.all(
      Array.from({ length: 6 }, async () => {
        for (let attempt = 0; attempt < 6; attempt++) {
          const lock = await lockBySocket(path).catch((error: unknown) => {
            if (!OckamError.is(error, 'store/locked')) throw error
          })
          if (lock === undefined) continue
          inside += 1
          taken += 1
          expect(inside).toBe(1)
          await new Promise((resolve) => setTimeout(resolve, 1))
          inside -= 1
          await lock.release()
        }
      }),
    )
    expect(taken).toBeGreaterThan(0)
    expect(await readdir(path)).toEqual([])
  })
})

// The system this runs on may not have the flag; a file system that behaves as documented stands in for it.
describe('the lock by open flag', () => {
  const exclusive = (code: string) => {
    const held = new Set<string>()
    return async (path: string) => {
      if (held.has(path)) throw Object.assign(new Error(code), { code })
      held.add(path)
      return { close: async () => void held.delete(path) }
    }
  }

  it.each(['EAGAIN', 'EWOULDBLOCK', 'EBUSY'])('reports %s as store/locked and is free after release', async (code) => {
    const openFile = exclusive(code)
    const lock = await lockByOpenFlag('/store', 1, openFile)
    expect(await codeOf(lockByOpenFlag('/store', 1, openFile))).toBe('store/locked')
    await lock.release()
    await (await lockByOpenFlag('/store', 1, openFile)).release()
  })

  it('refuses to go on where the flag is accepted and ignored', async () => {
    let open = 0
    const openFile = async (): Promise<{ close: () => Promise<void> }> => {
      open += 1
      return {
        close: async () => {
          open -= 1
        },
      }
    }
    await expect(lockByOpenFlag('/store', 1, openFile)).rejects.toThrow('cannot lock')
    expect(open).toBe(0)
  })

  it('passes other errors through', async () => {
    const openFile = exclusive('EACCES')
    await openFile(join('/store', 'lock'))
    await expect(lockByOpenFlag('/store', 1, openFile)).rejects.toThrow('EACCES')
  })
})
