/**
 * A disk in memory that forgets like a real one: what was not synced may be gone, torn, or there, once the power fails; a killed process loses
 * nothing that the system had accepted. Can fail on command, and counts what is asked of it.
 */

import { OckamError } from '@ockam/core'
import type { Disk, DiskFile, DiskLock } from '../src/disk.ts'

export type Operation =
  | 'makeDirectory'
  | 'open'
  | 'create'
  | 'rename'
  | 'remove'
  | 'syncDirectory'
  | 'size'
  | 'read'
  | 'write'
  | 'truncate'
  | 'sync'
  | 'lock'

/** Whole numbers below `below`. */
export type RandomNumber = (below: number) => number

type FileChange =
  | { readonly kind: 'write'; readonly position: number; readonly bytes: Uint8Array }
  | { readonly kind: 'truncate'; readonly length: number }

class Inode {
  content: Uint8Array = new Uint8Array(0)
  durable: Uint8Array = new Uint8Array(0)
  unsynced: FileChange[] = []
}

export function diskError(code: string): Error {
  return Object.assign(new Error(`${code}: simulated`), { code })
}

export class SimulatedDisk implements Disk {
  /** Called before each operation; what it throws is the operation's failure. Returns how many bytes of a write are taken before it fails. */
  before: (operation: Operation, path: string) => void = () => undefined
  /** When set, the operation with this number, counted down, is the last thing that happens: it is cut short, and nothing works any more. */
  operationsUntilCrash = Number.POSITIVE_INFINITY
  /** How much of a write that fails is done all the same, between 0 and 1. */
  partOfFailedWrite = 0
  readonly counts = new Map<Operation, number>()
  #names = new Map<string, Inode>()
  #durableNames = new Map<string, Inode>()
  /** Changes of names since the last `syncDirectory`, each as the whole directory after it. */
  #unsyncedNames: Map<string, Inode>[] = []
  readonly #locks = new Set<string>()
  #isCrashed = false

  get isCrashed(): boolean {
    return this.#isCrashed
  }

  /** What a new process finds after this one was killed. */
  afterKill(): SimulatedDisk {
    const disk = new SimulatedDisk()
    for (const [path, { content }] of this.#names) disk.#put(path, content)
    return disk
  }

  /** What is left when the power fails now: some of what was not synced, in any order, torn anywhere. */
  afterPowerCut(random: RandomNumber): SimulatedDisk {
    const disk = new SimulatedDisk()
    const states = [this.#durableNames, ...this.#unsyncedNames]
    for (const [path, inode] of states[random(states.length)] ?? []) disk.#put(path, survivingContent(inode, random))
    return disk
  }

  contentOf(path: string): Uint8Array {
    return this.#names.get(path)?.content ?? new Uint8Array(0)
  }

  get paths(): string[] {
    return [...this.#names.keys()]
  }

  async makeDirectory(path: string): Promise<void> {
    await this.#step('makeDirectory', path)
  }

  async open(path: string): Promise<DiskFile> {
    await this.#step('open', path)
    const inode = this.#names.get(path)
    if (inode === undefined) throw diskError('ENOENT')
    return this.#file(inode)
  }

  async create(path: string): Promise<DiskFile> {
    await this.#step('create', path)
    if (this.#names.has(path)) throw diskError('EEXIST')
    const inode = new Inode()
    this.#rename(() => this.#names.set(path, inode))
    return this.#file(inode)
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#step('rename', to)
    const inode = this.#names.get(from)
    if (inode === undefined) throw diskError('ENOENT')
    this.#rename(() => {
      this.#names.delete(from)
      this.#names.set(to, inode)
    })
  }

  async remove(path: string): Promise<void> {
    await this.#step('remove', path)
    if (this.#names.has(path)) this.#rename(() => this.#names.delete(path))
  }

  async syncDirectory(path: string): Promise<void> {
    await this.#step('syncDirectory', path)
    this.#durableNames = new Map(this.#names)
    this.#unsyncedNames = []
  }

  async lock(directory: string): Promise<DiskLock> {
    await this.#step('lock', directory)
    if (this.#locks.has(directory)) throw new OckamError('store/locked', 'Taken.')
    this.#locks.add(directory)
    return { release: async () => void this.#locks.delete(directory) }
  }

  #put(path: string, content: Uint8Array): void {
    const inode = new Inode()
    inode.content = content.slice()
    inode.durable = content.slice()
    this.#names.set(path, inode)
    this.#durableNames.set(path, inode)
  }

  #rename(change: () => void): void {
    change()
    this.#unsyncedNames.push(new Map(this.#names))
  }

  async #step(operation: Operation, path: string, cutShort: (part: number) => void = () => undefined): Promise<void> {
    this.counts.set(operation, (this.counts.get(operation) ?? 0) + 1)
    await Promise.resolve()
    if (this.#isCrashed) throw diskError('ECRASHED')
    this.operationsUntilCrash -= 1
    if (this.operationsUntilCrash <= 0) {
      this.#isCrashed = true
      cutShort(this.partOfFailedWrite)
      throw diskError('ECRASHED')
    }
    try {
      this.before(operation, path)
    } catch (error) {
      cutShort(this.partOfFailedWrite)
      throw error
    }
  }

  #file(inode: Inode): DiskFile {
    /** The name it has now. */
    const path = (): string => [...this.#names].find(([, each]) => each === inode)?.[0] ?? ''
    const change = (next: FileChange): void => {
      inode.content = changed(inode.content, next)
      inode.unsynced.push(next)
    }
    return {
      size: async () => {
        await this.#step('size', path())
        return inode.content.length
      },
      read: async (into, position) => {
        await this.#step('read', path())
        const part = inode.content.subarray(position, position + into.length)
        into.set(part)
        return part.length
      },
      write: async (bytes, position) => {
        const kept = bytes.slice()
        await this.#step('write', path(), (part) => {
          change({ kind: 'write', position, bytes: kept.subarray(0, Math.floor(kept.length * part)) })
        })
        change({ kind: 'write', position, bytes: kept })
      },
      truncate: async (length) => {
        await this.#step('truncate', path())
        change({ kind: 'truncate', length })
      },
      sync: async () => {
        await this.#step('sync', path())
        inode.durable = inode.content.slice()
        inode.unsynced = []
      },
      close: async () => undefined,
    }
  }
}

function changed(content: Uint8Array, change: FileChange): Uint8Array {
  const length = change.kind === 'truncate' ? change.length : Math.max(content.length, change.position + change.bytes.length)
  const result = new Uint8Array(length)
  result.set(content.subarray(0, length))
  if (change.kind === 'write') result.set(change.bytes, change.position)
  return result
}

const SECTOR = 64

function survivingContent(inode: Inode, random: RandomNumber): Uint8Array {
  let content = inode.durable
  for (const change of inode.unsynced) {
    const fate = random(4)
    if (fate === 0) continue
    if (fate === 1 || change.kind === 'truncate') content = changed(content, change)
    else if (fate === 2) content = changed(content, { ...change, bytes: change.bytes.subarray(0, random(change.bytes.length + 1)) })
    else {
      // The length is there, and some sectors of the data; the others are zeros.
      const bytes = change.bytes.slice()
      for (let at = 0; at < bytes.length; at += SECTOR) if (random(2) === 0) bytes.fill(0, at, at + SECTOR)
      content = changed(content, { ...change, bytes })
    }
  }
  return content
}
