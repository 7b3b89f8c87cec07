/**
 * What signed things have in common in CBOR: public keys and signatures, `[0, [bytes]]` for Ed25519 and `[1, [bytes]]` for P-256, and the envelope of
 * all that is signed, `[version, data type, data]`. The data type keeps a signature made for one purpose from being presented for another; numbers are
 * never reused. Signatures and hashes are over the envelope as received, never over a re-encoding.
 *
 * Source: the published Rust nodes' `VersionedData`, `VerifyingPublicKey` and signatures.
 */

import { OckamError } from '../error.ts'
import type { Signature, SigningKeyType, VerifyingKey } from '../vault.ts'
import { CborReader } from './cbor-reader.ts'
import { CborWriter } from './cbor-writer.ts'

/** A change of an identity. */
export const CHANGE_DATA: 1 = 1
/** An identity's word that a key is its own, for one purpose. */
export const ATTESTATION_DATA: 2 = 2
/** An issuer's word about attributes of a subject. */
export const CREDENTIAL_DATA: 3 = 3

const VERSION = 1
const TYPES: readonly SigningKeyType[] = ['ed25519', 'p256']
const KEY_LENGTHS: Readonly<Record<SigningKeyType, number>> = { ed25519: 32, p256: 65 }
/** Of either type. */
const SIGNATURE_LENGTH = 64

/** A fresh array: `[1, type, data]`. */
export function encodeVersionedData(type: number, data: Uint8Array): Uint8Array<ArrayBuffer> {
  return new CborWriter().array(3).uint(VERSION).uint(type).bytes(data).finish()
}

/** The data inside, a view. @throws {OckamError} `core/invalid-cbor`, also for another version or type. */
export function decodeVersionedData(bytes: Uint8Array, type: number): Uint8Array {
  const reader = new CborReader(bytes, { what: 'signed data' })
  reader.beginArray(3)
  const version = reader.uint(255)
  const presentType = reader.uint(255)
  const data = reader.bytes()
  reader.end()
  if (version !== VERSION) throw invalid(`Signed data has version ${version}; only version ${VERSION} is known.`)
  if (presentType !== type)
    throw invalid(`Signed data is of type ${presentType} where type ${type} is needed: it was signed for something else.`)
  return data
}

export function writeVerifyingKey(writer: CborWriter, key: VerifyingKey): void {
  writer.enumeration(TYPES.indexOf(key.type), 1).bytes(key.bytes)
}

/** The bytes are a view. @throws {OckamError} `core/invalid-cbor` */
export function readVerifyingKey(reader: CborReader): VerifyingKey {
  const type = readType(reader)
  const bytes = reader.bytes(KEY_LENGTHS[type])
  reader.endEnum()
  return { type, bytes }
}

export function writeSignature(writer: CborWriter, signature: Signature): void {
  writer.enumeration(TYPES.indexOf(signature.type), 1).bytes(signature.bytes)
}

/** The bytes are a view. @throws {OckamError} `core/invalid-cbor` */
export function readSignature(reader: CborReader): Signature {
  const type = readType(reader)
  const bytes = reader.bytes(SIGNATURE_LENGTH)
  reader.endEnum()
  return { type, bytes }
}

function readType(reader: CborReader): SigningKeyType {
  const index = reader.beginEnum()
  const type = TYPES[index]
  if (type === undefined) throw invalid(`Key or signature type ${index} is unknown.`)
  return type
}

function invalid(message: string): OckamError {
  return new OckamError('core/invalid-cbor', message)
}
