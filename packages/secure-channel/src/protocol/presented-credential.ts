/**
 * The form of a presented credential, `[[data, signature], [data, signature]]`: the credential, and the attestation of the key that signed it. It is
 * checked so that no message is taken that a Rust node refuses. What the bytes say, and whether it holds, is the business of the `CredentialVerifier`.
 */

import { CborReader } from '@ockam/core/cbor'
import { channelError } from '../error.ts'

/** 0 Ed25519, 1 P-256. */
const LAST_SIGNATURE_TYPE = 1
/** Of either type. */
const SIGNATURE_LENGTH = 64

/** @param credential one well-formed CBOR item. @throws {OckamError} `core/invalid-cbor`, `secure-channel/invalid-message` */
export function checkCredentialForm(credential: Uint8Array): void {
  const reader = new CborReader(credential, { what: 'credential' })
  reader.beginArray(2)
  checkSigned(reader)
  checkSigned(reader)
}

/** Reads `[data, [type, [signature]]]`. */
function checkSigned(reader: CborReader): void {
  reader.beginArray(2)
  reader.bytes()
  const type = reader.beginEnum()
  if (type > LAST_SIGNATURE_TYPE)
    throw channelError('secure-channel/invalid-message', `A credential has a signature of unknown type ${type}.`)
  reader.bytes(SIGNATURE_LENGTH)
  reader.endEnum()
  reader.end()
}
