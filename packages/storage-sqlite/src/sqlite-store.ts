/**
 * A store in a SQLite database: several stores may share the file, and several processes may use it at the same time. SQLite's own locks decide
 * who writes; a batch is one transaction, so its checks hold between processes too.
 *
 * A driver is synchronous: while it writes, the process waits for the disk. Waiting for a lock that another process holds does not block.
 *
 * Does not encrypt: secrets are sealed by who stores them (a vault). Does not work on network file systems: SQLite's locks do not.
 */

import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  checkStoreKey,
  checkStorePrefix,
  copyStoreSteps,
  copyStoreValue,
  type Diagnostics,
  silentDiagnostics,
  type Store,
  type StoreEntry,
  type StoreStep,
} from '@ockam/core'
import { Connection } from './connection.ts'
import { rangeOfPrefix } from './entry-key.ts'
import { explain, isBusy, storeError } from './error.ts'
import { SnapshotPool } from './snapshot-pool.ts'
import type { SqliteDriver } from './sqlite-driver.ts'
import { WriteQueue } from './write-queue.ts'

export interface SqliteStoreOptions {
  /** The database file. It and its directory are created when missing. */
  readonly path: string
  /** Which of the stores in the file: 1 to 64 of `A-Z a-z 0-9 _ . -`. They do not see each other. Default `main`. */
  readonly namespace?: string
  /** How long a call tries while another connection holds the lock it needs, before it fails with `store/locked`. Default 5000. */
  readonly lockTimeoutMs?: number
  /** Most bytes of writes that wait in memory; one more is refused with `store/write-failed`. Default 256 MiB. */
  readonly maxWaitingBytes?: number
  /** Receives `store/opened`. Default: nobody. */
  readonly diagnostics?: Diagnostics
}

export interface SqliteStore extends Store, AsyncDisposable {
  /**
   * Moves all that was written into the database file and empties the write-ahead log; deleted and replaced values are then nowhere in SQLite's
   * files. Call it after secrets were replaced. False when another connection still reads an older state: try again later.
   */
  checkpoint(): Promise<boolean>
}

/**
 * A store in the database file `path`. Nothing is touched before the first call; that call, and every later one until it succeeds, reports why
 * the file cannot be used.
 *
 * @throws {OckamError} `store/invalid-argument` when an option is not acceptable.
 */
export function sqliteStore(driver: SqliteDriver, options: SqliteStoreOptions): SqliteStore {
  const { path, namespace = 'main', lockTimeoutMs = 5000, maxWaitingBytes = 256 * 1024 * 1024 } = options
  if (typeof driver !== 'function') {
    throw storeError('store/invalid-argument', 'sqliteStore: the driver must be a class, DatabaseSync of node:sqlite or better-sqlite3.')
  }
  if (typeof path !== 'string' || path === '' || path === ':memory:') {
    throw storeError('store/invalid-argument', 'sqliteStore: path must name a file. In memory, use memoryStore() of @ockam/core.')
  }
  if (typeof namespace !== 'string' || !/^[\w.-]{1,64}$/.test(namespace)) {
    throw storeError(
      'store/invalid-argument',
      `sqliteStore: namespace must be 1 to 64 of A-Z a-z 0-9 _ . - , got ${JSON.stringify(namespace)}.`,
    )
  }
  if (!Number.isSafeInteger(lockTimeoutMs) || lockTimeoutMs < 0) {
    throw storeError('store/invalid-argument', `sqliteStore: lockTimeoutMs must be a whole number of at least 0, got ${lockTimeoutMs}.`)
  }
  if (!Number.isSafeInteger(maxWaitingBytes) || maxWaitingBytes <= 0) {
    throw storeError('store/invalid-argument', `sqliteStore: maxWaitingBytes must be a positive integer, got ${maxWaitingBytes}.`)
  }
  return new StoreInDatabase(driver, resolve(path), namespace, lockTimeoutMs, maxWaitingBytes, options.diagnostics ?? silentDiagnostics)
}

/** Longest pause before a lock is tried again. */
const PAUSE_MS = 25

class StoreInDatabase implements SqliteStore {
  readonly #path: string
  readonly #lockTimeoutMs: number
  readonly #diagnostics: Diagnostics
  readonly #openConnection: () => Connection
  readonly #snapshots: SnapshotPool
  readonly #writes: WriteQueue

