/** CBOR items as values, for tests that read or write any item at all: the reader and writer themselves know only formats. */

import fc from 'fast-check'
import { type CborReader, CborWriter } from '../../src/cbor/index.ts'

export type CborValue =
  | { readonly kind: 'int'; readonly value: bigint }
  | { readonly kind: 'bytes'; readonly value: Uint8Array }
  | { readonly kind: 'text'; readonly value: string }
  | { readonly kind: 'array'; readonly value: readonly CborValue[] }
  | { readonly kind: 'map'; readonly value: readonly (readonly [CborValue, CborValue])[] }
  | { readonly kind: 'bool'; readonly value: boolean }
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'null' }

export function readValue(reader: CborReader): CborValue {
  const kind = reader.peek()
  switch (kind) {
    case 'uint':
      return { kind: 'int', value: reader.uint64() }
    case 'negative':
      return { kind: 'int', value: reader.int64() }
    case 'bytes':
      return { kind, value: reader.bytes() }
    case 'text':
      return { kind, value: reader.text() }
    case 'bool':
      return { kind, value: reader.bool() }
    case 'float':
      return { kind, value: reader.float64() }
    case 'array': {
      const value: CborValue[] = []
      reader.beginArray()
      while (reader.hasNext()) value.push(readValue(reader))
      reader.end()
      return { kind, value }
    }
    case 'map': {
      const value: [CborValue, CborValue][] = []
      reader.beginMap()
      while (reader.hasNext()) value.push([readValue(reader), readValue(reader)])
      reader.end()
      return { kind, value }
    }
    case 'null':
    case 'tag':
    case 'simple':
    case 'break':
    case 'end':
      reader.null()
      return { kind: 'null' }
  }
}

function writeValue(writer: CborWriter, item: CborValue): CborWriter {
  switch (item.kind) {
    case 'int':
      return writer.int(item.value)
    case 'bytes':
      return writer.bytes(item.value)
    case 'text':
      return writer.text(item.value)
    case 'bool':
      return writer.bool(item.value)
    case 'float':
      return writer.float64(item.value)
    case 'null':
      return writer.null()
    case 'array':
      writer.array(item.value.length)
      for (const element of item.value) writeValue(writer, element)
      return writer
    case 'map':
      writer.map(item.value.length)
      for (const [key, value] of item.value) writeValue(writeValue(writer, key), value)
      return writer
  }
}

export function encodeValue(item: CborValue): Uint8Array<ArrayBuffer> {
  return writeValue(new CborWriter(), item).finish()
}

/** Any item that has one encoding, nested at most six deep. */
export const anyCborValue: fc.Arbitrary<CborValue> = fc.letrec<{ item: CborValue }>((tie) => ({
  item: fc.oneof(
    { maxDepth: 6 },
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }).map((value): CborValue => ({ kind: 'int', value })),
    fc.uint8Array({ maxLength: 300 }).map((value): CborValue => ({ kind: 'bytes', value })),
    fc.string({ unit: 'binary', maxLength: 80 }).map((value): CborValue => ({ kind: 'text', value })),
    fc.boolean().map((value): CborValue => ({ kind: 'bool', value })),
    fc.double().map((value): CborValue => ({ kind: 'float', value })),
    fc.constant<CborValue>({ kind: 'null' }),
    fc.array(tie('item'), { maxLength: 30 }).map((value): CborValue => ({ kind: 'array', value })),
    fc.array(fc.tuple(tie('item'), tie('item')), { maxLength: 8 }).map((value): CborValue => ({ kind: 'map', value })),
  ),
})).item
