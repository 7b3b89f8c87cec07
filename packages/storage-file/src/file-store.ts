/**
 * The store in one directory: all entries in memory, every change in an append-only log that is synced before the change is acknowledged.
 *
 * Reads see what is durable, never a write that may still be refused. Writes wait in a queue; a single writer takes what waits, evaluates it in
 * order, makes one commit of it, and only then answers all of it: many concurrent writes share one sync. Between commits the log is compacted
 * when more than half of it is obsolete.
 *
 * Does not encrypt: secrets are sealed by who stores them (a vault). Does not serve several processes: see the lock.
 */

import { resolve } from 'node:path'
import {
  checkStoreKey,
  checkStorePrefix,
  copyStoreSteps,
  copyStoreValue,
  type Diagnostics,
  type DiagnosticValue,
  OckamError,
  type OwnedStoreStep,
  silentDiagnostics,
  type Store,
  type StoreEntry,
  type StoreErrorCode,
  type StoreStep,
  StoreTable,
} from '@ockam/core'
import { applyTo, Commit, entriesAsChanges, type PendingWrite } from './commit.ts'
import type { Disk, DiskLock } from './disk.ts'
import { reasonOf, storeError } from './error.ts'
import { LogFile } from './log-file.ts'
import { changeLength } from './log-format.ts'
import { nodeDisk } from './node-disk.ts'

export interface FileStoreOptions {
  /**
   * Most bytes of live entries (keys, values, nine bytes each), and most bytes of writes that wait; both are held in memory.
   * A write beyond it is refused with `store/write-failed`. Default 256 MiB.
   */
  readonly maxBytes?: number
  /** A log shorter than this is never compacted, however much of it is obsolete. Default 1 MiB. */
  readonly compactAboveBytes?: number
  /** Receives `store/opened`, `store/tail-discarded`, `store/compacted`, `store/compaction-failed`. Default: nobody. */
  readonly diagnostics?: Diagnostics
}

/**
 * A store in the directory `path`, which is created when missing. Nothing is touched before the first call; that call, and every later one
 * until it succeeds, reports why the directory cannot be used: `store/locked`, `store/corrupt`, `store/write-failed`.
 *
 * Does not keep the process alive: an idle store that nobody closed lets the process end, and loses nothing.
 */
export function fileStore(path: string, options: FileStoreOptions = {}): Store & AsyncDisposable {
  return fileStoreOn(nodeDisk, path, options)
}

/** {@link fileStore} on any disk. */
export function fileStoreOn(disk: Disk, path: string, options: FileStoreOptions = {}): Store & AsyncDisposable {
  if (typeof path !== 'string' || path === '') throw storeError('store/invalid-argument', 'fileStore: the path of the directory is empty.')
  for (const name of ['maxBytes', 'compactAboveBytes'] as const) {
    const value = options[name]
    if (value !== undefined && !(Number.isSafeInteger(value) && value > 0)) {
      throw storeError('store/invalid-argument', `fileStore: ${name} must be a positive integer, got ${value}.`)
    }
  }
  return new FileStore(disk, resolve(path), options)
}

class FileStore implements Store, AsyncDisposable {
  readonly #disk: Disk
  readonly #path: string
  readonly #maxBytes: number
  readonly #compactAboveBytes: number
  readonly #diagnostics: Diagnostics

  #table = new StoreTable()
  /** Bytes that a log with nothing obsolete would need for the entries of the table. */
  #liveBytes = 0
  #log: LogFile | undefined
  #lock: DiskLock | undefined
  #opening: Promise<LogFile> | undefined

  #queue: PendingWrite[] = []
  #queuedBytes = 0
  #writing: Promise<void> | undefined
  /** After a compaction that failed: not before the log has grown to this. */
  #noCompactionBelow = 0
  #closing: Promise<void> | undefined

  constructor(disk: Disk, path: string, options: FileStoreOptions) {
    this.#disk = disk
    this.#path = path
    this.#maxBytes = options.maxBytes ?? 256 * 1024 * 1024
    this.#compactAboveBytes = options.compactAboveBytes ?? 1024 * 1024
    this.#diagnostics = options.diagnostics ?? silentDiagnostics
  }

