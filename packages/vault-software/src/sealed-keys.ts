/**
 * Private keys in a `Store`, encrypted at rest: one random data key, wrapped by a passphrase or a caller's key (`data-key.ts`), seals every
 * record (`sealed-record.ts`). Names in the store: `vault/header`, `vault/generation`, `vault/signing/<handle>`, `vault/static/<handle>`.
 *
 * Every write checks in the same atomic batch that the header is still the one this vault unlocked, and renews the generation; changing the
 * protection checks the generation. So vaults that share a store cannot write under a replaced key, nor lose each other's records.
 *
 * What this does not do: notice that a whole store was rolled back to an older copy of itself. Callers run one operation at a time.
 */

import type { Random, Store, StoreEntry, StoreStep } from '@ockam/core'
import type { Backend, PrivateKeyType } from './backend.ts'
import { vaultError } from './error.ts'
import { lockNewDataKey, type Unlocked, unlockDataKey } from './data-key.ts'
import { NONCE_LENGTH, STORE_ID_LENGTH } from './header.ts'
import { takeProtection, type VaultProtection, wipeProtection } from './protection.ts'
import { type KeyTable, openRecord, sealRecord } from './sealed-record.ts'

const HEADER = 'vault/header'
const GENERATION = 'vault/generation'
const TABLES: readonly KeyTable[] = ['signing', 'static']
/** Another vault on the same store may write between reading and replacing; that many times in a row it does not. */
const CHANGE_ATTEMPTS = 8

export class SealedKeys {
  readonly #backend: Backend
  readonly #store: Store
  readonly #random: Random
  /** Dropped once unlocked. */
  #protection: VaultProtection | undefined
  #unlocked: Unlocked | undefined

  constructor(backend: Backend, store: Store, random: Random, protection: VaultProtection) {
    this.#backend = backend
    this.#store = store
    this.#random = random
    this.#protection = takeProtection(protection)
  }

  /** Unlocks the data key; makes header and data key in an empty store. */
  async open(): Promise<void> {
    await this.#unlock()
  }

