export { type CborKind, CborReader, type CborReaderOptions, INDEFINITE } from './cbor-reader.ts'
export { CborWriter, definedCount, structLength } from './cbor-writer.ts'