  #connection: Connection | undefined
  /** Calls that use a connection, and who waits for their end. */
  #running = 0
  #afterLast: (() => void) | undefined
  #closing: Promise<void> | undefined

  constructor(
    driver: SqliteDriver,
    path: string,
    namespace: string,
    lockTimeoutMs: number,
    maxWaitingBytes: number,
    diagnostics: Diagnostics,
  ) {
    this.#path = path
    this.#lockTimeoutMs = lockTimeoutMs
    this.#diagnostics = diagnostics
    this.#openConnection = () => Connection.open(driver, path, namespace)
    this.#snapshots = new SnapshotPool(this.#openConnection)
    this.#writes = new WriteQueue((writes) => this.#run((connection) => connection.commit(writes)), maxWaitingBytes)
  }

  async get(key: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    this.#checkNotClosed()
    checkStoreKey(key)
    return await this.#run((connection) => connection.get(key))
  }

  async set(key: string, value: Uint8Array): Promise<void> {
    this.#checkNotClosed()
    checkStoreKey(key)
    await this.#writes.add([{ kind: 'set', key, value: copyStoreValue(value) }], false)
  }

  async delete(key: string): Promise<boolean> {
    this.#checkNotClosed()
    checkStoreKey(key)
    return await this.#writes.add([{ kind: 'delete', key }], true)
  }

  async *scan(prefix: string): AsyncGenerator<StoreEntry, void, undefined> {
    this.#checkNotClosed()
    checkStorePrefix(prefix)
    const range = rangeOfPrefix(prefix)
    if (range === undefined) return
    const found = await this.#run((connection) => connection.smallScan(range) ?? this.#snapshots.begin(range))
    if (Array.isArray(found)) {
      for (const entry of found) {
        this.#checkNotClosed()
        yield entry
      }
      return
    }
    try {
      for (;;) {
        this.#checkNotClosed()
        const entry = await this.#run(() => found.next())
        if (entry === undefined) return
        yield entry
      }
    } finally {
      found.end()
    }
  }

  async batch(steps: readonly StoreStep[]): Promise<boolean> {
    this.#checkNotClosed()
    return await this.#writes.add(copyStoreSteps(steps), false)
  }

  async checkpoint(): Promise<boolean> {
    this.#checkNotClosed()
    await this.#writes.idle()
    return await this.#run((connection) => connection.checkpoint())
  }

  close(): Promise<void> {
    this.#closing ??= this.#finish()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #finish(): Promise<void> {
    // Reads and writes that came before are answered first, whatever the answer is.
    await this.#writes.idle()
    if (this.#running > 0) await new Promise<void>((resolveLast) => (this.#afterLast = resolveLast))
    this.#snapshots.close()
    const connection = this.#connection
    this.#connection = undefined
    if (connection === undefined) return
    try {
      connection.checkpoint()
    } catch (error) {
      // What is in the write-ahead log is as durable there; the next to open the file goes on from it. Damage is another matter.
      if (!isBusy(error)) throw explain(error, this.#path)
    } finally {
      connection.close()
    }
  }

  #checkNotClosed(): void {
    if (this.#closing !== undefined) {
      throw storeError('store/closed', `The store in ${this.#path} was closed. Make a new one with sqliteStore() to use it again.`)
    }
  }

  /** Uses the connection, which is opened when there is none yet. Tries again while somebody else holds a lock. */
  async #run<T>(use: (connection: Connection) => T): Promise<T> {
    this.#running += 1
    try {
      const deadline = performance.now() + this.#lockTimeoutMs
      for (;;) {
        try {
          return use(this.#opened())
        } catch (error) {
          if (!isBusy(error) || performance.now() >= deadline) throw explain(error, this.#path)
        }
        await sleep(Math.random() * PAUSE_MS)
      }
    } finally {
      this.#running -= 1
      if (this.#running === 0) this.#afterLast?.()
    }
  }

  #opened(): Connection {
    if (this.#connection === undefined) {
      this.#connection = this.#openConnection()
      this.#diagnostics.event('store/opened', { path: this.#path })
    }
    return this.#connection
  }
}
