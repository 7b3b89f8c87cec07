/**
 * Change history: the life of an identity as a chain of signed changes, `[* [data, signature, ?previous signature]]`. Every change names the
 * hash of the one before and brings a new primary key; the hash of the first change is the identifier.
 *
 * Here: the format. The rules are in `history-verification.ts`. Nothing decoded is trusted until it was verified.
 */

import { Identifier, OckamError, type Primitives, type Signature, type VerifyingKey } from '@ockam/core'
import {
  CborReader,
  CborWriter,
  CHANGE_DATA,
  decodeVersionedData,
  encodeVersionedData,
  readSignature,
  readVerifyingKey,
  writeSignature,
  writeVerifyingKey,
} from '@ockam/core/cbor'
import { identityError } from './error.ts'

/** Largest history, in bytes: what fits into a handshake message. The number of changes is not limited otherwise. */
export const MAX_HISTORY_BYTES: 65_471 = 65_471

const INVALID = 'identity/invalid-history'

/** What a change says. Times are whole seconds since 1970. */
export interface ChangeData {
  /** SHA-256 of the preceding change's data; undefined in the first change. */
  readonly previousChange: Uint8Array | undefined
  readonly primaryKey: VerifyingKey
  /** True: attestations made before this change are void. They are in any case, because an attestation must name the latest change. */
  readonly revokesPurposeKeys: boolean
  readonly validFrom: number
  readonly validUntil: number
}

export interface Change {
  /** The signed bytes: versioned data around the change data. */
  readonly signed: Uint8Array
  /** SHA-256 of `signed`, 32 bytes. */
  readonly hash: Uint8Array
  readonly data: ChangeData
  /** By the key this change brings, over `hash`. */
  readonly signature: Signature
  /** By the key of the change before, over `hash`. */
  readonly previousSignature: Signature | undefined
}

export interface ChangeHistory {
  readonly identifier: Identifier
  /** As received or as made; a copy. */
  readonly encoded: Uint8Array<ArrayBuffer>
  readonly changes: readonly [Change, ...Change[]]
  readonly latest: Change
}

/** A fresh array with the bytes to sign. */
export function encodeChangeData(data: ChangeData): Uint8Array<ArrayBuffer> {
  const writer = new CborWriter().array(5)
  if (data.previousChange === undefined) writer.null()
  else writer.bytes(data.previousChange)
  writeVerifyingKey(writer, data.primaryKey)
  writer.bool(data.revokesPurposeKeys).uint(data.validFrom).uint(data.validUntil)
  return encodeVersionedData(CHANGE_DATA, writer.finish())
}

/** A fresh array: the history with one more change. */
export function appendChange(
  history: ChangeHistory | undefined,
  signed: Uint8Array,
  signature: Signature,
  previousSignature?: Signature,
): Uint8Array<ArrayBuffer> {
  const writer = new CborWriter().array((history?.changes.length ?? 0) + 1)
  for (const change of history?.changes ?? []) writeChange(writer, change.signed, change.signature, change.previousSignature)
  writeChange(writer, signed, signature, previousSignature)
  return writer.finish()
}

/**
 * Decodes a whole history; the result borrows nothing.
 * @throws {OckamError} `identity/invalid-history` for anything malformed, too long, or with bytes behind it.
 */
export function decodeChangeHistory(bytes: Uint8Array, primitives: Pick<Primitives, 'sha256'>): ChangeHistory {
  if (!(bytes instanceof Uint8Array)) throw identityError('identity/invalid-argument', `A change history is bytes; got ${typeof bytes}.`)
  if (bytes.length > MAX_HISTORY_BYTES) {
    throw identityError(INVALID, `The change history has ${bytes.length} bytes; at most ${MAX_HISTORY_BYTES} are allowed.`)
  }
  const encoded = new Uint8Array(bytes)
  try {
    return readHistory(encoded, primitives)
  } catch (error) {
    if (OckamError.is(error, 'core/invalid-cbor', 'core/limit-exceeded')) {
      throw identityError(INVALID, 'The bytes are not a change history.', error)
    }
    throw error
  }
}

function readHistory(encoded: Uint8Array<ArrayBuffer>, primitives: Pick<Primitives, 'sha256'>): ChangeHistory {
  const reader = new CborReader(encoded, { what: 'change history' })
  const changes: Change[] = []
  reader.beginArray()
  while (reader.hasNext()) changes.push(readChange(reader, primitives))
  reader.end()
  reader.finish()
  const [first, ...others] = changes
  if (first === undefined) throw identityError(INVALID, 'The change history has no change.')
  return { identifier: Identifier.fromBytes(first.hash), encoded, changes: [first, ...others], latest: others.at(-1) ?? first }
}

function readChange(reader: CborReader, primitives: Pick<Primitives, 'sha256'>): Change {
  reader.beginArray(2)
  const signed = reader.bytes()
  const signature = readSignature(reader)
  const previousSignature = reader.hasValue() ? readSignature(reader) : undefined
  reader.end()
  const data = readChangeData(decodeVersionedData(signed, CHANGE_DATA))
  return { signed, hash: primitives.sha256(signed), data, signature, previousSignature }
}

function readChangeData(bytes: Uint8Array): ChangeData {
  const reader = new CborReader(bytes, { what: 'change' })
  reader.beginArray(5)
  const previousChange = reader.tryNull() ? undefined : reader.bytes(32)
  const primaryKey = readVerifyingKey(reader)
  const revokesPurposeKeys = reader.bool()
  const validFrom = reader.uint()
  const validUntil = reader.uint()
  reader.end()
  return { previousChange, primaryKey, revokesPurposeKeys, validFrom, validUntil }
}

function writeChange(writer: CborWriter, signed: Uint8Array, signature: Signature, previousSignature: Signature | undefined): void {
  writer.array(previousSignature === undefined ? 2 : 3).bytes(signed)
  writeSignature(writer, signature)
  if (previousSignature !== undefined) writeSignature(writer, previousSignature)
}
