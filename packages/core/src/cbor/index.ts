export type { CborKind } from './cbor-kind.ts'
export { CborReader, type CborReaderOptions, INDEFINITE } from './cbor-reader.ts'
export { CborWriter, definedCount, structLength } from './cbor-writer.ts'
export {
  ATTESTATION_DATA,
  CHANGE_DATA,
  CREDENTIAL_DATA,
  decodeVersionedData,
  encodeVersionedData,
  readSignature,
  readVerifyingKey,
  writeSignature,
  writeVerifyingKey,
} from './signed-data.ts'
