/**
 * Purpose-key attestation: an identity's signed word that a key is its own for one purpose, `[data, signature]` with data `[subject, latest change
 * hash, purpose key, created at, expires at]`, signed with the identity's latest primary key. Purposes: an X25519 key for secure channels, a signing key
 * for credentials. What reads the one refuses the other.
 */

import { Identifier, OckamError, type Primitives, type Signature, type VerifyingKey } from '@ockam/core'
import {
  ATTESTATION_DATA,
  CborReader,
  CborWriter,
  decodeVersionedData,
  encodeVersionedData,
  readSignature,
  writeSignature,
} from '@ockam/core/cbor'
import type { ChangeHistory } from './change-history.ts'
import { identityError } from './error.ts'
import type { VerificationServices } from './history-verification.ts'
import { CHANNEL_KEY, CREDENTIAL_KEY, type PurposeKeyCodec, readPurposeKey, writePurposeKey } from './key-codec.ts'

/** How far the clocks of honest parties may differ, in seconds. */
export const CLOCK_DRIFT_SECONDS: 60 = 60

const INVALID = 'identity/invalid-attestation'
const MAX_ATTESTATION_BYTES = 4096

/** Times are whole seconds since 1970. */
export interface AttestationData<Key = Uint8Array> {
  readonly subject: Identifier
  /** 32 bytes. */
  readonly latestChangeHash: Uint8Array
  /** For secure channels 32 bytes, X25519; for credentials a verifying key. */
  readonly publicKey: Key
  readonly createdAt: number
  readonly expiresAt: number
}

export interface Attestation<Key = Uint8Array> {
  /** As received or as made; a copy. */
  readonly encoded: Uint8Array<ArrayBuffer>
  readonly signed: Uint8Array
  readonly signature: Signature
  readonly data: AttestationData<Key>
}

/** A fresh array with the bytes to sign. */
export function encodeAttestationData<Key>(codec: PurposeKeyCodec<Key>, data: AttestationData<Key>): Uint8Array<ArrayBuffer> {
  const writer = new CborWriter().array(5).bytes(data.subject.toBytes()).bytes(data.latestChangeHash)
  writePurposeKey(writer, codec, data.publicKey)
  writer.uint(data.createdAt).uint(data.expiresAt)
  return encodeVersionedData(ATTESTATION_DATA, writer.finish())
}

export function encodeAttestation(signed: Uint8Array, signature: Signature): Uint8Array<ArrayBuffer> {
  const writer = new CborWriter().array(2).bytes(signed)
  writeSignature(writer, signature)
  return writer.finish()
}

/** Of a key for secure channels. The result borrows nothing. @throws {OckamError} `identity/invalid-attestation`, also for another purpose. */
export function decodeAttestation(bytes: Uint8Array): Attestation {
  return decodeAttestationOf(CHANNEL_KEY, bytes)
}

/** Of a key for credentials. The result borrows nothing. @throws {OckamError} `identity/invalid-attestation`, also for another purpose. */
export function decodeCredentialKeyAttestation(bytes: Uint8Array): Attestation<VerifyingKey> {
  return decodeAttestationOf(CREDENTIAL_KEY, bytes)
}

/** The result borrows nothing. @throws {OckamError} `identity/invalid-attestation` */
export function decodeAttestationOf<Key>(codec: PurposeKeyCodec<Key>, bytes: Uint8Array): Attestation<Key> {
  if (!(bytes instanceof Uint8Array)) throw identityError('identity/invalid-argument', `An attestation is bytes; got ${typeof bytes}.`)
  if (bytes.length > MAX_ATTESTATION_BYTES)
    throw identityError(INVALID, `The attestation has ${bytes.length} bytes; at most ${MAX_ATTESTATION_BYTES} are allowed.`)
  const encoded = new Uint8Array(bytes)
  try {
    const reader = new CborReader(encoded, { what: 'attestation' })
    reader.beginArray(2)
    const signed = reader.bytes()
    const signature = readSignature(reader)
    reader.end()
    reader.finish()
    return { encoded, signed, signature, data: readData(codec, decodeVersionedData(signed, ATTESTATION_DATA)) }
  } catch (error) {
    if (OckamError.is(error, 'core/invalid-cbor', 'core/limit-exceeded'))
      throw identityError(INVALID, `The bytes are not an attestation of a ${codec.name}.`, error)
    throw error
  }
}

function readData<Key>(codec: PurposeKeyCodec<Key>, bytes: Uint8Array): AttestationData<Key> {
  const reader = new CborReader(bytes, { what: 'attestation' })
  reader.beginArray(5)
  const subject = Identifier.fromBytes(reader.bytes(32))
  const latestChangeHash = reader.bytes(32)
  const publicKey = readPurposeKey(reader, codec)
  const createdAt = reader.uint()
  const expiresAt = reader.uint()
  reader.end()
  return { subject, latestChangeHash, publicKey, createdAt, expiresAt }
}

/**
 * Checks everything an attestation must satisfy besides its signature: that it is about this identity at its latest change, and valid at `now`.
 * @param now whole seconds since 1970.
 * @throws {OckamError} `identity/invalid-attestation`, `identity/attestation-expired`
 */
export function checkAttestation(attestation: Attestation<unknown>, history: ChangeHistory, now: number, primitives: Primitives): void {
  const { subject, latestChangeHash, createdAt, expiresAt } = attestation.data
  const { validFrom, validUntil } = history.latest.data
  if (!subject.equals(history.identifier)) throw identityError(INVALID, `The attestation is of ${subject}, not of ${history.identifier}.`)
  if (primitives.isEqual(latestChangeHash, history.latest.hash) !== true) {
    throw identityError(INVALID, `The attestation of ${subject} was made for another key than the identity's latest.`)
  }
  if (createdAt < validFrom || expiresAt > validUntil) {
    throw identityError(INVALID, `The attestation of ${subject} reaches beyond the validity of the key that signed it.`)
  }
  if (createdAt > now + CLOCK_DRIFT_SECONDS) {
    throw identityError(
      'identity/attestation-expired',
      `The attestation of ${subject} is from the future (${isoTime(createdAt)}): compare the clocks of both machines.`,
    )
  }
  if (expiresAt < now) throw identityError('identity/attestation-expired', `The attestation of ${subject} ended at ${isoTime(expiresAt)}.`)
}

/** @throws {OckamError} `identity/invalid-signature` */
export async function verifyAttestationSignature(
  attestation: Attestation<unknown>,
  history: ChangeHistory,
  services: VerificationServices,
): Promise<void> {
  const key = history.latest.data.primaryKey
  const { encoded, signed, signature } = attestation
  await services.cache.remember('attestation', [encoded, key.bytes], async () => {
    const isValid = signature.type === key.type && (await services.verifying.verify(key, services.primitives.sha256(signed), signature))
    if (isValid !== true)
      throw identityError('identity/invalid-signature', `The attestation of ${history.identifier} is not signed by its latest key.`)
  })
}

function isoTime(seconds: number): string {
  return seconds < 8_640_000_000_000 ? new Date(seconds * 1000).toISOString() : `second ${seconds}`
}
