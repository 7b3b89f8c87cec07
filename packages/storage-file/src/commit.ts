/**
 * What one sync will make durable: the changes of several writes, evaluated in the order they came, and the answers they get afterwards.
 *
 * Pure: touches neither disk nor table. The checks of a write see the table and the writes before it in the same commit; all of them are answered
 * alike when the sync fails, since each may rest on the ones before.
 */

import { type OwnedStoreStep, storeChecksHold, type StoreTable } from '@ockam/core'
import { storeError } from './error.ts'
import { type Change, changeLength, entryLength } from './log-format.ts'

/** Changes of one commit are gathered until they have this many bytes. */
const COMMIT_LENGTH = 1024 * 1024

/** A write that waits for its turn, with values copied from the caller. */
export interface PendingWrite {
  readonly steps: readonly OwnedStoreStep[]
  /** A delete that is to report whether there was something. */
  readonly mustExist: boolean
  /** Bytes it holds in memory. */
  readonly length: number
  readonly resolve: (isDone: boolean) => void
  readonly reject: (error: unknown) => void
}

export class Commit {
  readonly changes: Change[] = []
  /** Bytes of `changes` in the log. */
  length = 0
  readonly #table: StoreTable
  readonly #overlay = new Map<string, Uint8Array | undefined>()
  /** Bytes by which the live entries may still grow. */
  #room: number
  readonly #answers: { readonly write: PendingWrite; readonly isDone: boolean; readonly error?: unknown }[] = []

  constructor(table: StoreTable, room: number) {
    this.#table = table
    this.#room = room
  }

  /** False when this commit is full and the write must wait for the next. */
  admit(write: PendingWrite): boolean {
    if (this.length >= COMMIT_LENGTH) return false
    const { steps, mustExist } = write
    if (!storeChecksHold(steps, this.#read) || (mustExist && steps.some(({ key }) => this.#read(key) === undefined))) {
      this.#answers.push({ write, isDone: false })
      return true
    }
    const changes = steps.filter((step): step is Change => step.kind !== 'check')
    const growth = this.#growthOf(changes)
    if (growth > Math.max(this.#room, 0)) {
      const message = 'The store is full: its entries would have more bytes than maxBytes allows. Delete some, or allow more.'
      this.#answers.push({ write, isDone: false, error: storeError('store/write-failed', message) })
      return true
    }
    this.#room -= growth
    for (const change of changes) {
      this.#overlay.set(change.key, change.kind === 'set' ? change.value : undefined)
      this.changes.push(change)
      this.length += changeLength(change)
    }
    this.#answers.push({ write, isDone: true })
    return true
  }

  answer(): void {
    for (const { write, isDone, error } of this.#answers) {
      if (error === undefined) write.resolve(isDone)
      else write.reject(error)
    }
  }

  refuse(reason: unknown): void {
    for (const { write } of this.#answers) write.reject(reason)
  }

  readonly #read = (key: string): Uint8Array | undefined => (this.#overlay.has(key) ? this.#overlay.get(key) : this.#table.get(key))

  #growthOf(changes: readonly Change[]): number {
    const last = new Map(changes.map((change) => [change.key, change]))
    let growth = 0
    for (const [key, change] of last) {
      const old = this.#read(key)
      if (old !== undefined) growth -= entryLength(key, old)
      if (change.kind === 'set') growth += entryLength(key, change.value)
    }
    return growth
  }
}

/** Applies a change and returns by how many bytes the live entries grew. */
export function applyTo(table: StoreTable, change: Change): number {
  const old = table.get(change.key)
  const before = old === undefined ? 0 : entryLength(change.key, old)
  if (change.kind === 'delete') {
    table.delete(change.key)
    return -before
  }
  table.set(change.key, change.value)
  return entryLength(change.key, change.value) - before
}

/** The changes that make exactly the entries of `table`, ordered by key. */
export function* entriesAsChanges(table: StoreTable): Generator<Change> {
  for (const { key, value } of table.snapshot('')) yield { kind: 'set', key, value }
}
