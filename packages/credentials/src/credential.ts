/**
 * Credential in the format of the Rust nodes (`ockam-v1`): an issuer's signed word about attributes of a subject, and beside it the attestation of the key
 * that signed it. Who the issuer is, only the attestation says.
 *
 * ```
 * CredentialAndPurposeKey = [ [data, signature], PurposeKeyAttestation ]   data = [1, 3, CredentialData]
 * CredentialData = [ subject / null, subject's latest change hash / null, [schema, attributes], created at, expires at ]
 * ```
 * Here: the format. The rules are in `verification.ts`. Nothing decoded is trusted until it was verified. The attestation is the identity package's business.
 */

import { Identifier, OckamError, type Signature } from '@ockam/core'
import {
  CborReader,
  CborWriter,
  CREDENTIAL_DATA,
  decodeVersionedData,
  encodeVersionedData,
  readSignature,
  writeSignature,
} from '@ockam/core/cbor'
import { type Attributes, readAttributes, writeAttributes } from './attributes.ts'
import { credentialsError } from './error.ts'

/** Largest credential with its attestation, in bytes: more does not fit into a handshake message. */
export const MAX_CREDENTIAL_BYTES: 65_535 = 65_535

const INVALID = 'credentials/invalid-credential'

/** Times are whole seconds since 1970. */
export interface CredentialData {
  /** Undefined: of nobody. No verifier accepts that. */
  readonly subject: Identifier | undefined
  /** 32 bytes: the change of the subject's identity that the issuer knew as its latest. */
  readonly subjectChangeHash: Uint8Array | undefined
  readonly attributes: Attributes
  readonly createdAt: number
  readonly expiresAt: number
}

export interface Credential {
  /** As received, with the attestation; a copy. */
  readonly encoded: Uint8Array<ArrayBuffer>
  /** The signed bytes. */
  readonly signed: Uint8Array
  readonly signature: Signature
  /** CBOR `PurposeKeyAttestation` of the key that signed. */
  readonly attestation: Uint8Array
  readonly data: CredentialData
}

/** A fresh array with the bytes to sign. */
export function encodeCredentialData(data: CredentialData): Uint8Array<ArrayBuffer> {
  const writer = new CborWriter().array(5)
  writeOptional(writer, data.subject?.toBytes())
  writeOptional(writer, data.subjectChangeHash)
  writeAttributes(writer, data.attributes)
  writer.uint(data.createdAt).uint(data.expiresAt)
  return encodeVersionedData(CREDENTIAL_DATA, writer.finish())
}

/** A fresh array: the credential with the attestation of the key that signed it. */
export function encodeCredential(signed: Uint8Array, signature: Signature, attestation: Uint8Array): Uint8Array<ArrayBuffer> {
  const writer = new CborWriter().array(2).array(2).bytes(signed)
  writeSignature(writer, signature)
  return writer.raw(attestation).finish()
}

/**
 * Decodes a credential with its attestation; the result borrows nothing.
 * @param credential CBOR, or its hexadecimal text as Rust tools print it.
 * @throws {OckamError} `credentials/invalid-credential` for anything malformed, too long, or with bytes behind it.
 */
export function decodeCredential(credential: Uint8Array | string): Credential {
  const encoded = bytesOf(credential)
  try {
    return read(encoded)
  } catch (error) {
    if (OckamError.is(error, 'core/invalid-cbor', 'core/limit-exceeded'))
      throw credentialsError(INVALID, 'The bytes are not a credential.', error)
    throw error
  }
}

/** The text that Rust tools print and take: hexadecimal digits. */
export function credentialHex(credential: Uint8Array): string {
  return Array.from(credential, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

function read(encoded: Uint8Array<ArrayBuffer>): Credential {
  const reader = new CborReader(encoded, { what: 'credential' })
  reader.beginArray(2)
  reader.beginArray(2)
  const signed = reader.bytes()
  const signature = readSignature(reader)
  reader.end()
  const attestation = reader.rawItem()
  reader.end()
  reader.finish()
  return { encoded, signed, signature, attestation, data: readData(decodeVersionedData(signed, CREDENTIAL_DATA)) }
}

function readData(bytes: Uint8Array): CredentialData {
  const reader = new CborReader(bytes, { what: 'credential' })
  reader.beginArray(5)
  const subject = reader.tryNull() ? undefined : Identifier.fromBytes(reader.bytes(32))
  const subjectChangeHash = reader.tryNull() ? undefined : reader.bytes(32)
  const attributes = readAttributes(reader)
  const createdAt = reader.uint()
  const expiresAt = reader.uint()
  reader.end()
  return { subject, subjectChangeHash, attributes, createdAt, expiresAt }
}

/** A copy that is at most as long as a credential may be: nothing longer is even converted. */
function bytesOf(credential: Uint8Array | string): Uint8Array<ArrayBuffer> {
  if (credential instanceof Uint8Array) {
    if (credential.length > MAX_CREDENTIAL_BYTES)
      throw credentialsError(INVALID, `The credential has ${credential.length} bytes; at most ${MAX_CREDENTIAL_BYTES} are allowed.`)
    return new Uint8Array(credential)
  }
  if (typeof credential !== 'string')
    throw credentialsError('credentials/invalid-argument', `A credential is bytes or their hexadecimal text; got ${typeof credential}.`)
  const hex = credential.length <= 2 * MAX_CREDENTIAL_BYTES + 1024 ? credential.trim() : ''
  if (hex.length === 0 || hex.length > 2 * MAX_CREDENTIAL_BYTES || hex.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(hex)) {
    throw credentialsError(INVALID, `A credential as text is an even number of hexadecimal digits, at most ${2 * MAX_CREDENTIAL_BYTES}.`)
  }
  return Uint8Array.from({ length: hex.length / 2 }, (_, i) => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16))
}

function writeOptional(writer: CborWriter, bytes: Uint8Array | undefined): void {
  if (bytes === undefined) writer.null()
  else writer.bytes(bytes)
}
