/**
 * One private key at rest, 62 bytes: version 1 | key type | random nonce (12) | the 32-byte secret under AES-256-GCM (32 + 16).
 *
 * The associated data binds a record to its place: format label, store id, table, handle, type and version. A record copied to another name,
 * another table or another store does not open.
 */

import type { NonceCipher, PrivateKeyType } from './backend.ts'

/** Where a key is kept: signing keys, or static keys of channels. Ephemeral keys are never kept. */
export type KeyTable = 'signing' | 'static'

const RECORD_LENGTH = 62

const VERSION = 1
const NONCE_AT = 2
const SECRET_AT = 14
const TYPES: readonly PrivateKeyType[] = ['ed25519', 'p256', 'x25519']
const LABEL = new TextEncoder().encode('ockam vault record')

export interface RecordPlace {
  readonly storeId: Uint8Array
  readonly table: KeyTable
  /** Hexadecimal SHA-256 of the public key. */
  readonly handle: string
}

/** @param nonce 12 fresh random bytes. */
export function sealRecord(
  cipher: NonceCipher,
  place: RecordPlace,
  type: PrivateKeyType,
  secret: Uint8Array,
  nonce: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const record = new Uint8Array(RECORD_LENGTH)
  record[0] = VERSION
  record[1] = TYPES.indexOf(type)
  record.set(nonce, NONCE_AT)
  cipher.seal(record, SECRET_AT, secret, 0, 32, nonce, associatedData(place, record))
  return record
}

/** Undefined when the record is not what was sealed for this place. The caller wipes the secret. */
export function openRecord(
  cipher: NonceCipher,
  place: RecordPlace,
  record: Uint8Array,
): { readonly type: PrivateKeyType; readonly secret: Uint8Array } | undefined {
  const type = TYPES[record[1] ?? TYPES.length]
  if (record.length !== RECORD_LENGTH || record[0] !== VERSION || type === undefined) return undefined
  const secret = new Uint8Array(32)
  const nonce = record.subarray(NONCE_AT, SECRET_AT)
  const isIntact = cipher.open(secret, 0, record, SECRET_AT, RECORD_LENGTH - SECRET_AT, nonce, associatedData(place, record))
  return isIntact ? { type, secret } : undefined
}

function associatedData({ storeId, table, handle }: RecordPlace, record: Uint8Array): Uint8Array {
  // All parts but the table have a fixed length, and the table ends at a slash.
  const text = new TextEncoder().encode(`${table}/${handle}`)
  const data = new Uint8Array(LABEL.length + storeId.length + text.length + 2)
  data.set(LABEL)
  data.set(storeId, LABEL.length)
  data.set(text, LABEL.length + storeId.length)
  data.set(record.subarray(0, 2), data.length - 2)
  return data
}
