/**
 * The vaults: a folder each, with a record of how the vault is locked and where its store is, and, unless it was moved elsewhere, the store. It holds
 * sealed keys and the identities made with them. Processes use it in turns (`shared-store.ts`), so that commands work while nodes run.
 *
 * What changes a vault as a whole, its protection or its place, writes a new store, renames the record, and then removes the old store: after a crash
 * the vault is as before or as after, and no copy sealed under the old secret stays.
 */

import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { memoryStore, type Store, type StoreStep } from '@ockam/core'
import { fileStore } from '@ockam/storage-file'
import { softwareVault, type VaultProtection } from '@ockam/vault-software'
import { z } from 'zod'
import { CommandError, conflictError, notFoundError } from '../error.ts'
import type { DefaultNames } from './default-names.ts'
import { checkName, namesIn } from './name.ts'
import { makeOwnFolder } from './private-folder.ts'
import { takeLock } from './process-lock.ts'
import { arriving, leaving } from './remnant.ts'
import { readRecord, syncFolder, writeRecord } from './record-file.ts'
import { sharedStore, type Turn } from './shared-store.ts'
import { findSecret, protectionOf, type SecretSources, type VaultLock } from './vault-secret.ts'

const RECORD = z.object({
  protection: z.enum(['none', 'passphrase', 'key-file']),
  keyFile: z.string().optional(),
  /** Folder the store is in, if not the vault's own. */
  elsewhere: z.string().optional(),
  /** Name of the store's folder in it. */
  store: z.string().regex(/^keys-[0-9a-f]{12}$/),
})
type Stored = z.infer<typeof RECORD>

export interface VaultRecord {
  readonly name: string
  /** Folder of its store. */
  readonly path: string
  readonly protection: Stored['protection']
  readonly isDefault: boolean
}

export interface NewVault {
  readonly name: string
  /** Folder for the store; its own folder in the state folder when left out. */
  readonly path?: string | undefined
  /** Default `'none'`. */
  readonly lock?: VaultLock | undefined
}

/** What a node, or `softwareVault` and `createIdentities`, take. Whoever opened it closes the store. */
export interface OpenVault {
  readonly store: Store
  readonly protection: VaultProtection
}

export interface VaultRecordsOptions {
  readonly folder: string
  readonly locks: string
  readonly defaults: DefaultNames
  /** Names of the identities that have their keys in a vault. */
  readonly usersOf: (vault: string) => string[]
}

/** How long a call waits for its turn. */
const TURN_TIMEOUT_MS = 10_000
/** Steps of a batch that writes a new store; few enough for the longest records. */
const STEPS_AT_ONCE = 256

export class VaultRecords {
  readonly #options: VaultRecordsOptions

  /** @internal Use `openState`. */
  constructor(options: VaultRecordsOptions) {
    this.#options = options
  }

