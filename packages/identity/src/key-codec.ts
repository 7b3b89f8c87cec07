/** Public keys and signatures in CBOR: `[0, [bytes]]` Ed25519, `[1, [bytes]]` P-256; purpose keys add `[0, [X25519 bytes]]` around. */

import type { Signature, SigningKeyType, VerifyingKey } from '@ockam/core'
import type { CborReader, CborWriter } from '@ockam/core/cbor'
import { type IdentityErrorCode, identityError } from './error.ts'

const TYPES: readonly SigningKeyType[] = ['ed25519', 'p256']
const KEY_LENGTHS: Readonly<Record<SigningKeyType, number>> = { ed25519: 32, p256: 65 }
const SIGNATURE_LENGTH = 64
const SECURE_CHANNEL_PURPOSE = 0

export function writeVerifyingKey(writer: CborWriter, key: VerifyingKey): void {
  writer.enumeration(TYPES.indexOf(key.type), 1).bytes(key.bytes)
}

export function readVerifyingKey(reader: CborReader, code: IdentityErrorCode): VerifyingKey {
  const type = readType(reader, code)
  const bytes = reader.bytes(KEY_LENGTHS[type])
  reader.endEnum()
  return { type, bytes }
}

export function writeSignature(writer: CborWriter, signature: Signature): void {
  writer.enumeration(TYPES.indexOf(signature.type), 1).bytes(signature.bytes)
}

export function readSignature(reader: CborReader, code: IdentityErrorCode): Signature {
  const type = readType(reader, code)
  const bytes = reader.bytes(SIGNATURE_LENGTH)
  reader.endEnum()
  return { type, bytes }
}

/** @param publicKey 32 bytes, X25519. */
export function writeChannelKey(writer: CborWriter, publicKey: Uint8Array): void {
  writer.enumeration(SECURE_CHANNEL_PURPOSE, 1).bytes(publicKey)
}

/** The 32 bytes of the X25519 key, a view. Keys for other purposes are refused. */
export function readChannelKey(reader: CborReader): Uint8Array {
  const purpose = reader.beginEnum()
  if (purpose !== SECURE_CHANNEL_PURPOSE) {
    throw identityError('identity/invalid-attestation', `The attested key is for purpose ${purpose}, not for secure channels.`)
  }
  const publicKey = reader.bytes(32)
  reader.endEnum()
  return publicKey
}

function readType(reader: CborReader, code: IdentityErrorCode): SigningKeyType {
  const index = reader.beginEnum()
  const type = TYPES[index]
  if (type === undefined) throw identityError(code, `Key or signature type ${index} is unknown.`)
  return type
}
