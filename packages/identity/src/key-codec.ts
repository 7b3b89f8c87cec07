/**
 * Purpose keys in CBOR, as attestations name them: `[0, [X25519 bytes]]` for secure channels, `[1, [key]]` with `key` as everywhere for credentials. Each
 * purpose has a codec of its own, so that nothing which reads one kind of key can be given the other.
 */

import { OckamError, type VerifyingKey } from '@ockam/core'
import { type CborReader, type CborWriter, readVerifyingKey, writeVerifyingKey } from '@ockam/core/cbor'

/** How the public keys of one purpose are written. */
export interface PurposeKeyCodec<Key> {
  /** As in the attestation. */
  readonly purpose: number
  /** For people, and in the names of stored records: `channel key`. */
  readonly name: string
  /** Without the purpose around it. */
  readonly write: (writer: CborWriter, key: Key) => void
  /** What it returns may hold views. */
  readonly read: (reader: CborReader) => Key
  /** Names the key: equal for equal keys alone. */
  readonly idOf: (key: Key) => string
}

/** X25519, 32 bytes. */
export const CHANNEL_KEY: PurposeKeyCodec<Uint8Array> = {
  purpose: 0,
  name: 'channel key',
  write: (writer, key) => void writer.bytes(key),
  read: (reader) => reader.bytes(32),
  idOf: (key) => key.join(','),
}

export const CREDENTIAL_KEY: PurposeKeyCodec<VerifyingKey> = {
  purpose: 1,
  name: 'credential key',
  write: writeVerifyingKey,
  read: readVerifyingKey,
  idOf: verifyingKeyId,
}

export function writePurposeKey<Key>(writer: CborWriter, codec: PurposeKeyCodec<Key>, key: Key): void {
  writer.enumeration(codec.purpose, 1)
  codec.write(writer, key)
}

/** Keys for other purposes are refused. @throws {OckamError} `core/invalid-cbor` */
export function readPurposeKey<Key>(reader: CborReader, codec: PurposeKeyCodec<Key>): Key {
  const purpose = reader.beginEnum()
  if (purpose !== codec.purpose) {
    throw new OckamError(
      'core/invalid-cbor',
      `The attested key is for purpose ${purpose}; a ${codec.name} is for purpose ${codec.purpose}.`,
    )
  }
  const key = codec.read(reader)
  reader.endEnum()
  return key
}

export function verifyingKeyId({ type, bytes }: VerifyingKey): string {
  return `${type} ${bytes.join(',')}`
}
