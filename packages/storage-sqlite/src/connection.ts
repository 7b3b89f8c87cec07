/**
 * One connection to the database of a store, with its settings and prepared statements. All calls are synchronous; what the driver throws passes
 * through. Transactions begin and end within one call, except that of a {@link Snapshot}, which has a connection to itself.
 *
 * Settings (https://sqlite.org/pragma.html): write-ahead log, so that readers and the writer do not wait for each other; a sync at every commit
 * (`synchronous` FULL, on macOS `fullfsync`), so that acknowledged is on the medium; deleted content overwritten (`secure_delete`); names in the
 * schema not trusted to call functions.
 */

import { type OwnedStoreStep, type StoreEntry, storeChecksHold } from '@ockam/core'
import { prepareDatabaseFile } from './database-file.ts'
import { decodeKey, encodeKey, type KeyRange, rangeAfter } from './entry-key.ts'
import { storeError } from './error.ts'
import { checkVersion, migrate, numberOf, rollBack } from './schema.ts'
import type { SqliteDatabase, SqliteDriver, SqliteStatement } from './sqlite-driver.ts'

/** How long SQLite itself waits for a lock, blocking the process; longer waits are left to who calls. */
const BLOCKING_WAIT_MS = 10
/** Bytes of write-ahead log that stay on the medium once it has been copied into the database. */
const LOG_BYTES = 16 * 1024 * 1024
/** Most keys of a scan in memory. */
const PAGE_KEYS = 256
/** A scan of a single page with at most so many bytes of values is read at once. */
const PAGE_BYTES = 1024 * 1024

/** What a write asks for; `mustExist`: a delete that is to report whether there was something. */
export interface Write {
  readonly steps: readonly OwnedStoreStep[]
  readonly mustExist: boolean
}

export class Connection {
  readonly #database: SqliteDatabase
  readonly #path: string
  readonly #namespace: string
  readonly #get: SqliteStatement
  readonly #set: SqliteStatement
  readonly #delete: SqliteStatement
  readonly #page: SqliteStatement
  readonly #version: SqliteStatement

