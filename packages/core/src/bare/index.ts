export { BareReader, type BareReaderOptions, decodeBareData, decodeBareString } from './bare-reader.ts'
export { BareWriter, encodeBareData, encodeBareString } from './bare-writer.ts'
