/**
 * Keeps the decryptors of key-exchange-only channels, so that what such a channel sealed can still be read after a restart. A receiving key alone:
 * no sending key is ever written, so a copied or restored store cannot make a nonce be used twice (security rule 5).
 *
 * Without the caller's key there is no such store. It is bounded, because whoever completes handshakes causes records; which of them give way is in
 * `record-index.ts`. The index is read from the store once, and so knows what other processes do there only from before.
 */

import { Address, type Diagnostics, OckamError, type Primitives, type Random, type Store } from '@ockam/core'
import { checkedNumber } from '../checked-number.ts'
import { channelError, type SecureChannelErrorCode } from '../error.ts'
import { RecordIndex } from './record-index.ts'
import { type DecryptorRecord, DecryptorSeal } from './sealed-decryptor.ts'

const PREFIX = 'secure-channel/decryptor/'
/** 16 random bytes, made with the first record: records are bound to them. */
const STORE_ID = 'secure-channel/decryptor-store/id'
const STORE_ID_LENGTH = 16
const MAX_PER_PEER = 256
const MAX_TOTAL = 16_384

/** Where decryptors are kept. */
export interface DecryptorPersistence {
  readonly store: Store
  /** 32 secret bytes that never stand in that store. Copied. */
  readonly key: Uint8Array
  /** Most decryptors of one peer; the oldest of its own gives way to another. Default 256. */
  readonly maxPerPeer?: number
  /** Most decryptors in all. When there are so many, a peer without any cannot open a channel that only exchanges keys. Default 16 384. */
  readonly maxTotal?: number
}

/** What {@link DecryptorStore.records} finds at one place. */
export type StoredDecryptor = { readonly storeKey: string; readonly record: DecryptorRecord } | UnreadableRecord

export interface UnreadableRecord {
  readonly storeKey: string
  readonly record: undefined
  /** `secure-channel/corrupt-record` */
  readonly error: unknown
}

export interface DecryptorStoreServices {
  readonly primitives: Primitives
  readonly random: Random
  readonly diagnostics: Diagnostics
}

export class DecryptorStore {
  readonly #store: Store
  readonly #services: DecryptorStoreServices
  readonly #seal: DecryptorSeal
  readonly #index: RecordIndex
  #isLoaded = false
  #loading: Promise<void> | undefined
  #displaced = 0

  /** @throws {OckamError} `secure-channel/invalid-argument` unless the key has 32 bytes and the limits are numbers above zero. */
  constructor({ store, key, maxPerPeer = MAX_PER_PEER, maxTotal = MAX_TOTAL }: DecryptorPersistence, services: DecryptorStoreServices) {
    this.#store = store
    this.#services = services
    this.#index = new RecordIndex({
      maxPerPeer: checkedNumber('maxPerPeer', maxPerPeer),
      maxTotal: checkedNumber('maxTotal', maxTotal),
    })
    this.#seal = new DecryptorSeal(key, services.primitives, services.random)
  }

  /** @throws {OckamError} `secure-channel/too-many-records`, `secure-channel/closed`, `secure-channel/vault-failed`, and what the store throws. */
  async save(record: DecryptorRecord): Promise<void> {
    const storeId = await this.#ownId()
    await this.#load()
    const peer = record.peer.toString()
    const storeKey = keyOf(record.decryptorAddress)
    const admitted = this.#index.admit(peer, storeKey)
    if (admitted === undefined) {
      throw channelError('secure-channel/too-many-records', `No more decryptors may be stored, and ${peer} has none to give for another.`)
    }
    const { order, displaced } = admitted
    try {
      const value = this.#seal.seal(record, order, { storeId, storeKey })
      await this.#store.batch([
        ...displaced.map((each) => ({ kind: 'delete', key: each.storeKey }) as const),
        { kind: 'set', key: storeKey, value },
      ])
    } catch (error) {
      this.#index.remove(storeKey)
      for (const each of displaced) this.#index.add(peer, each)
      throw error
    }
    if (displaced.length > 0) this.#reportDisplaced(peer)
  }

  /** All records, also those that cannot be opened. @throws {OckamError} `secure-channel/closed`, `secure-channel/vault-failed`, and what the store throws. */
  async *records(): AsyncGenerator<StoredDecryptor> {
    const storeId = (await this.#store.get(STORE_ID)) ?? new Uint8Array(0)
    for await (const { key: storeKey, value } of this.#store.scan(PREFIX)) yield this.#read(value, storeId, storeKey)
    this.#isLoaded = true
  }

  /** False when there was none. */
  delete(decryptorAddress: Address): Promise<boolean> {
    const storeKey = keyOf(decryptorAddress)
    this.#index.remove(storeKey)
    return this.#store.delete(storeKey)
  }

  /** Wipes the caller's key. */
  destroy(): void {
    this.#seal.destroy()
  }

  #read(value: Uint8Array, storeId: Uint8Array, storeKey: string): StoredDecryptor {
    try {
      const { record, order } = this.#seal.open(value, { storeId, storeKey }, Address.local(storeKey.slice(PREFIX.length)))
      this.#index.add(record.peer.toString(), { storeKey, order })
      return { storeKey, record }
    } catch (error) {
      if (!isCorrupt(error)) throw error
      return { storeKey, record: undefined, error }
    }
  }

  /** Fills the index. Records that cannot be opened are not counted: nobody but whoever changed the key, or the store, causes them. */
  #load(): Promise<void> {
    if (this.#isLoaded) return Promise.resolve()
    const load = async (): Promise<void> => {
      try {
        for await (const { record } of this.records()) record?.key.fill(0)
      } finally {
        this.#loading = undefined
      }
    }
    this.#loading ??= load()
    return this.#loading
  }

  async #ownId(): Promise<Uint8Array> {
    const present = await this.#store.get(STORE_ID)
    if (present !== undefined) return present
    const value = this.#services.random.bytes(STORE_ID_LENGTH)
    const isFirst = await this.#store.batch([
      { kind: 'check', key: STORE_ID, value: undefined },
      { kind: 'set', key: STORE_ID, value },
    ])
    const storeId = isFirst ? value : await this.#store.get(STORE_ID)
    if (storeId === undefined) throw channelError('secure-channel/corrupt-record', 'The store of decryptors keeps losing its id.')
    return storeId
  }

  /** Diagnostics hear of the 1st, 2nd, 4th, 8th … time: a peer can cause this as often as it likes. */
  #reportDisplaced(peer: string): void {
    this.#displaced++
    if (!Number.isInteger(Math.log2(this.#displaced))) return
    this.#services.diagnostics.event('secure-channel/decryptor-displaced', { peer, count: this.#displaced })
  }
}

function isCorrupt(error: unknown): boolean {
  return OckamError.is<SecureChannelErrorCode>(error, 'secure-channel/corrupt-record')
}

function keyOf(decryptorAddress: Address): string {
  return PREFIX + decryptorAddress.name
}
