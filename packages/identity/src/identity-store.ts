/**
 * What is kept of identities in a {@link Store}:
 *
 * | key | value |
 * |---|---|
 * | `identity/history/<identifier>` | change history, own and peers' |
 * | `identity/own/<identifier>` | empty: this node holds the keys |
 * | `identity/name/<name>` | identifier, 32 bytes |
 * | `identity/channel-key/<identifier>` | `[attestation, ?public key before]` |
 *
 * Every change of a record is a compare-and-set, so that two handshakes, or two processes on one store, cannot overwrite each other.
 */

import { Identifier, type Primitives, type Store, type StoreStep } from '@ockam/core'
import { CborReader, CborWriter } from '@ockam/core/cbor'
import { type ChangeHistory, decodeChangeHistory } from './change-history.ts'
import { identityError } from './error.ts'

const HISTORY = 'identity/history/'
const OWN = 'identity/own/'
const NAME = 'identity/name/'
const CHANNEL_KEY = 'identity/channel-key/'
const NAME_PATTERN = /^[^\p{Cc}]{1,128}$/u
const EMPTY = new Uint8Array(0)

/** The secure-channel key of an own identity, as stored. */
export interface ChannelKeyRecord {
  readonly attestation: Uint8Array
  /** Public key, 32 bytes, of the key before this one: kept until the next renewal for handshakes under way. */
  readonly previousKey: Uint8Array | undefined
}

export class IdentityStore {
  readonly #store: Store
  readonly #primitives: Primitives

  constructor(store: Store, primitives: Primitives) {
    this.#store = store
    this.#primitives = primitives
  }

  async history(identifier: Identifier): Promise<ChangeHistory | undefined> {
    const bytes = await this.#store.get(`${HISTORY}${identifier}`)
    return bytes === undefined ? undefined : decodeChangeHistory(bytes, this.#primitives)
  }

  /** Stores `next` if what is stored is still `known`. */
  async replaceHistory(known: ChangeHistory | undefined, next: ChangeHistory): Promise<boolean> {
    const key = `${HISTORY}${next.identifier}`
    return this.#store.batch([
      { kind: 'check', key, value: known?.encoded },
      { kind: 'set', key, value: next.encoded },
    ])
  }

  /** False when the name was taken in the meantime. */
  async addOwn(history: ChangeHistory, name: string | undefined): Promise<boolean> {
    const steps: StoreStep[] = [
      { kind: 'check', key: `${OWN}${history.identifier}`, value: undefined },
      { kind: 'set', key: `${HISTORY}${history.identifier}`, value: history.encoded },
      { kind: 'set', key: `${OWN}${history.identifier}`, value: EMPTY },
    ]
    if (name !== undefined) {
      steps.push(
        { kind: 'check', key: `${NAME}${name}`, value: undefined },
        { kind: 'set', key: `${NAME}${name}`, value: history.identifier.toBytes() },
      )
    }
    return this.#store.batch(steps)
  }

  async isOwn(identifier: Identifier): Promise<boolean> {
    return (await this.#store.get(`${OWN}${identifier}`)) !== undefined
  }

  async ownIdentifiers(): Promise<readonly Identifier[]> {
    const identifiers: Identifier[] = []
    for await (const { key } of this.#store.scan(OWN)) identifiers.push(Identifier.parse(key.slice(OWN.length)))
    return identifiers
  }

  async identifierOf(name: string): Promise<Identifier | undefined> {
    checkName(name)
    const bytes = await this.#store.get(`${NAME}${name}`)
    return bytes === undefined ? undefined : Identifier.fromBytes(bytes)
  }

  async namesOf(identifier: Identifier): Promise<readonly string[]> {
    const names: string[] = []
    for await (const { key, value } of this.#store.scan(NAME)) {
      if (Identifier.fromBytes(value).equals(identifier)) names.push(key.slice(NAME.length))
    }
    return names
  }

  /** Forgets an own identity: its names, its channel key and its history. */
  async removeOwn(identifier: Identifier): Promise<void> {
    const names = await this.namesOf(identifier)
    const keys = [`${OWN}${identifier}`, `${CHANNEL_KEY}${identifier}`, `${HISTORY}${identifier}`, ...names.map((name) => `${NAME}${name}`)]
    await this.#store.batch(keys.map((key) => ({ kind: 'delete', key })))
  }

  async channelKey(identifier: Identifier): Promise<{ readonly bytes: Uint8Array; readonly record: ChannelKeyRecord } | undefined> {
    const bytes = await this.#store.get(`${CHANNEL_KEY}${identifier}`)
    if (bytes === undefined) return undefined
    const reader = new CborReader(bytes, { what: 'stored channel key' })
    reader.beginArray(1)
    const attestation = reader.bytes()
    const previousKey = reader.hasValue() ? reader.bytes(32) : undefined
    reader.end()
    return { bytes, record: { attestation, previousKey } }
  }

  /** Stores a record if what is stored is still `known`. */
  async replaceChannelKey(identifier: Identifier, known: Uint8Array | undefined, record: ChannelKeyRecord): Promise<boolean> {
    const writer = new CborWriter().array(record.previousKey === undefined ? 1 : 2).bytes(record.attestation)
    if (record.previousKey !== undefined) writer.bytes(record.previousKey)
    const key = `${CHANNEL_KEY}${identifier}`
    return this.#store.batch([
      { kind: 'check', key, value: known },
      { kind: 'set', key, value: writer.finish() },
    ])
  }
}

/** @throws {OckamError} `identity/invalid-argument` */
export function checkName(name: string): void {
  if (typeof name !== 'string' || !NAME_PATTERN.test(name)) {
    throw identityError('identity/invalid-argument', 'The name of an identity is 1 to 128 characters without control characters.')
  }
}