  async write(table: KeyTable, handle: string, type: PrivateKeyType, secret: Uint8Array): Promise<void> {
    const unlocked = await this.#unlock()
    const record = sealRecord(unlocked.cipher, { storeId: unlocked.storeId, table, handle }, type, secret, this.#random.bytes(NONCE_LENGTH))
    await this.#commit(unlocked, { kind: 'set', key: nameOf(table, handle), value: record })
  }

  /** The caller wipes the secret. Undefined when there is no such record. */
  async read(table: KeyTable, handle: string): Promise<{ readonly type: PrivateKeyType; readonly secret: Uint8Array } | undefined> {
    const unlocked = await this.#unlock()
    const record = await this.#store.get(nameOf(table, handle))
    if (record === undefined) return undefined
    const opened = openRecord(unlocked.cipher, { storeId: unlocked.storeId, table, handle }, record)
    return opened ?? this.#explainUnopened(unlocked, table, handle)
  }

  async delete(table: KeyTable, handle: string): Promise<boolean> {
    const unlocked = await this.#unlock()
    const name = nameOf(table, handle)
    if ((await this.#store.get(name)) === undefined) return false
    await this.#commit(unlocked, { kind: 'delete', key: name })
    return true
  }

  /** Seals everything anew under a new data key with a new protection, in one atomic batch. */
  async changeProtection(next: VaultProtection): Promise<void> {
    const protection = takeProtection(next)
    try {
      await this.#reseal(protection)
    } finally {
      wipeProtection(protection)
    }
  }

  async #reseal(protection: VaultProtection): Promise<void> {
    const old = await this.#unlock()
    for (let attempt = 0; attempt < CHANGE_ATTEMPTS; attempt++) {
      const generation = await this.#store.get(GENERATION)
      const fresh = await lockNewDataKey(this.#backend, this.#random, protection, old.storeId)
      const steps: StoreStep[] = [
        { kind: 'check', key: HEADER, value: old.header },
        { kind: 'check', key: GENERATION, value: generation },
        { kind: 'set', key: HEADER, value: fresh.header },
      ]
      for (const table of TABLES) {
        for await (const entry of this.#store.scan(nameOf(table, ''))) steps.push(await this.#resealStep(table, entry, old, fresh))
      }
      if (await this.#store.batch(steps)) {
        old.cipher.destroy()
        this.#unlocked = fresh
        return
      }
      fresh.cipher.destroy()
      if (!areSame(await this.#store.get(HEADER), old.header)) break
    }
    throw protectionChanged()
  }

  /** Forgets the data key. */
  close(): void {
    this.#unlocked?.cipher.destroy()
    this.#unlocked = undefined
    this.#dropProtection()
  }

  async #unlock(): Promise<Unlocked> {
    if (this.#unlocked !== undefined) return this.#unlocked
    const protection = this.#protection
    if (protection === undefined) throw vaultError('vault/closed', 'The vault was closed.')
    const header = await this.#store.get(HEADER)
    const unlocked = header === undefined ? await this.#unlockEmpty(protection) : await unlockDataKey(this.#backend, protection, header)
    this.#unlocked = unlocked
    this.#dropProtection()
    return unlocked
  }

  /** Writes the first header, or unlocks the one that another vault wrote in the meantime. */
  async #unlockEmpty(protection: VaultProtection): Promise<Unlocked> {
    const hasRecords = await this.#hasRecords()
    const fresh = await lockNewDataKey(this.#backend, this.#random, protection, this.#random.bytes(STORE_ID_LENGTH))
    const steps: readonly StoreStep[] = [
      { kind: 'check', key: HEADER, value: undefined },
      { kind: 'set', key: HEADER, value: fresh.header },
    ]
    if (!hasRecords && (await this.#store.batch(steps))) return fresh
    fresh.cipher.destroy()
    const header = await this.#store.get(HEADER)
    if (header !== undefined) return unlockDataKey(this.#backend, protection, header)
    throw vaultError('vault/unlock-failed', 'There are stored keys, but their header is gone. Restore the store from a backup.')
  }

  async #hasRecords(): Promise<boolean> {
    for (const table of TABLES) {
      for await (const entry of this.#store.scan(nameOf(table, ''))) return entry !== undefined
    }
    return false
  }

  async #resealStep(table: KeyTable, { key, value }: StoreEntry, old: Unlocked, fresh: Unlocked): Promise<StoreStep> {
    const handle = key.slice(nameOf(table, '').length)
    const place = { storeId: old.storeId, table, handle }
    const opened = openRecord(old.cipher, place, value) ?? (await this.#explainUnopened(old, table, handle))
    const record = sealRecord(fresh.cipher, place, opened.type, opened.secret, this.#random.bytes(NONCE_LENGTH))
    opened.secret.fill(0)
    return { kind: 'set', key, value: record }
  }

  /** A record that does not open is damaged, unless the key it was sealed with is not ours any more. */
  async #explainUnopened({ header }: Unlocked, table: KeyTable, handle: string): Promise<never> {
    if (!areSame(await this.#store.get(HEADER), header)) throw protectionChanged()
    throw vaultError('vault/corrupt-record', `The stored ${table} key ${handle} is damaged or was moved. Restore the store from a backup.`)
  }

  async #commit(unlocked: Unlocked, step: StoreStep): Promise<void> {
    const isDone = await this.#store.batch([
      { kind: 'check', key: HEADER, value: unlocked.header },
      step,
      { kind: 'set', key: GENERATION, value: this.#random.bytes(16) },
    ])
    if (!isDone) throw protectionChanged()
  }

  #dropProtection(): void {
    if (this.#protection !== undefined) wipeProtection(this.#protection)
    this.#protection = undefined
  }
}

function nameOf(table: KeyTable, handle: string): string {
  return `vault/${table}/${handle}`
}

function areSame(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a !== undefined && a.length === b.length && a.every((byte, at) => byte === b[at])
}

function protectionChanged(): Error {
  return vaultError(
    'vault/conflict',
    'The protection of the stored keys was changed by another vault on the same store. Open this vault again.',
  )
}
