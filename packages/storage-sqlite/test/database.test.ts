import { chmod, mkdtemp, open, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { OckamError } from '@ockam/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type SqliteDatabase, type SqliteDriver, sqliteStore, type SqliteStoreOptions } from '../src/index.ts'
import { loadableDrivers } from './driver.ts'

let root = ''
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'ockam-store-'))
})
afterAll(() => rm(root, { recursive: true }))

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const outcome: unknown = await promise.catch((error: unknown) => error)
  return OckamError.is(outcome) ? outcome.code : `no OckamError but ${String(outcome)}`
}

async function count(entries: AsyncIterable<unknown>): Promise<number> {
  let found = 0
  for await (const _ of entries) found += 1
  return found
}

const value = Uint8Array.of(1, 2, 3)

describe.each(loadableDrivers())('the database, with $name', ({ driver }) => {
  let made = 0
  const newPath = (): string => join(root, `${driver.name}-${made++}-${process.pid}`, 'state.db')

  /** Uses the driver beside the store. */
  const beside = <T>(path: string, use: (database: SqliteDatabase) => T): T => {
    const database = new driver(path)
    try {
      return use(database)
    } finally {
      database.close()
    }
  }

  const filled = async (path: string, entries: number, bytes: number): Promise<void> => {
    const store = sqliteStore(driver, { path })
    const steps = Array.from(
      { length: entries },
      (_, at) => ({ kind: 'set', key: `key/${at + 10_000}`, value: new Uint8Array(bytes).fill(at) }) as const,
    )
    await store.batch(steps)
    await store.close()
  }

  it('is readable by its owner only, with its directory and its other files', async () => {
    const path = newPath()
    const store = sqliteStore(driver, { path })
    await store.set('key', value)
    expect((await stat(join(path, '..'))).mode & 0o777).toBe(0o700)
    for (const file of [path, `${path}-wal`, `${path}-shm`]) expect((await stat(file)).mode & 0o777, file).toBe(0o600)
    await store.close()
    await chmod(path, 0o664)
    const again = sqliteStore(driver, { path })
    expect(await again.get('key')).toEqual(value)
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    await again.close()
  })

  it('is refused, untouched, when a newer version wrote it, also under a store that is open', async () => {
    const path = newPath()
    const store = sqliteStore(driver, { path })
    await store.set('key', value)
    beside(path, (database) => database.exec('PRAGMA user_version = 7'))
    expect(await codeOf(store.set('key', Uint8Array.of(9)))).toBe('storage-sqlite/newer-version')
    await store.close()
    const before = await readFile(path)
    const later = sqliteStore(driver, { path })
    expect(await codeOf(later.get('key'))).toBe('storage-sqlite/newer-version')
    await expect(later.set('key', value)).rejects.toThrow('version 7')
    await later.close()
    expect((await readFile(path)).equals(before)).toBe(true)
    beside(path, (database) => database.exec('PRAGMA user_version = 1'))
    const back = sqliteStore(driver, { path })
    expect(await back.get('key')).toEqual(value)
    await back.close()
  })

  it('is refused, untouched, when it is of another program', async () => {
    const path = newPath()
    await filled(path, 1, 1)
    for (const [file, sql] of [
      [join(root, `tables-${made}.db`), 'CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1)'],
      [join(root, `id-${made}.db`), 'PRAGMA application_id = 77'],
    ] as const) {
      beside(file, (database) => database.exec(sql))
      const before = await readFile(file)
      const store = sqliteStore(driver, { path: file })
      expect(await codeOf(store.set('key', value))).toBe('storage-sqlite/foreign-database')
      await store.close()
      expect((await readFile(file)).equals(before)).toBe(true)
    }
  })

  it('reports a file that is no database, and pages that are damaged, as store/corrupt', async () => {
    const noDatabase = newPath()
    await filled(noDatabase, 1, 1)
    await writeFile(noDatabase, 'This is a letter, not a database. '.repeat(400))
    const letter = sqliteStore(driver, { path: noDatabase })
    expect(await codeOf(letter.get('key'))).toBe('store/corrupt')
    await letter.close()

    const damaged = newPath()
    await filled(damaged, 400, 1000)
    const file = await open(damaged, 'r+')
    const { size } = await file.stat()
    for (let at = 3 * 4096; at < size; at += 4096) await file.write(new Uint8Array(4096).fill(0x5a), 0, 4096, at)
    await file.close()
    const store = sqliteStore(driver, { path: damaged })
    expect(await codeOf(count(store.scan('')))).toBe('store/corrupt')
    await store.close().catch(() => undefined)
  })

  it('reports an entry that is not bytes as store/corrupt', async () => {
    const path = newPath()
    await filled(path, 1, 1)
    beside(path, (database) => database.exec("UPDATE entry SET value = 'text'"))
    const store = sqliteStore(driver, { path })
    expect(await codeOf(store.get('key/10000'))).toBe('store/corrupt')
    await store.close()
  })

  it('reports a full disk as store/write-failed, keeps what was acknowledged, and goes on when there is room', async () => {
    const path = newPath()
    let pages = 40
    // SQLite's own limit on the size of a file fails exactly as a disk without room does.
    class SmallDisk extends driver {
      constructor(file: string) {
        super(file)
        this.exec(`PRAGMA max_page_count = ${pages}`)
      }
    }
    const store = sqliteStore(SmallDisk, { path })
    const long = new Uint8Array(20_000).fill(7)
    let kept = 0
    let code = ''
    while (code === '' && kept < 100) {
      const isKept = await store.set(`key/${kept}`, long).then(
        () => true,
        (error: unknown) => {
          code = OckamError.is(error) ? error.code : String(error)
          return false
        },
      )
      if (isKept) kept += 1
    }
    expect(code).toBe('store/write-failed')
    expect(kept).toBeGreaterThan(0)
    expect(await count(store.scan('key/'))).toBe(kept)
    await store.delete('key/0')
    await store.set('key/new', long)
    await store.close()
    pages = 10_000
    const later = sqliteStore(SmallDisk, { path })
    await later.set(`key/${kept}`, long)
    expect(await count(later.scan('key/'))).toBe(kept + 1)
    await later.close()
  })

  it('reports a path that cannot be used, call after call, until it can', async () => {
    const folder = join(root, `in-the-way-${made++}`)
    await writeFile(folder, '')
    const store = sqliteStore(driver, { path: join(folder, 'state.db') })
    expect(await codeOf(store.get('key'))).toBe('store/write-failed')
    expect(await codeOf(store.set('key', value))).toBe('store/write-failed')
    await rm(folder)
    await store.set('key', value)
    expect(await store.get('key')).toEqual(value)
    await store.close()
  })

  it('no longer contains what was replaced or deleted after a checkpoint, nor after closing', async () => {
    const path = newPath()
    const secret = new TextEncoder().encode('the very secret passphrase '.repeat(40))
    const holds = async (file: string): Promise<boolean> => (await readFile(file)).includes('the very secret')
    const store = sqliteStore(driver, { path })
    await store.set('a', secret)
    await store.set('b', secret)
    expect((await holds(path)) || (await holds(`${path}-wal`))).toBe(true)
    await store.set('a', value)
    await store.delete('b')
    expect(await store.checkpoint()).toBe(true)
    expect(await holds(path)).toBe(false)
    expect((await stat(`${path}-wal`)).size).toBe(0)
    await store.set('c', secret)
    await store.delete('c')
    const other = sqliteStore(driver, { path })
    await other.get('a')
    await store.close()
    expect((await stat(`${path}-wal`)).size).toBe(0)
    expect(await holds(path)).toBe(false)
    await other.close()
  })

  it('says that a checkpoint is not complete while a scan reads an older state', async () => {
    const path = newPath()
    await filled(path, 300, 10)
    const store = sqliteStore(driver, { path })
    const scan = store.scan('')[Symbol.asyncIterator]()
    await scan.next()
    await store.set('key/new', value)
    expect(await store.checkpoint()).toBe(false)
    await scan.return?.()
    expect(await store.checkpoint()).toBe(true)
    await store.close()
  })

  it('is scanned in pages: a long scan sees one state, in order, while others write', async () => {
    const path = newPath()
    await filled(path, 1000, 10)
    const store = sqliteStore(driver, { path })
    const other = sqliteStore(driver, { path })
    const keys: string[] = []
    for await (const { key, value: bytes } of store.scan('key/')) {
      if (keys.length === 0) {
        for (const at of [10_500, 10_900]) await other.delete(`key/${at}`)
        await other.set('key/10700x', value)
        await store.set('key/10800', value)
      }
      keys.push(key)
      expect(bytes).toHaveLength(10)
    }
    expect(keys).toEqual(Array.from({ length: 1000 }, (_, at) => `key/${at + 10_000}`))
    expect(await count(store.scan('key/'))).toBe(999)
    await Promise.all([store.close(), other.close()])
  })

  it('is scanned without holding long values in memory, one at a time', async () => {
    const path = newPath()
    const store = sqliteStore(driver, { path })
    for (let at = 0; at < 5; at++) await store.set(`long/${at}`, new Uint8Array(400_000).fill(at))
    let seen = 0
    for await (const { value: bytes } of store.scan('long/')) {
      expect([bytes.length, bytes[399_999]]).toEqual([400_000, seen])
      seen += 1
    }
    expect(seen).toBe(5)
    await store.close()
  })

  it('bounds the scans that nobody ends, and has room again when one is ended', async () => {
    const path = newPath()
    await filled(path, 300, 10)
    const store = sqliteStore(driver, { path })
    const scans = Array.from({ length: 16 }, () => store.scan('')[Symbol.asyncIterator]())
    for (const scan of scans) await scan.next()
    expect(await codeOf(count(store.scan('')))).toBe('storage-sqlite/too-many-scans')
    expect(await count(store.scan('key/10001')), 'a short scan needs none').toBe(1)
    await scans[0]?.return?.()
    expect(await count(store.scan(''))).toBe(300)
    await store.close()
    for (const scan of scans.slice(1)) expect(await codeOf(scan.next())).toBe('store/closed')
  })

  it('bounds the writes that wait', async () => {
    const store = sqliteStore(driver, { path: newPath(), maxWaitingBytes: 1000 })
    const writes = Array.from({ length: 10 }, (_, at) => codeOf(store.set(`key/${at}`, new Uint8Array(300))))
    const outcomes = await Promise.all(writes)
    expect(outcomes.filter((code) => code === 'store/write-failed')).toHaveLength(7)
    await store.set('key/later', new Uint8Array(300))
    expect(await count(store.scan(''))).toBe(4)
    await store.close()
  })

  it('shares one sync among writes that wait together', async () => {
    let commits = 0
    class Counting extends driver {
      override exec(sql: string): unknown {
        if (sql === 'COMMIT') commits += 1
        return super.exec(sql)
      }
    }
    const store = sqliteStore(Counting, { path: newPath() })
    await store.set('first', value)
    commits = 0
    await Promise.all(Array.from({ length: 500 }, (_, at) => store.set(`key/${at}`, value)))
    expect(commits).toBe(1)
    await store.close()
  })

  it('is set to sync at every commit and to overwrite what is deleted, on every connection', async () => {
    const path = newPath()
    const opened: SqliteDatabase[] = []
    class Watched extends driver {
      constructor(file: string) {
        super(file)
        opened.push(this)
      }
    }
    await filled(path, 300, 10)
    const store = sqliteStore(Watched, { path })
    const scan = store.scan('')[Symbol.asyncIterator]()
    await scan.next()
    expect(opened).toHaveLength(2)
    for (const database of opened) {
      const settings = ['journal_mode', 'synchronous', 'secure_delete', 'trusted_schema', 'fullfsync'].map((name) =>
        Object.values(database.prepare(`PRAGMA ${name}`).get() as object),
      )
      expect(settings).toEqual([['wal'], [2], [1], [0], [1]])
    }
    await store.close()
  })

  it('says once that it was opened, and nothing before the first call', async () => {
    const events: unknown[] = []
    const path = newPath()
    const store = sqliteStore(driver, { path, diagnostics: { event: (name, details) => events.push([name, details]) } })
    expect(events).toEqual([])
    await expect(stat(path)).rejects.toThrow('ENOENT')
    await store.get('key')
    await store.get('key')
    expect(events).toEqual([['store/opened', { path }]])
    await store[Symbol.asyncDispose]()
    expect(await codeOf(store.checkpoint())).toBe('store/closed')
  })

  it.each([
    ['a path', { path: '' }],
    ['a path', { path: ':memory:' }],
    ['a path', { path: 7 }],
    ['a namespace', { namespace: '' }],
    ['a namespace', { namespace: 'a/b' }],
    ['a namespace', { namespace: 'x'.repeat(65) }],
    ['a time', { lockTimeoutMs: -1 }],
    ['a time', { lockTimeoutMs: Number.NaN }],
    ['a number of bytes', { maxWaitingBytes: 0 }],
  ])('is refused %s that is not one: %o', async (_what, wrong) => {
    const options = { path: newPath(), ...wrong } as SqliteStoreOptions
    expect(await codeOf(Promise.resolve().then(() => sqliteStore(driver, options)))).toBe('store/invalid-argument')
  })
})

describe('a driver that is no class', () => {
  it('is refused when the store is made', () => {
    expect(() => sqliteStore(undefined as unknown as SqliteDriver, { path: join(root, 'no-driver.db') })).toThrow('driver must be a class')
  })
})
