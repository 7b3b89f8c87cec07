/**
 * A decryptor as it is stored: `[version, salt, sealed]`, sealed under a key of its own, derived from the caller's key and the salt of 32 random bytes.
 * The associated data binds it to its place: the store's id, table and handle (both in the key it is stored under), type and version. A record that is
 * moved to another place or another store, or claims to be of another version, does not open.
 *
 * Inside: `[role, identity, peer, address of the decryption service, receiving key, order]`.
 */

import { Address, Identifier, OckamError, type Primitives, type Random } from '@ockam/core'
import { CborReader, CborWriter } from '@ockam/core/cbor'
import { channelError, type SecureChannelErrorCode } from '../error.ts'
import type { Role } from '../noise/handshake.ts'
import { KEY_LENGTH, TAG_LENGTH } from '../noise/protocol.ts'

const INFO = new TextEncoder().encode('ockam secure-channel decryptor record 1')
const TYPE = 'receiving-key'
const VERSION = 1
const MAX_RECORD = 1024

export interface DecryptorRecord {
  readonly role: Role
  readonly identity: Identifier
  readonly peer: Identifier
  readonly decryptorAddress: Address
  readonly decryptorApi: Address
  /** 32 bytes; whoever gets it wipes it. */
  readonly key: Uint8Array
}

/** Where a record lies. */
export interface RecordPlace {
  readonly storeId: Uint8Array
  readonly storeKey: string
}

/** Seals and opens records with the caller's key, of which this is the only copy. */
export class DecryptorSeal {
  readonly #key: Uint8Array<ArrayBuffer>
  readonly #primitives: Primitives
  readonly #random: Random
  #isDestroyed = false

  /** @param key copied. @throws {OckamError} `secure-channel/invalid-argument` unless the key has 32 bytes. */
  constructor(key: Uint8Array, primitives: Primitives, random: Random) {
    if (!(key instanceof Uint8Array) || key.length !== KEY_LENGTH) {
      throw channelError('secure-channel/invalid-argument', 'The key that protects stored decryptors must be 32 bytes.')
    }
    this.#key = new Uint8Array(key)
    this.#primitives = primitives
    this.#random = random
  }

  /** @param order of all records, which was made first. @throws {OckamError} `secure-channel/closed`, `secure-channel/vault-failed` */
  seal({ role, identity, peer, decryptorApi, key }: DecryptorRecord, order: number, place: RecordPlace): Uint8Array<ArrayBuffer> {
    const writer = new CborWriter()
    writer
      .array(6)
      .uint(role === 'initiator' ? 0 : 1)
      .bytes(identity.toBytes())
      .bytes(peer.toBytes())
      .bytes(decryptorApi.value)
      .bytes(key)
      .uint(order)
    const content = writer.finish()
    // A writer keeps its room; what was in it is overwritten.
    writer.raw(new Uint8Array(content.length)).finish()
    try {
      const salt = this.#random.bytes(KEY_LENGTH)
      const sealed = new Uint8Array(content.length + TAG_LENGTH)
      const aead = this.#recordKey(salt)
      aead.sealInto(sealed, 0, content, 0, content.length, 0, associatedData(place))
      aead.destroy()
      return new CborWriter().array(3).uint(VERSION).bytes(salt).bytes(sealed).finish()
    } finally {
      content.fill(0)
    }
  }

  /**
   * @param decryptorAddress which the place stands for.
   * @throws {OckamError} `secure-channel/corrupt-record`, `secure-channel/closed`, `secure-channel/vault-failed`
   */
  open(value: Uint8Array, place: RecordPlace, decryptorAddress: Address): { readonly record: DecryptorRecord; readonly order: number } {
    try {
      const reader = new CborReader(value, { what: 'stored decryptor', maxStringLength: MAX_RECORD })
      reader.beginArray(3)
      if (reader.uint() !== VERSION) throw new RangeError('unknown version')
      const salt = reader.bytes(KEY_LENGTH)
      const sealed = reader.bytes()
      reader.end()
      reader.finish()
      const content = new Uint8Array(Math.max(0, sealed.length - TAG_LENGTH))
      try {
        const aead = this.#recordKey(salt)
        const isAuthentic = aead.openInto(content, 0, sealed, 0, sealed.length, 0, associatedData(place))
        aead.destroy()
        if (isAuthentic !== true) throw new RangeError('the seal does not hold')
        return readContent(content, decryptorAddress)
      } finally {
        content.fill(0)
      }
    } catch (error) {
      // Neither is the record's fault.
      if (OckamError.is<SecureChannelErrorCode>(error, 'secure-channel/closed', 'secure-channel/vault-failed')) throw error
      throw channelError(
        'secure-channel/corrupt-record',
        `The stored decryptor ${place.storeKey} cannot be opened: other key, or changed bytes.`,
        error,
      )
    }
  }

  /** Wipes the caller's key; nothing can be sealed or opened any more. */
  destroy(): void {
    this.#isDestroyed = true
    this.#key.fill(0)
  }

  #recordKey(salt: Uint8Array): ReturnType<Primitives['aeadKey']> {
    if (this.#isDestroyed)
      throw channelError('secure-channel/closed', 'Secure channels were closed: decryptors are neither stored nor read.')
    const key = this.#primitives.hkdfSha256(salt, this.#key, INFO, KEY_LENGTH)
    if (!(key instanceof Uint8Array) || key.length !== KEY_LENGTH)
      throw channelError('secure-channel/vault-failed', 'The vault was asked to derive 32 bytes and gave something else.')
    const aead = this.#primitives.aeadKey(key)
    key.fill(0)
    return aead
  }
}

function readContent(content: Uint8Array, decryptorAddress: Address): { readonly record: DecryptorRecord; readonly order: number } {
  const reader = new CborReader(content, { what: 'stored decryptor' })
  reader.beginArray(6)
  const role: Role = reader.uint(1) === 0 ? 'initiator' : 'responder'
  const identity = Identifier.fromBytes(reader.bytes(KEY_LENGTH))
  const peer = Identifier.fromBytes(reader.bytes(KEY_LENGTH))
  const decryptorApi = Address.local(reader.bytes().slice())
  const key = reader.bytes(KEY_LENGTH).slice()
  const order = reader.uint()
  return { record: { role, identity, peer, decryptorAddress, decryptorApi, key }, order }
}

function associatedData({ storeId, storeKey }: RecordPlace): Uint8Array {
  return new CborWriter().array(4).bytes(storeId).text(storeKey).text(TYPE).uint(VERSION).finish()
}
