/**
 * Purpose-key attestation: an identity's signed word that an X25519 key is its own for secure channels, `[data, signature]` with data
 * `[subject, latest change hash, purpose key, created at, expires at]`, signed with the identity's latest primary key.
 */

import { Identifier, OckamError, type Primitives, type Signature } from '@ockam/core'
import { CborReader, CborWriter } from '@ockam/core/cbor'
import type { ChangeHistory } from './change-history.ts'
import { identityError } from './error.ts'
import type { VerificationServices } from './history-verification.ts'
import { readChannelKey, readSignature, writeChannelKey, writeSignature } from './key-codec.ts'
import { ATTESTATION_DATA, decodeVersionedData, encodeVersionedData } from './versioned-data.ts'

/** How far the clocks of honest parties may differ, in seconds. */
export const CLOCK_DRIFT_SECONDS: 60 = 60

const INVALID = 'identity/invalid-attestation'
const MAX_ATTESTATION_BYTES = 4096

/** Times are whole seconds since 1970. */
export interface AttestationData {
  readonly subject: Identifier
  /** 32 bytes. */
  readonly latestChangeHash: Uint8Array
  /** 32 bytes, X25519. */
  readonly channelKey: Uint8Array
  readonly createdAt: number
  readonly expiresAt: number
}

export interface Attestation {
  /** As received or as made; a copy. */
  readonly encoded: Uint8Array<ArrayBuffer>
  readonly signed: Uint8Array
  readonly signature: Signature
  readonly data: AttestationData
}

/** A fresh array with the bytes to sign. */
export function encodeAttestationData(data: AttestationData): Uint8Array<ArrayBuffer> {
  const writer = new CborWriter().array(5).bytes(data.subject.toBytes()).bytes(data.latestChangeHash)
  writeChannelKey(writer, data.channelKey)
  writer.uint(data.createdAt).uint(data.expiresAt)
  return encodeVersionedData(ATTESTATION_DATA, writer.finish())
}

export function encodeAttestation(signed: Uint8Array, signature: Signature): Uint8Array<ArrayBuffer> {
  const writer = new CborWriter().array(2).bytes(signed)
  writeSignature(writer, signature)
  return writer.finish()
}

/** The result borrows nothing. @throws {OckamError} `identity/invalid-attestation` */
export function decodeAttestation(bytes: Uint8Array): Attestation {
  if (!(bytes instanceof Uint8Array)) throw identityError('identity/invalid-argument', `An attestation is bytes; got ${typeof bytes}.`)
  if (bytes.length > MAX_ATTESTATION_BYTES)
    throw identityError(INVALID, `The attestation has ${bytes.length} bytes; at most ${MAX_ATTESTATION_BYTES} are allowed.`)
  const encoded = new Uint8Array(bytes)
  try {
    const reader = new CborReader(encoded, { what: 'attestation' })
    reader.beginArray(2)
    const signed = reader.bytes()
    const signature = readSignature(reader, INVALID)
    reader.end()
    reader.finish()
    return { encoded, signed, signature, data: readData(decodeVersionedData(signed, ATTESTATION_DATA, INVALID)) }
  } catch (error) {
    if (OckamError.is(error, 'core/invalid-cbor', 'core/limit-exceeded'))
      throw identityError(INVALID, 'The bytes are not an attestation.', error)
    throw error
  }
}

function readData(bytes: Uint8Array): AttestationData {
  const reader = new CborReader(bytes, { what: 'attestation' })
  reader.beginArray(5)
  const subject = Identifier.fromBytes(reader.bytes(32))
  const latestChangeHash = reader.bytes(32)
  const channelKey = readChannelKey(reader)
  const createdAt = reader.uint()
  const expiresAt = reader.uint()
  reader.end()
  return { subject, latestChangeHash, channelKey, createdAt, expiresAt }
}

/**
 * Checks everything an attestation must satisfy besides its signature: that it is about this identity at its latest change, and valid at `now`.
 * @param now whole seconds since 1970.
 * @throws {OckamError} `identity/invalid-attestation`, `identity/attestation-expired`
 */
export function checkAttestation(attestation: Attestation, history: ChangeHistory, now: number, primitives: Primitives): void {
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
  attestation: Attestation,
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
