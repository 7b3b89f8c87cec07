/**
 * Keeps the decryptors of key-exchange-only channels, so that what such a channel sealed can still be read after a restart. A receiving key alone:
 * no sending key is ever written, so a copied or restored store cannot make a nonce be used twice (security rule 5).
 *
 * Each record is sealed under a key of its own, derived from the caller's key and 32 random bytes, and bound to its place in the store. Without the
 * caller's key there is no such store.
 */

import { Address, Identifier, type Primitives, type Random, type Store } from '@ockam/core'
import { CborReader, CborWriter } from '@ockam/core/cbor'
import { channelError } from '../error.ts'
import type { Role } from '../noise/handshake.ts'
import { KEY_LENGTH, TAG_LENGTH } from '../noise/protocol.ts'

const PREFIX = 'secure-channel/decryptor/'
const INFO = new TextEncoder().encode('ockam secure-channel decryptor record 1')
const VERSION = 1
const MAX_RECORD = 1024

/** Where decryptors are kept. */
export interface DecryptorPersistence {
  readonly store: Store
  /** 32 secret bytes that never stand in that store. Copied. */
  readonly key: Uint8Array
}

export interface DecryptorRecord {
  readonly role: Role
  readonly identity: Identifier
  readonly peer: Identifier
  readonly decryptorAddress: Address
  readonly decryptorApi: Address
  /** 32 bytes; whoever gets it wipes it. */
  readonly key: Uint8Array
}

export class DecryptorStore {
  readonly #store: Store
  readonly #key: Uint8Array<ArrayBuffer>
  readonly #primitives: Primitives
  readonly #random: Random

  /** @throws {OckamError} `secure-channel/invalid-argument` unless the key has 32 bytes. */
  constructor({ store, key }: DecryptorPersistence, primitives: Primitives, random: Random) {
    if (!(key instanceof Uint8Array) || key.length !== KEY_LENGTH) {
      throw channelError('secure-channel/invalid-argument', 'The key that protects stored decryptors must be 32 bytes.')
    }
    this.#store = store
    this.#key = new Uint8Array(key)
    this.#primitives = primitives
    this.#random = random
  }

  async save({ role, identity, peer, decryptorAddress, decryptorApi, key }: DecryptorRecord): Promise<void> {
    const writer = new CborWriter()
    writer
      .array(5)
      .uint(role === 'initiator' ? 0 : 1)
      .bytes(identity.toBytes())
      .bytes(peer.toBytes())
      .bytes(decryptorApi.value)
      .bytes(key)
    const content = writer.finish()
    // A writer keeps its room; what was in it is overwritten.
    writer.raw(new Uint8Array(content.length)).finish()
    const storeKey = keyOf(decryptorAddress)
    const salt = this.#random.bytes(KEY_LENGTH)
    const sealed = new Uint8Array(content.length + TAG_LENGTH)
    const aead = this.#recordKey(salt)
    aead.sealInto(sealed, 0, content, 0, content.length, 0, new TextEncoder().encode(storeKey))
    aead.destroy()
    content.fill(0)
    await this.#store.set(storeKey, new CborWriter().array(3).uint(VERSION).bytes(salt).bytes(sealed).finish())
  }

  /** All records. @throws {OckamError} `secure-channel/corrupt-record` when one cannot be opened. */
  async *records(): AsyncGenerator<DecryptorRecord> {
    for await (const { key, value } of this.#store.scan(PREFIX)) yield this.#read(key, value)
  }

  /** False when there was none. */
  delete(decryptorAddress: Address): Promise<boolean> {
    return this.#store.delete(keyOf(decryptorAddress))
  }

  #read(storeKey: string, value: Uint8Array): DecryptorRecord {
    try {
      const reader = new CborReader(value, { what: 'stored decryptor', maxStringLength: MAX_RECORD })
      reader.beginArray(3)
      if (reader.uint() !== VERSION) throw new RangeError('unknown version')
      const salt = reader.bytes(KEY_LENGTH)
      const sealed = reader.bytes()
      reader.end()
      reader.finish()
      const content = new Uint8Array(Math.max(0, sealed.length - TAG_LENGTH))
      const aead = this.#recordKey(salt)
      const isAuthentic = aead.openInto(content, 0, sealed, 0, sealed.length, 0, new TextEncoder().encode(storeKey))
      aead.destroy()
      if (isAuthentic !== true) throw new RangeError('the seal does not hold')
      return this.#readContent(storeKey, content)
    } catch (error) {
      throw channelError(
        'secure-channel/corrupt-record',
        `The stored decryptor ${storeKey} cannot be opened: other key, or changed bytes.`,
        error,
      )
    }
  }

  #readContent(storeKey: string, content: Uint8Array): DecryptorRecord {
    const reader = new CborReader(content, { what: 'stored decryptor' })
    reader.beginArray(5)
    const role: Role = reader.uint(1) === 0 ? 'initiator' : 'responder'
    const identity = Identifier.fromBytes(reader.bytes(KEY_LENGTH))
    const peer = Identifier.fromBytes(reader.bytes(KEY_LENGTH))
    const decryptorApi = Address.local(reader.bytes())
    const key = reader.bytes(KEY_LENGTH).slice()
    content.fill(0)
    return { role, identity, peer, decryptorAddress: Address.local(storeKey.slice(PREFIX.length)), decryptorApi, key }
  }

  #recordKey(salt: Uint8Array): ReturnType<Primitives['aeadKey']> {
    const key = this.#primitives.hkdfSha256(salt, this.#key, INFO, KEY_LENGTH)
    const aead = this.#primitives.aeadKey(key)
    key.fill(0)
    return aead
  }
}

function keyOf(decryptorAddress: Address): string {
  return PREFIX + decryptorAddress.name
}
