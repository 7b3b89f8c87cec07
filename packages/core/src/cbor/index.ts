export type { CborKind } from './cbor-kind.ts'
export { CborReader, type CborReaderOptions, INDEFINITE } from './cbor-reader.ts'
export { CborWriter, definedCount, structLength } from './cbor-writer.ts'
