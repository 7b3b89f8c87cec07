/**
 * What is kept of identities in a {@link Store}:
 *
 * | key | value |
 * |---|---|
 * | `identity/history/<identifier>` | change history, own and peers' |
 * | `identity/own/<identifier>` | this node holds the keys; the name in UTF-8, empty when there is none |
 * | `identity/name/<name>` | identifier, 32 bytes |
 * | `identity/channel-key/<identifier>` | `[attestation, ?public key before]` |
 * | `identity/credential-key/<identifier>` | the same |
 *
 * Every change of a record is a compare-and-set, so that two handshakes, or two processes on one store, cannot overwrite each other.
 */

import { Identifier, OckamError, type Primitives, type Store, type StoreStep, type VerifyingKey } from '@ockam/core'
import { CborReader, CborWriter } from '@ockam/core/cbor'
import { type Attestation, decodeAttestationOf } from './attestation.ts'
import { type ChangeHistory, decodeChangeHistory } from './change-history.ts'
import { identityError } from './error.ts'
import { CHANNEL_KEY, CREDENTIAL_KEY, type PurposeKeyCodec } from './key-codec.ts'

const HISTORY = 'identity/history/'
const OWN = 'identity/own/'
const NAME = 'identity/name/'
// Neither control characters nor halves of surrogate pairs, which stores refuse.
const NAME_PATTERN = /^[^\p{Cc}\p{Cs}]{1,128}$/u
const IDENTIFIER_PATTERN = /^\s*I[0-9a-fA-F]{64}\s*$/

/** An own identity as stored: its history at one moment, and its name on this node. */
export interface OwnRecord {
  readonly history: ChangeHistory
  readonly name: string | undefined
}

/** The key of an own identity for one purpose as stored. */
export interface PurposeKeyRecord<Key> {
  /** As stored: what a compare-and-set compares with. */
  readonly bytes: Uint8Array
  /** Undefined when the stored bytes are damaged: the key is then made anew. */
  readonly attestation: Attestation<Key> | undefined
  /** Public key of the key before this one: kept until the next renewal for what is under way. */
  readonly previousKey: Key | undefined
}