  constructor(database: SqliteDatabase, path: string, namespace: string) {
    this.#database = database
    this.#path = path
    this.#namespace = namespace
    this.#get = database.prepare('SELECT value FROM entry WHERE store = ? AND key = ?')
    this.#set = database.prepare(
      'INSERT INTO entry (store, key, value) VALUES (?, ?, ?) ON CONFLICT (store, key) DO UPDATE SET value = excluded.value',
    )
    this.#delete = database.prepare('DELETE FROM entry WHERE store = ? AND key = ?')
    this.#page = database.prepare(
      `SELECT key, length(value) AS length FROM entry WHERE store = ? AND key >= ? AND key <= ? ORDER BY key LIMIT ${PAGE_KEYS}`,
    )
    this.#version = database.prepare('PRAGMA user_version')
  }

  /** @throws {OckamError} `storage-sqlite/newer-version`, `storage-sqlite/foreign-database`. Errors of driver and system pass through. */
  static open(driver: SqliteDriver, path: string, namespace: string): Connection {
    prepareDatabaseFile(path)
    const database = new driver(path)
    try {
      database.exec(`PRAGMA busy_timeout = ${BLOCKING_WAIT_MS}`)
      database.exec('PRAGMA trusted_schema = OFF; PRAGMA secure_delete = ON; PRAGMA synchronous = FULL; PRAGMA fullfsync = ON')
      migrate(database, path)
      // Only now: the mode is kept in the file, which may have turned out to be another program's.
      const mode = database.prepare('PRAGMA journal_mode = WAL').get() as { readonly journal_mode: unknown }
      if (mode.journal_mode !== 'wal') {
        throw storeError(
          'store/write-failed',
          `The file system of ${path} cannot hold a write-ahead log. Keep the database on a local disk.`,
        )
      }
      database.exec(`PRAGMA journal_size_limit = ${LOG_BYTES}`)
      return new Connection(database, path, namespace)
    } catch (error) {
      database.close()
      throw error
    }
  }

  get(key: string): Uint8Array<ArrayBuffer> | undefined {
    return this.#value(encodeKey(key))
  }

  /** Makes several writes durable with one sync. Each sees the ones before it; the answers say which checks held. */
  commit(writes: readonly Write[]): boolean[] {
    this.#database.exec('BEGIN IMMEDIATE')
    try {
      // A newer program may have come while this connection was open.
      checkVersion(numberOf(this.#version), this.#path)
      const answers = writes.map((write) => this.#apply(write))
      this.#database.exec('COMMIT')
      return answers
    } catch (error) {
      rollBack(this.#database)
      throw error
    }
  }

  /** All entries of a range, if they fit one page; undefined when that takes a {@link Snapshot}. */
  smallScan(range: KeyRange): StoreEntry[] | undefined {
    return this.#reading(() => {
      const page = this.#keys(range)
      const length = page.reduce((sum, entry) => sum + entry.length, 0)
      return page.length === PAGE_KEYS || length > PAGE_BYTES ? undefined : page.map(({ key }) => this.#entry(key))
    })
  }

  /** The entries of a range as they are now, one at a time in ascending order, until `end`. Until then nothing else may use this connection. */
  snapshot(range: KeyRange): Snapshot {
    this.#database.exec('BEGIN')
    try {
      let page = this.#keys(range)
      let at = 0
      return {
        next: () => {
          const last = page.at(-1)
          if (at === page.length && page.length === PAGE_KEYS && last !== undefined) {
            page = this.#keys(rangeAfter(range, last.key))
            at = 0
          }
          const key = page[at]?.key
          if (key === undefined) return undefined
          const entry = this.#entry(key)
          // Only once it was read: a read that failed may be tried again.
          at += 1
          return entry
        },
        end: () => rollBack(this.#database),
      }
    } catch (error) {
      rollBack(this.#database)
      throw error
    }
  }

  /** Copies the write-ahead log into the database and empties it. False when another connection still needs it. */
  checkpoint(): boolean {
    const row = this.#database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get() as { readonly busy: number | bigint }
    return Number(row.busy) === 0
  }

  close(): void {
    this.#database.close()
  }

  #apply({ steps, mustExist }: Write): boolean {
    if (!storeChecksHold(steps, (key) => this.get(key))) return false
    let changes = 0
    for (const step of steps) {
      if (step.kind === 'set') this.#set.run(this.#namespace, encodeKey(step.key), step.value)
      else if (step.kind === 'delete') changes += Number(this.#delete.run(this.#namespace, encodeKey(step.key)).changes)
    }
    return !mustExist || changes > 0
  }

  #reading<T>(read: () => T): T {
    this.#database.exec('BEGIN')
    try {
      return read()
    } finally {
      rollBack(this.#database)
    }
  }

  #keys({ from, to }: KeyRange): { readonly key: Uint8Array; readonly length: number }[] {
    return this.#page.all(this.#namespace, from, to) as { key: Uint8Array; length: number }[]
  }

  #entry(key: Uint8Array): StoreEntry {
    const value = this.#value(key)
    if (value === undefined) throw this.#damaged()
    return { key: decodeKey(key), value }
  }

  #value(key: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
    const row = this.#get.get(this.#namespace, key) as { readonly value: unknown } | undefined
    if (row === undefined) return undefined
    if (!(row.value instanceof Uint8Array)) throw this.#damaged()
    return plainBytes(row.value as Uint8Array<ArrayBuffer>)
  }

  #damaged(): Error {
    return storeError('store/corrupt', `The database ${this.#path} has an entry that no store wrote. Restore a copy of it.`)
  }
}

/** A read transaction under way. */
export interface Snapshot {
  next(): StoreEntry | undefined
  end(): void
}

/** Drivers answer with a Buffer, or with an array of their own; a Buffer may be part of a pool. */
function plainBytes(value: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return value.byteLength === value.buffer.byteLength ? new Uint8Array(value.buffer) : new Uint8Array(value)
}
