/**
 * What is kept of nodes: a folder each, with its settings, its log, its control socket, and, while it runs, which process it is. One process at a
 * time runs a node: it holds the node's lock, which is also needed to delete it.
 */

import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { OckamError } from '@ockam/core'
import { z } from 'zod'
import { conflictError, notFoundError } from '../error.ts'
import { controlPathIn } from './control-path.ts'
import type { DefaultNames } from './default-names.ts'
import { checkName, namesIn } from './name.ts'
import { type ProcessLock, takeLock } from './process-lock.ts'
import { isRunning, markOf } from './process-start.ts'
import { arriving, leaving } from './remnant.ts'
import { readRecord, removeRecord, syncFolder, writeRecord } from './record-file.ts'

const SETTINGS = z.object({
  name: z.string(),
  /** Name of the identity it speaks as. */
  identity: z.string(),
  /** `host:port`, as it was asked for. */
  tcpListenerAddress: z.string(),
  /** Identifiers that may open a channel to its API. */
  authorized: z.array(z.string()),
  /** `host:port` for asking over HTTP how it is. */
  statusEndpoint: z.string().optional(),
})
export type NodeSettings = Readonly<z.infer<typeof SETTINGS>>

const RUNNING = z.object({ pid: z.int().positive(), startedAt: z.string(), address: z.string().optional() })

export interface RunningNode {
  readonly pid: number
  /** MultiAddr of its first listener. */
  readonly address: string | undefined
}

/** Held by the process that runs a node, until it ends. */
export interface NodeLock {
  /** Tells others that the node is up, and where. */
  setRunning(address: string | undefined): void
  /** Says that it is down, and lets go. */
  release(): Promise<void>
}

export interface NodeRecordsOptions {
  readonly folder: string
  readonly locks: string
  readonly defaults: DefaultNames
}

export class NodeRecords {
  readonly #options: NodeRecordsOptions

  /** @internal Use `openState`. */
  constructor(options: NodeRecordsOptions) {
    this.#options = options
  }

  /** Sorted. */
  names(): string[] {
    return namesIn(this.#options.folder)
  }

  /** @throws {CommandError} `cli/usage` for a name that cannot be one. */
  find(name: string): NodeSettings | undefined {
    return readRecord(this.#file(name, 'settings.json'), SETTINGS)
  }

  /** @throws {CommandError} `cli/not-found` */
  get(name: string): NodeSettings {
    const settings = this.find(name)
    if (settings === undefined) throw notFoundError(`Node "${name}" not found.`, 'See which there are: ockam node list')
    return settings
  }

  /**
   * The first node becomes the default.
   * @throws {CommandError} `cli/conflict` when there is one of that name, `cli/usage`.
   */
  create(settings: NodeSettings): void {
    const folder = this.folder(settings.name)
    const draft = arriving(this.#options.folder)
    mkdirSync(draft, { mode: 0o700 })
    try {
      writeRecord(join(draft, 'settings.json'), SETTINGS.parse(settings))
      // A folder with something in it cannot be replaced: of two who make one name, one succeeds.
      renameSync(draft, folder)
    } catch (error) {
      rmSync(draft, { recursive: true, force: true })
      if (['ENOTEMPTY', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) throw this.#exists(settings.name)
      throw error
    }
    syncFolder(this.#options.folder)
    this.#options.defaults.setFirst('node', settings.name)
  }

  /** Replaces the settings, for the next start. @throws {CommandError} `cli/not-found` */
  update(settings: NodeSettings): void {
    this.get(settings.name)
    writeRecord(this.#file(settings.name, 'settings.json'), SETTINGS.parse(settings))
  }

  /** Whether and where it runs. What a killed process left behind does not count, nor does another process with its number. */
  running(name: string): RunningNode | undefined {
    const record = readRecord(this.#file(name, 'running.json'), RUNNING)
    return record !== undefined && isRunning(record) ? { pid: record.pid, address: record.address } : undefined
  }

  /**
   * Makes this process the one that runs the node.
   * @param waitMs how long to wait for one that is about to end.
   * @throws {CommandError} `cli/conflict` when it runs already, `cli/not-found`.
   */
  async lock(name: string, waitMs = 0): Promise<NodeLock> {
    this.get(name)
    const lock = await this.#take(name, waitMs)
    // It may have been deleted before the lock was ours.
    if (this.find(name) === undefined) {
      await lock.release()
      this.get(name)
    }
    const path = this.#file(name, 'running.json')
    const own = markOf(process.pid)
    return {
      setRunning: (address) => writeRecord(path, { pid: process.pid, startedAt: own?.startedAt ?? '', address }),
      release: async () => {
        removeRecord(path)
        await lock.release()
      },
    }
  }

  /** Deletes a node that does not run, with its log. @throws {CommandError} `cli/not-found`, `cli/conflict` when it runs. */
  async delete(name: string): Promise<void> {
    this.get(name)
    const lock = await this.#take(name, 0)
    try {
      const gone = leaving(this.#options.folder)
      rmSync(this.controlPath(name), { force: true })
      if (this.find(name) !== undefined) renameSync(this.folder(name), gone)
      syncFolder(this.#options.folder)
      rmSync(gone, { recursive: true, force: true })
      this.#options.defaults.forget('node', name, this.names())
    } finally {
      await lock.release()
    }
  }

  folder(name: string): string {
    checkName('node', name)
    return join(this.#options.folder, name)
  }

  logPath(name: string): string {
    return this.#file(name, 'node.log')
  }

  /** Where its control socket lies; short enough for a socket. @throws {CommandError} `cli/refused`, `cli/failed` */
  controlPath(name: string): string {
    return controlPathIn(this.folder(name))
  }

  /** @internal For resetting: the locks of all nodes. @throws {CommandError} `cli/conflict` when one runs. */
  async lockAll(): Promise<ProcessLock[]> {
    const taken: ProcessLock[] = []
    try {
      for (const name of this.names()) taken.push(await this.#take(name, 0))
      return taken
    } catch (error) {
      for (const lock of taken) await lock.release()
      throw error
    }
  }

  async #take(name: string, waitMs: number): Promise<ProcessLock> {
    try {
      return await takeLock(join(this.#options.locks, `node-${name}`), waitMs)
    } catch (error) {
      if (!OckamError.is(error, 'store/locked')) throw error
      const pid = this.running(name)?.pid
      throw conflictError(
        `Node "${name}" is running${pid === undefined ? '' : ` as process ${pid}`}.`,
        `Stop it first: ockam node stop ${name}`,
      )
    }
  }

  #file(name: string, file: string): string {
    return join(this.folder(name), file)
  }

  #exists(name: string): Error {
    return conflictError(
      `There is a node "${name}" already.`,
      existsSync(this.#file(name, 'settings.json')) ? `Start it: ockam node start ${name}` : undefined,
    )
  }
}