  /** By name. */
  list(): VaultRecord[] {
    return namesIn(this.#options.folder).flatMap((name) => this.find(name) ?? [])
  }

  /** @throws {CommandError} `cli/usage` for a name that cannot be one. */
  find(name: string): VaultRecord | undefined {
    const record = readRecord(this.#recordPath(name), RECORD)
    if (record === undefined) return undefined
    return {
      name,
      path: this.#storePath(name, record),
      protection: record.protection,
      isDefault: this.#options.defaults.get('vault') === name,
    }
  }

  /** @throws {CommandError} `cli/not-found` */
  get(name: string): VaultRecord {
    return this.find(name) ?? this.#missing(name)
  }

  /**
   * Makes a vault, locked from the beginning. The first becomes the default.
   * @throws {CommandError} `cli/conflict` when the name is taken, `cli/usage`, and for a key file as {@link protectionOf}.
   */
  async create({ name, path, lock = 'none' }: NewVault): Promise<VaultRecord> {
    if (this.find(name) !== undefined) throw this.#exists(name)
    const protection = protectionOf(lock)
    const draft = arriving(this.#options.folder)
    mkdirSync(draft, { mode: 0o700 })
    const elsewhere = path === undefined ? undefined : resolve(path)
    const record: Stored = { ...lockRecord(lock), elsewhere, store: newStoreName() }
    const folder = elsewhere ?? draft
    try {
      makeOwnFolder(folder)
      const store = fileStore(join(folder, record.store))
      await closing(store, () => prepare(store, protection))
      writeRecord(join(draft, 'vault.json'), record)
      renameSync(draft, join(this.#options.folder, name))
    } catch (error) {
      if (existsSync(join(folder, record.store))) rmSync(join(folder, record.store), { recursive: true, force: true })
      rmSync(draft, { recursive: true, force: true })
      if (['ENOTEMPTY', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) throw this.#exists(name)
      throw error
    }
    syncFolder(this.#options.folder)
    this.#options.defaults.setFirst('vault', name)
    return this.get(name)
  }

  /**
   * The vault's store and the secret that opens it. Touches the store only when it is used; each use may wait for other processes, and fails with
   * `store/locked` when one of them does not let go.
   * @throws {CommandError} `cli/not-found`, `cli/refused` when there is no secret.
   */
  async open(name: string, sources: SecretSources): Promise<OpenVault> {
    const record = this.#record(name)
    const protection = protectionOf(await findSecret(name, record.protection, record.keyFile, sources))
    return { store: sharedStore(() => this.#turn(name)), protection }
  }

  /**
   * Locks the vault anew, with all keys sealed under a new key. Nodes that have it open must be started again.
   * @throws {OckamError} `vault/unlock-failed` when the present secret is wrong.
   */
  async changeLock(name: string, lock: VaultLock, sources: SecretSources): Promise<void> {
    const { protection: present, keyFile } = this.#record(name)
    const before = protectionOf(await findSecret(name, present, keyFile, sources))
    const after = protectionOf(lock)
    await this.#rewrite(
      name,
      (record) => ({ ...lockRecord(lock), elsewhere: record.elsewhere, store: newStoreName() }),
      async (store) => {
        const vault = softwareVault({ store, protection: before })
        await closing(vault, () => vault.changeProtection(after))
      },
    )
  }

  /** Moves the store into another folder, which is made if it is missing. */
  async move(name: string, path: string): Promise<void> {
    await this.#rewrite(name, (record) => ({ ...record, elsewhere: resolve(path), store: newStoreName() }))
  }

  /** Deletes a vault with its keys, for good. @throws {CommandError} `cli/not-found`, `cli/conflict` when identities have their keys in it. */
  async delete(name: string): Promise<void> {
    this.get(name)
    const lock = await takeLock(this.#lockPath(name), TURN_TIMEOUT_MS)
    try {
      const users = this.#options.usersOf(name)
      if (users.length > 0) {
        throw conflictError(`Vault "${name}" has the keys of ${users.join(', ')}.`, `Delete first: ockam identity delete ${users[0]}`)
      }
      const record = this.#record(name)
      // First, because the record says where it is: a deletion that was interrupted can be repeated.
      if (record.elsewhere !== undefined) rmSync(this.#storePath(name, record), { recursive: true, force: true })
      const gone = leaving(this.#options.folder)
      renameSync(join(this.#options.folder, name), gone)
      syncFolder(this.#options.folder)
      rmSync(gone, { recursive: true, force: true })
      this.#options.defaults.forget(
        'vault',
        name,
        this.list().map((vault) => vault.name),
      )
    } finally {
      await lock.release()
    }
  }

  async #turn(name: string): Promise<Turn> {
    const lock = await takeLock(this.#lockPath(name), TURN_TIMEOUT_MS)
    try {
      // Looked up anew each time: it may have been moved, locked anew, or deleted since.
      const store = fileStore(this.#existingStore(name))
      return {
        store,
        end: async () => {
          await store.close()
          await lock.release()
        },
      }
    } catch (error) {
      await lock.release()
      throw error
    }
  }

  async #rewrite(
    name: string,
    change: (record: Stored) => Stored,
    work: (store: Store) => Promise<void> = async () => undefined,
  ): Promise<void> {
    const lock = await takeLock(this.#lockPath(name), TURN_TIMEOUT_MS)
    try {
      const record = this.#record(name)
      const oldPath = this.#existingStore(name)
      this.#removeRemnants(name, record.store)
      // In memory, so that no log on the disk has a trace of what is replaced.
      const entries = memoryStore()
      await copyInto(entries, oldPath)
      await work(entries)
      const next = change(record)
      const newPath = this.#storePath(name, next)
      makeOwnFolder(dirname(newPath))
      try {
        const store = fileStore(newPath)
        await closing(store, () => copyAll(entries, store))
        writeRecord(this.#recordPath(name), next)
      } catch (error) {
        rmSync(newPath, { recursive: true, force: true })
        throw error
      }
      rmSync(oldPath, { recursive: true, force: true })
    } finally {
      await lock.release()
    }
  }

  /** A store that a crash left behind, before or after the record was renamed. */
  #removeRemnants(name: string, present: string): void {
    const folder = join(this.#options.folder, name)
    for (const entry of readdirSync(folder)) {
      if (entry.startsWith('keys-') && entry !== present) rmSync(join(folder, entry), { recursive: true, force: true })
    }
  }

  /** An empty store in the place of one that is gone would look like a vault whose keys are lost; better to say so. */
  #existingStore(name: string): string {
    const path = this.#storePath(name, this.#record(name))
    if (existsSync(path)) return path
    throw new CommandError('cli/failed', `The store of vault "${name}" is not at ${path} any more.`, {
      hint: 'Put it back, or restore a copy.',
    })
  }

  #record(name: string): Stored {
    return readRecord(this.#recordPath(name), RECORD) ?? this.#missing(name)
  }

  #storePath(name: string, { elsewhere, store }: Stored): string {
    return join(elsewhere ?? join(this.#options.folder, name), store)
  }

  #recordPath(name: string): string {
    checkName('vault', name)
    return join(this.#options.folder, name, 'vault.json')
  }

  #lockPath(name: string): string {
    return join(this.#options.locks, `vault-${name}`)
  }

  #missing(name: string): never {
    throw notFoundError(`Vault "${name}" not found.`, 'See which there are: ockam vault list')
  }

  #exists(name: string): Error {
    return conflictError(`There is a vault "${name}" already.`, 'Choose another name.')
  }
}

function newStoreName(): string {
  return `keys-${randomBytes(6).toString('hex')}`
}

function lockRecord(lock: VaultLock): Pick<Stored, 'protection' | 'keyFile'> {
  if (lock === 'none') return { protection: 'none' }
  return 'passphrase' in lock ? { protection: 'passphrase' } : { protection: 'key-file', keyFile: resolve(lock.keyFile) }
}

/** Writes the header, so that the lock holds from now on. */
async function prepare(store: Store, protection: VaultProtection): Promise<void> {
  const vault = softwareVault({ store, protection })
  await closing(vault, () => vault.open())
}

async function copyInto(target: Store, path: string): Promise<void> {
  const store = fileStore(path)
  await closing(store, () => copyAll(store, target))
}

async function copyAll(source: Store, target: Store): Promise<void> {
  let steps: StoreStep[] = []
  for await (const entry of source.scan('')) {
    steps.push({ kind: 'set', ...entry })
    if (steps.length === STEPS_AT_ONCE) {
      await target.batch(steps)
      steps = []
    }
  }
  await target.batch(steps)
}

async function closing(thing: { close(): Promise<void> }, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } finally {
    await thing.close()
  }
}