  async get(key: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    this.#checkNotClosed()
    checkStoreKey(key)
    if (this.#log === undefined) await this.#open()
    return this.#table.get(key)?.slice()
  }

  async set(key: string, value: Uint8Array): Promise<void> {
    this.#checkNotClosed()
    checkStoreKey(key)
    await this.#write([{ kind: 'set', key, value: copyStoreValue(value) }], false)
  }

  async delete(key: string): Promise<boolean> {
    this.#checkNotClosed()
    checkStoreKey(key)
    return await this.#write([{ kind: 'delete', key }], true)
  }

  async *scan(prefix: string): AsyncGenerator<StoreEntry, void, undefined> {
    this.#checkNotClosed()
    checkStorePrefix(prefix)
    if (this.#log === undefined) await this.#open()
    for (const { key, value } of this.#table.snapshot(prefix)) {
      this.#checkNotClosed()
      yield { key, value: value.slice() }
    }
  }

  async batch(steps: readonly StoreStep[]): Promise<boolean> {
    this.#checkNotClosed()
    return await this.#write(copyStoreSteps(steps), false)
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
    await this.#writing
    await this.#opening?.catch(() => undefined)
    try {
      await this.#log?.close()
    } finally {
      await this.#lock?.release()
    }
  }

  #checkNotClosed(): void {
    if (this.#closing !== undefined) {
      throw storeError('store/closed', `The store in ${this.#path} was closed. Make a new one with fileStore() to use it again.`)
    }
  }

  /** Opens once; after a failure the next call tries again, because what was in the way may be gone. */
  #open(): Promise<LogFile> {
    this.#opening ??= this.#openLog().catch((error: unknown) => {
      this.#opening = undefined
      throw error
    })
    return this.#opening
  }

  async #openLog(): Promise<LogFile> {
    let lock: DiskLock | undefined
    const table = new StoreTable()
    try {
      await this.#disk.makeDirectory(this.#path)
      lock = await this.#disk.lock(this.#path)
      let liveBytes = 0
      const log = await LogFile.open(this.#disk, this.#path, (changes) => {
        for (const change of changes) liveBytes += applyTo(table, change)
      })
      if (log.tornBytes > 0) this.#report('store/tail-discarded', { bytes: log.tornBytes })
      this.#report('store/opened', { entries: table.size, bytes: log.size })
      this.#table = table
      this.#liveBytes = liveBytes
      this.#lock = lock
      this.#log = log
      return log
    } catch (error) {
      await lock?.release().catch(() => undefined)
      if (OckamError.is<StoreErrorCode>(error)) throw error
      throw storeError(
        'store/write-failed',
        `The store cannot open ${this.#path} (${reasonOf(error)}). Is it a directory of yours, on a medium that works?`,
        error,
      )
    }
  }

  #write(steps: readonly OwnedStoreStep[], mustExist: boolean): Promise<boolean> {
    let length = 0
    for (const step of steps) length += step.kind === 'check' ? (step.value?.length ?? 0) : changeLength(step)
    // One write alone may be longer: replacing a value can make the store smaller.
    if (this.#queuedBytes > 0 && this.#queuedBytes + length > this.#maxBytes) {
      const message = `More than ${this.#maxBytes} bytes wait to be written to ${this.#path}. Await earlier writes before making more.`
      return Promise.reject(storeError('store/write-failed', message))
    }
    this.#queuedBytes += length
    return new Promise((resolve, reject) => {
      this.#queue.push({ steps, mustExist, length, resolve, reject })
      this.#writing ??= this.#writeQueue()
    })
  }

  /** The single writer: runs while anything waits. Never rejects. */
  async #writeQueue(): Promise<void> {
    // Let the callers of this turn put in what they have.
    await Promise.resolve()
    while (this.#queue.length > 0) {
      try {
        const log = this.#log ?? (await this.#open())
        await this.#writeCommit(log, this.#nextCommit())
        await this.#compactIfWorthIt(log)
      } catch (error) {
        this.#refuseAll(error)
      }
    }
    this.#writing = undefined
  }

  #nextCommit(): Commit {
    const commit = new Commit(this.#table, this.#maxBytes - this.#liveBytes)
    const firstLeft = this.#queue.findIndex((write) => !commit.admit(write))
    for (const { length } of this.#queue.splice(0, firstLeft < 0 ? this.#queue.length : firstLeft)) this.#queuedBytes -= length
    return commit
  }

  async #writeCommit(log: LogFile, commit: Commit): Promise<void> {
    try {
      if (commit.changes.length > 0) await log.append(commit.changes, commit.length)
    } catch (error) {
      commit.refuse(error)
      return
    }
    for (const change of commit.changes) this.#liveBytes += applyTo(this.#table, change)
    commit.answer()
  }

  #refuseAll(error: unknown): void {
    const writes = this.#queue
    this.#queue = []
    this.#queuedBytes = 0
    for (const { reject } of writes) reject(error)
  }

  async #compactIfWorthIt(log: LogFile): Promise<void> {
    if (log.size < this.#compactAboveBytes || log.size < 2 * this.#liveBytes || log.size < this.#noCompactionBelow) return
    const before = log.size
    try {
      await log.compact(entriesAsChanges(this.#table))
      this.#noCompactionBelow = 0
      this.#report('store/compacted', { beforeBytes: before, bytes: log.size })
    } catch (error) {
      // Every write so far is safe in the old log. A disk without room will not have any a millisecond later.
      this.#noCompactionBelow = 2 * before
      this.#report('store/compaction-failed', { reason: reasonOf(error) })
    }
  }

  #report(name: string, details: Readonly<Record<string, DiagnosticValue>>): void {
    this.#diagnostics.event(name, { path: this.#path, ...details })
  }
}
