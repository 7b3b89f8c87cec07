import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { OckamError } from '@ockam/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sqliteStore } from '../src/index.ts'
import { bundleProgram, type Child, startProgram } from './child-program.ts'
import { driverFolder, loadableDrivers } from './driver.ts'

let root = ''
const programs = new Map<string, string>()
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'ockam-store-'))
  const sources = {
    'write-until-killed': new URL('./program/write-until-killed.ts', import.meta.url),
    increment: new URL('./program/increment.ts', import.meta.url),
    'hold-lock': new URL('./program/hold-lock.ts', import.meta.url),
  }
  for (const [name, source] of Object.entries(sources)) programs.set(name, await bundleProgram(source, root))
})
afterAll(() => rm(root, { recursive: true }))

const text = (value: Uint8Array | undefined): string => new TextDecoder().decode(value).trimEnd()

describe.each(loadableDrivers())('several processes on one database, with $name', ({ name, driver }) => {
  const start = (program: string, path: string, rest: readonly string[], onLine?: (line: string) => void): Child =>
    startProgram(programs.get(program) ?? '', [name, driverFolder, path, ...rest], onLine)
  const pathOf = (purpose: string): string => join(root, `${purpose}-${name.replace(':', '-')}.db`)

  it('lose no update that they make by compare and set, also when they create the database at the same moment', {
    timeout: 120_000,
  }, async () => {
    const path = pathOf('counter')
    const children = [0, 1, 2].map(() => start('increment', path, ['60']))
    await Promise.all(children.map(({ line }) => line((said) => said === 'ready')))
    const retries = children.map(({ line }) => line((said) => said.startsWith('retries')))
    for (const { process } of children) process.stdin?.end()
    for (const { ended } of children) expect((await ended).code).toBe(0)
    console.log(`${name}: ${(await Promise.all(retries)).join(', ')}`)
    const store = sqliteStore(driver, { path })
    expect(text(await store.get('counter'))).toBe('180')
    await store.close()
  })

  it('wait for a lock without blocking, fail with store/locked in the end, and go on when its holder was killed', async () => {
    const path = pathOf('locked')
    const child = start('hold-lock', path, [])
    await child.line((said) => said === 'open')
    const store = sqliteStore(driver, { path, lockTimeoutMs: 300 })
    let turns = 0
    const ticking = setInterval(() => (turns += 1), 1)
    const outcome: unknown = await store.set('key', Uint8Array.of(1)).catch((error: unknown) => error)
    clearInterval(ticking)
    expect(OckamError.is(outcome, 'store/locked'), String(outcome)).toBe(true)
    expect(turns).toBeGreaterThan(0)
    expect(await store.get('held'), 'reading needs no lock').toEqual(Uint8Array.of(1))
    child.process.kill('SIGKILL')
    await child.ended
    await store.set('key', Uint8Array.of(2))
    expect(await store.get('key')).toEqual(Uint8Array.of(2))
    await store.close()
  })

  // Closing any descriptor of a file takes all locks that the process has on it. Then another process would think it is alone.
  it.skipIf(process.platform !== 'linux')('keep their locks when a second store is opened on the same file in one of them', async () => {
    const path = pathOf('second-store')
    const first = sqliteStore(driver, { path })
    await first.set('key', Uint8Array.of(1))
    const inode = `:${(await stat(path)).ino} `
    const locks = async (): Promise<string[]> =>
      (await readFile('/proc/locks', 'utf8')).split('\n').filter((line) => line.includes(` ${process.pid} `) && line.includes(inode))
    expect(await locks()).toHaveLength(1)
    const second = sqliteStore(driver, { path, namespace: 'second' })
    await second.set('key', Uint8Array.of(2))
    expect(await locks()).toHaveLength(1)
    await second.close()
    expect(await locks()).toHaveLength(1)
    await first.close()
    expect(await locks()).toHaveLength(0)
  })

  it('lose nothing acknowledged and split no batch when they are killed with -9 in a loop of writes', { timeout: 180_000 }, async () => {
    const path = pathOf('kill')
    const rounds = 15
    let acknowledged = 0
    for (let round = 0; round < rounds; round++) {
      const writers = ['a', 'b'].map((prefix) => {
        const lanes = [0, 1, 2, 3].map(() => ({ begun: -1, done: -1 }))
        const child = start('write-until-killed', path, [prefix, String(round * 1_000_000)], (line) => {
          const [word, lane, call] = line.split(' ')
          const said = lanes[Number(lane)]
          if (said === undefined) return
          if (word === 'begin') said.begun = Number(call)
          else {
            said.done = Number(call)
            acknowledged += 1
          }
        })
        return { prefix, lanes, child }
      })
      await Promise.all(writers.map(({ child }) => child.line((line) => line.startsWith('done'))))
      // One is killed while the other goes on, then the other: both ways a dead process leaves the database to a living one.
      for (const { child } of writers) {
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 120))
        child.process.kill('SIGKILL')
        expect((await child.ended).signal).toBe('SIGKILL')
      }

      const store = sqliteStore(driver, { path })
      const entries = new Map<string, string>()
      for await (const { key, value } of store.scan('')) entries.set(key, text(value))
      await store.close()
      const database = new driver(path)
      expect(Object.values(database.prepare('PRAGMA integrity_check').get() as object)).toEqual(['ok'])
      database.close()
      for (const { prefix, lanes } of writers) {
        for (const [lane, { begun, done }] of lanes.entries()) {
          const last = entries.get(`${prefix}/left/${lane}`)
          expect(entries.get(`${prefix}/right/${lane}`), 'both halves of the last batch').toBe(last)
          if (done < 0) continue
          // Everything acknowledged, and of the call under way either all or nothing.
          expect([done, begun]).toContain(Number(last))
          const first = Math.max(Number(last) - 19, round * 1_000_000)
          for (let call = first; call <= Number(last); call++) expect(entries.get(`${prefix}/item/${lane}/${call}`)).toBe(`${call}`)
        }
      }
    }
    console.log(`kill -9 with ${name}: ${rounds} rounds, ${acknowledged} acknowledged batches`)
    expect(acknowledged).toBeGreaterThan(rounds * 8)
  })
})
