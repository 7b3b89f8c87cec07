/** From one version of the database to the next, which no published version has needed yet: here with a second migration of the tests' own. */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { OckamError } from '@ockam/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type SqliteDatabase, sqliteStore } from '../src/index.ts'
import { migrate, MIGRATIONS } from '../src/schema.ts'
import { bundleProgram, type Child, startProgram } from './child-program.ts'
import { driverFolder, loadableDrivers } from './driver.ts'
import { TO_SECOND } from './second-migration.ts'

let root = ''
let program = ''
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'ockam-store-'))
  program = await bundleProgram(new URL('./program/migrate.ts', import.meta.url), root)
})
afterAll(() => rm(root, { recursive: true }))

describe.each(loadableDrivers())('a database of version 1, with $name', ({ name, driver }) => {
  let made = 0

  /** @returns its path: so many entries, whose values are their numbers. */
  const filled = async (entries: number, length = 10): Promise<string> => {
    const path = join(root, `${name.replace(':', '-')}-${made++}.db`)
    const store = sqliteStore(driver, { path, namespace: 'plants' })
    for (let from = 0; from < entries; from += 1000) {
      const steps = Array.from({ length: Math.min(1000, entries - from) }, (_, at) => {
        const value = new TextEncoder().encode(String(from + at).padEnd(length))
        return { kind: 'set', key: `key/${from + at}`, value } as const
      })
      await store.batch(steps)
    }
    await store.close()
    return path
  }

  const beside = <T>(path: string, use: (database: SqliteDatabase) => T): T => {
    const database = new driver(path)
    try {
      return use(database)
    } finally {
      database.close()
    }
  }

  const only = (database: SqliteDatabase, sql: string): unknown => Object.values(database.prepare(sql).get() as object)[0]

  /** Everything that a migration could change, as text. */
  const stateOf = (path: string): Readonly<Record<string, unknown>> =>
    beside(path, (database) => ({
      version: only(database, 'PRAGMA user_version'),
      integrity: only(database, 'PRAGMA integrity_check'),
      schema: only(database, "SELECT group_concat(sql, ';') FROM (SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY sql)"),
      entries: only(database, 'SELECT count(*) FROM entry'),
      sum: only(database, 'SELECT sum(CAST(value AS INTEGER)) FROM entry'),
      longest: only(database, 'SELECT max(length(value)) FROM entry'),
    }))

  const start = (path: string): Child => startProgram(program, [name, driverFolder, path])

  it('that another process makes while we look at it is not taken for one of another program', () => {
    const path = join(root, `${name.replace(':', '-')}-${made++}.db`)
    beside(path, (other) => {
      other.exec('PRAGMA busy_timeout = 0')
      beside(path, (database) => {
        let attempts = 0
        const looking: SqliteDatabase = {
          exec: (sql) => database.exec(sql),
          close: () => database.close(),
          prepare: (sql) => {
            if (sql === 'PRAGMA user_version' && attempts++ === 0) {
              try {
                migrate(other, path)
              } catch (error) {
                // It has to wait, as SQLite has it.
                expect(String(error)).toMatch(/locked/)
              }
            }
            return database.prepare(sql)
          },
        }
        migrate(looking, path)
        expect(attempts).toBeGreaterThan(0)
      })
    })
    expect(stateOf(path)).toMatchObject({ version: 1, integrity: 'ok', entries: 0 })
  })

  it('is brought to version 2 with all entries; programs that know version 1 alone then refuse it, also those that had it open', async () => {
    const path = await filled(500)
    const open = sqliteStore(driver, { path, namespace: 'plants' })
    expect(await open.get('key/7')).toBeDefined()
    const before = stateOf(path)
    beside(path, (database) => migrate(database, path, TO_SECOND))
    const after = stateOf(path)
    expect(before).toMatchObject({ version: 1, integrity: 'ok', entries: 500, longest: 10 })
    expect(after).toMatchObject({ version: 2, integrity: 'ok', entries: 500, longest: 11, sum: before['sum'] })
    expect(after['schema']).toContain('written_at')
    expect(beside(path, (database) => only(database, "SELECT written_at FROM entry WHERE store = 'plants' LIMIT 1"))).toBe(1_700_000_000)
    // Once and for all.
    beside(path, (database) => migrate(database, path, TO_SECOND))
    expect(stateOf(path)).toEqual(after)
    expect(() => beside(path, (database) => migrate(database, path))).toThrow('version 2')
    const outcome: unknown = await open.set('key/7', Uint8Array.of(7)).catch((error: unknown) => error)
    expect(OckamError.is(outcome, 'storage-sqlite/newer-version'), String(outcome)).toBe(true)
    await open.close()
    expect(stateOf(path)).toEqual(after)
  })

  it('begins at the newest version when it is new', () => {
    const path = join(root, `${name.replace(':', '-')}-new.db`)
    beside(path, (database) => migrate(database, path, TO_SECOND))
    expect(stateOf(path)).toMatchObject({ version: 2, integrity: 'ok', entries: 0 })
  })

  it.each([
    ['in its middle', [...MIGRATIONS, `${TO_SECOND[1]}; INSERT INTO nowhere VALUES (1); CREATE TABLE never (x)`]],
    ['after another one that did not', [...TO_SECOND, 'CREATE TABLE third (x)', 'INSERT INTO nowhere VALUES (1)']],
  ])('is as it was, and as useful, when a migration fails %s', async (_, migrations) => {
    const path = await filled(500)
    const before = stateOf(path)
    expect(() => beside(path, (database) => migrate(database, path, migrations))).toThrow('nowhere')
    expect(stateOf(path)).toEqual(before)
    const store = sqliteStore(driver, { path, namespace: 'plants' })
    await store.set('key/new', Uint8Array.of(1))
    expect(new TextDecoder().decode(await store.get('key/499'))).toBe('499'.padEnd(10))
    await store.close()
    beside(path, (database) => migrate(database, path, TO_SECOND))
    expect(stateOf(path)).toMatchObject({ version: 2, integrity: 'ok', entries: 501 })
  })

  it('is of version 1 or of version 2, and whole, whenever the process that migrates it is killed', { timeout: 180_000 }, async () => {
    const entries = 10_000
    const versions: unknown[] = []
    const measured = await filled(entries, 500)
    const beganAtMs = performance.now()
    beside(measured, (database) => migrate(database, measured, TO_SECOND))
    const takesMs = performance.now() - beganAtMs
    const whole = { 1: stateOf(await filled(entries, 500)), 2: stateOf(measured) }
    const rounds = 12
    for (let round = 0; round < rounds; round++) {
      const path = await filled(entries, 500)
      const child = start(path)
      await child.line((line) => line === 'ready')
      child.process.stdin?.end()
      await child.line((line) => line === 'begin')
      // The first ones early, the last ones late.
      await new Promise((resolve) => setTimeout(resolve, (takesMs * round) / (rounds - 2)))
      child.process.kill('SIGKILL')
      await child.ended
      const state = stateOf(path)
      expect(state).toEqual(whole[state['version'] as 1 | 2])
      versions.push(state['version'])
      beside(path, (database) => migrate(database, path, TO_SECOND))
      expect(stateOf(path)).toEqual(whole[2])
    }
    console.log(`killed while migrating with ${name}: versions ${versions.join(' ')}`)
    expect(versions).toContain(1)
  })

  it('is migrated once by three processes that do it at the same moment', { timeout: 60_000 }, async () => {
    const path = await filled(2000)
    const before = stateOf(path)
    const children = [start(path), start(path), start(path)]
    await Promise.all(children.map(({ line }) => line((said) => said === 'ready')))
    for (const { process } of children) process.stdin?.end()
    for (const { ended } of children) expect((await ended).code).toBe(0)
    expect(stateOf(path)).toMatchObject({ version: 2, integrity: 'ok', entries: 2000, longest: 11, sum: before['sum'] })
  })
})
