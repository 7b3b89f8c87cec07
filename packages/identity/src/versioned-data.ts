/**
 * The envelope of everything that is signed: `[version, data type, data]`. The data type keeps a signature made for one purpose from being
 * presented for another; numbers are never reused.
 *
 * Signatures and hashes are over these bytes as received, never over a re-encoding.
 */

import { CborReader, CborWriter } from '@ockam/core/cbor'
import { type IdentityErrorCode, identityError } from './error.ts'

export const CHANGE_DATA: 1 = 1
export const ATTESTATION_DATA: 2 = 2

const VERSION = 1

/** A fresh array: `[1, type, data]`. */
export function encodeVersionedData(type: number, data: Uint8Array): Uint8Array<ArrayBuffer> {
  return new CborWriter().array(3).uint(VERSION).uint(type).bytes(data).finish()
}

/**
 * The data inside, a view.
 * @throws {OckamError} `core/invalid-cbor`, or `code` for another version or type.
 */
export function decodeVersionedData(bytes: Uint8Array, type: number, code: IdentityErrorCode): Uint8Array {
  const reader = new CborReader(bytes, { what: 'signed data' })
  reader.beginArray(3)
  const version = reader.uint(255)
  const presentType = reader.uint(255)
  const data = reader.bytes()
  reader.end()
  if (version !== VERSION) throw identityError(code, `Signed data has version ${version}; only version ${VERSION} is known.`)
  if (presentType !== type)
    throw identityError(code, `Signed data is of type ${presentType} where type ${type} is needed: it was signed for something else.`)
  return data
}
