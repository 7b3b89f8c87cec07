/**
 * What both sides show in the handshake, `[change history, attestation, [credentials]]` in CBOR: the payload of messages 2 and 3. The items are
 * cut out as raw bytes and handed on; of their insides only the form of credentials is looked at.
 */

import { CborReader, CborWriter } from '@ockam/core/cbor'
import { channelError } from '../error.ts'
import { checkCredentialForm } from './presented-credential.ts'

/** Far more than any handshake message holds of real ones. */
const MAX_CREDENTIALS = 64

export interface IdentityPayload {
  /** CBOR `ChangeHistory`. */
  readonly changeHistory: Uint8Array
  /** CBOR `PurposeKeyAttestation`. */
  readonly attestation: Uint8Array
  /** CBOR items `CredentialAndPurposeKey`. */
  readonly credentials: readonly Uint8Array[]
}

export function encodeIdentityPayload({ changeHistory, attestation, credentials }: IdentityPayload): Uint8Array<ArrayBuffer> {
  const writer = new CborWriter(512)
  writer.array(3).raw(changeHistory).raw(attestation)
  writeCredentials(writer, credentials)
  return writer.finish()
}

/** @param payload borrowed: the items are views of it. @throws {OckamError} `secure-channel/invalid-message` */
export function decodeIdentityPayload(payload: Uint8Array): IdentityPayload {
  return readMessage('identity in a handshake message', payload, (reader) => {
    reader.beginArray(3)
    const changeHistory = reader.rawItem()
    const attestation = reader.rawItem()
    const credentials = readCredentials(reader)
    reader.end()
    return { changeHistory, attestation, credentials }
  })
}

/** The history and credentials of a `RefreshCredentials` message. */
export type RefreshPayload = Omit<IdentityPayload, 'attestation'>

/** The fields of `RefreshCredentials`, `[change history, [credentials]]`. */
export function writeRefreshPayload(writer: CborWriter, { changeHistory, credentials }: RefreshPayload): void {
  writer.array(2).raw(changeHistory)
  writeCredentials(writer, credentials)
}

/** Reads what {@link writeRefreshPayload} writes. The items are views. */
export function readRefreshPayload(reader: CborReader): RefreshPayload {
  reader.beginArray(2)
  const changeHistory = reader.rawItem()
  const credentials = readCredentials(reader)
  reader.end()
  return { changeHistory, credentials }
}

/** Runs a decoder; whatever it finds wrong becomes one error of this package, with the reason as cause. */
export function readMessage<T>(what: string, bytes: Uint8Array, read: (reader: CborReader) => T): T {
  try {
    return read(new CborReader(bytes, { what }))
  } catch (error) {
    throw channelError('secure-channel/invalid-message', `The ${what} cannot be read; it was dropped.`, error)
  }
}

function writeCredentials(writer: CborWriter, credentials: readonly Uint8Array[]): void {
  writer.array(credentials.length)
  for (const credential of credentials) writer.raw(credential)
}

function readCredentials(reader: CborReader): readonly Uint8Array[] {
  const credentials: Uint8Array[] = []
  reader.beginArray()
  while (reader.hasNext()) {
    if (credentials.length === MAX_CREDENTIALS)
      throw channelError('secure-channel/invalid-message', `More than ${MAX_CREDENTIALS} credentials.`)
    const credential = reader.rawItem()
    checkCredentialForm(credential)
    credentials.push(credential)
  }
  reader.end()
  return credentials
}