/** The keys of an own identity for all purposes as stored. */
export interface OwnPurposeKeyRecords {
  readonly channel: PurposeKeyRecord<Uint8Array> | undefined
  readonly credential: PurposeKeyRecord<VerifyingKey> | undefined
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
    return this.#store.batch([
      { kind: 'check', key: `${HISTORY}${next.identifier}`, value: known?.encoded },
      { kind: 'set', key: `${HISTORY}${next.identifier}`, value: next.encoded },
    ])
  }

  /** Undefined when the identity is not this node's own. */
  async own(identifier: Identifier): Promise<OwnRecord | undefined> {
    const name = await this.#store.get(`${OWN}${identifier}`)
    const history = name === undefined ? undefined : await this.history(identifier)
    if (name === undefined || history === undefined) return undefined
    return { history, name: name.length === 0 ? undefined : new TextDecoder().decode(name) }
  }

  async ownIdentifiers(): Promise<readonly Identifier[]> {
    const identifiers: Identifier[] = []
    for await (const { key } of this.#store.scan(OWN)) identifiers.push(Identifier.parse(key.slice(OWN.length)))
    return identifiers
  }

  /** False when the name was taken in the meantime. */
  async addOwn({ history, name }: OwnRecord): Promise<boolean> {
    const { identifier } = history
    const steps: StoreStep[] = [
      { kind: 'check', key: `${OWN}${identifier}`, value: undefined },
      { kind: 'set', key: `${HISTORY}${identifier}`, value: history.encoded },
      { kind: 'set', key: `${OWN}${identifier}`, value: new TextEncoder().encode(name ?? '') },
    ]
    if (name !== undefined) {
      steps.push(
        { kind: 'check', key: `${NAME}${name}`, value: undefined },
        { kind: 'set', key: `${NAME}${name}`, value: identifier.toBytes() },
      )
    }
    return this.#store.batch(steps)
  }

  /**
   * Forgets an own identity: its history, its name and the records of its keys for all purposes. False when it was changed in the meantime.
   * @param known what {@link purposeKeys} told.
   */
  async removeOwn({ history, name }: OwnRecord, known: OwnPurposeKeyRecords): Promise<boolean> {
    const { identifier } = history
    const keys = [
      [purposeKeyRecord(CHANNEL_KEY, identifier), known.channel],
      [purposeKeyRecord(CREDENTIAL_KEY, identifier), known.credential],
    ] as const
    const steps: StoreStep[] = [
      { kind: 'check', key: `${HISTORY}${identifier}`, value: history.encoded },
      ...keys.map(([key, record]): StoreStep => ({ kind: 'check', key, value: record?.bytes })),
      { kind: 'delete', key: `${HISTORY}${identifier}` },
      { kind: 'delete', key: `${OWN}${identifier}` },
      ...keys.map(([key]): StoreStep => ({ kind: 'delete', key })),
    ]
    if (name !== undefined) steps.push({ kind: 'delete', key: `${NAME}${name}` })
    return this.#store.batch(steps)
  }

  /** The own identity of that name. @throws {OckamError} `identity/invalid-argument` when no identity can have that name. */
  async identifierOf(name: string): Promise<Identifier | undefined> {
    checkName(name)
    const bytes = await this.#store.get(`${NAME}${name}`)
    return bytes === undefined ? undefined : Identifier.fromBytes(bytes)
  }

  async purposeKey<Key>(codec: PurposeKeyCodec<Key>, identifier: Identifier): Promise<PurposeKeyRecord<Key> | undefined> {
    const bytes = await this.#store.get(purposeKeyRecord(codec, identifier))
    return bytes === undefined ? undefined : readPurposeKeyRecord(codec, bytes)
  }

  /** Of every purpose. */
  async purposeKeys(identifier: Identifier): Promise<OwnPurposeKeyRecords> {
    return { channel: await this.purposeKey(CHANNEL_KEY, identifier), credential: await this.purposeKey(CREDENTIAL_KEY, identifier) }
  }

  /** Stores a new attestation, and the key before it, if history and key are still the known ones. */
  async replacePurposeKey<Key>(
    codec: PurposeKeyCodec<Key>,
    history: ChangeHistory,
    known: PurposeKeyRecord<Key> | undefined,
    attestation: Attestation<Key>,
  ): Promise<boolean> {
    const previousKey = known?.attestation?.data.publicKey
    const writer = new CborWriter().array(previousKey === undefined ? 1 : 2).bytes(attestation.encoded)
    if (previousKey !== undefined) codec.write(writer, previousKey)
    const key = purposeKeyRecord(codec, history.identifier)
    return this.#store.batch([
      { kind: 'check', key: `${HISTORY}${history.identifier}`, value: history.encoded },
      { kind: 'check', key, value: known?.bytes },
      { kind: 'set', key, value: writer.finish() },
    ])
  }
}

/** `identity/channel-key/I…`, `identity/credential-key/I…` */
function purposeKeyRecord({ name }: { readonly name: string }, identifier: Identifier): string {
  return `identity/${name.replace(' ', '-')}/${identifier}`
}

function readPurposeKeyRecord<Key>(codec: PurposeKeyCodec<Key>, bytes: Uint8Array): PurposeKeyRecord<Key> {
  try {
    const reader = new CborReader(bytes, { what: `stored ${codec.name}` })
    reader.beginArray(1)
    const attestation = decodeAttestationOf(codec, reader.bytes())
    const previousKey = reader.hasValue() ? codec.read(reader) : undefined
    reader.end()
    return { bytes, attestation, previousKey }
  } catch (error) {
    if (!OckamError.is(error)) throw error
    return { bytes, attestation: undefined, previousKey: undefined }
  }
}

/** Identifier written as text; undefined for any other text. */
export function asIdentifier(value: string | Identifier): Identifier | undefined {
  return typeof value === 'string' && !IDENTIFIER_PATTERN.test(value) ? undefined : Identifier.from(value)
}

/** @throws {OckamError} `identity/invalid-argument` */
export function checkName(name: string): void {
  if (typeof name !== 'string' || !NAME_PATTERN.test(name)) {
    throw identityError('identity/invalid-argument', 'The name of an identity is 1 to 128 characters without control characters.')
  }
  // It would hide the identity that really has that identifier.
  if (asIdentifier(name) !== undefined) {
    throw identityError('identity/invalid-argument', 'The name of an identity must not look like an identifier: choose another one.')
  }
}
