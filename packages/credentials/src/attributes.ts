/**
 * Attributes of a subject: a schema's number and a map of bytes to bytes, `[schema, {* name => value}]`. What the numbers mean is agreed on between issuers
 * and verifiers; nothing here enforces it. Names and values are mostly text, in UTF-8.
 *
 * As Rust nodes do: written in the order of the names' bytes, read in any order; of a name that is given twice the last value holds.
 */

import { toByteText } from '@ockam/core'
import type { CborReader, CborWriter } from '@ockam/core/cbor'
import { credentialsError } from './error.ts'

export interface Attribute {
  readonly name: Uint8Array
  readonly value: Uint8Array
}

export interface Attributes {
  /** 0 to 2^64-1. Rust nodes write 1 for members of a project. */
  readonly schema: bigint
  /** No name is there twice. */
  readonly entries: readonly Attribute[]
}

/** Attributes that an authority attests, as long as its credential holds. */
export interface AttestedAttributes extends Attributes {
  /** Those attributes whose name and value are both UTF-8. */
  readonly text: ReadonlyMap<string, string>
  /** Whole seconds since 1970: from then on nothing of this holds. */
  readonly expiresAt: number
}

/** What attributes are made of: an object of text by text, or bytes by bytes. */
export type AttributeValues = Readonly<Record<string, string>> | readonly Attribute[]

/** Reads a whole item. Names and values are views. @throws {OckamError} `core/invalid-cbor` */
export function readAttributes(reader: CborReader): Attributes {
  reader.beginArray(2)
  const schema = reader.uint64()
  const entries = new Map<string, Attribute>()
  reader.beginMap()
  while (reader.hasNext()) {
    const name = reader.bytes()
    entries.set(toByteText(name), { name, value: reader.bytes() })
  }
  reader.end()
  reader.end()
  return { schema, entries: [...entries.values()] }
}

export function writeAttributes(writer: CborWriter, { schema, entries }: Attributes): void {
  writer.array(2).uint(schema).map(entries.length)
  for (const { name, value } of entries.toSorted(byName)) writer.bytes(name).bytes(value)
}

/** @throws {OckamError} `credentials/invalid-argument` for anything but text or bytes, for text without a UTF-8 form, and for a name given twice. */
export function toAttributes(values: AttributeValues, schema: number | bigint): Attributes {
  if (typeof values !== 'object' || values === null) throw invalid(`Attributes are an object of texts or a list; got ${typeof values}.`)
  if (!isSchema(schema)) throw invalid(`The schema of attributes is a whole number of 64 bits; got ${String(schema)}.`)
  const given = Array.isArray(values) ? (values as readonly Attribute[]) : Object.entries(values).map(fromText)
  const entries = new Map<string, Attribute>()
  for (const { name, value } of given) {
    if (!(name instanceof Uint8Array) || !(value instanceof Uint8Array)) throw invalid('The name and the value of an attribute are bytes.')
    if (entries.has(toByteText(name))) throw invalid('An attribute is given twice.')
    entries.set(toByteText(name), { name: new Uint8Array(name), value: new Uint8Array(value) })
  }
  return { schema: BigInt(schema), entries: [...entries.values()] }
}

/** Those attributes whose name is UTF-8, by it. No other attribute can pass for one of them. */
export function namedByText({ entries }: Pick<Attributes, 'entries'>): ReadonlyMap<string, Uint8Array> {
  const named = new Map<string, Uint8Array>()
  for (const { name, value } of entries) {
    const text = textOf(name)
    if (text !== undefined) named.set(text, value)
  }
  return named
}

/** Those attributes whose name and value are both UTF-8, as text. */
export function textAttributes(attributes: Pick<Attributes, 'entries'>): ReadonlyMap<string, string> {
  const texts = new Map<string, string>()
  for (const [name, value] of namedByText(attributes)) {
    const text = textOf(value)
    if (text !== undefined) texts.set(name, text)
  }
  return texts
}

/** Undefined for bytes that are no text: they have no textual form. */
function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

function fromText([name, value]: readonly [string, unknown]): Attribute {
  if (typeof value !== 'string') throw invalid(`The value of the attribute "${name}" is ${typeof value} where text is needed.`)
  // A lone surrogate would become another character, and the credential would say something else than asked for.
  if (/\p{Surrogate}/u.test(name + value)) throw invalid('An attribute with half of a surrogate pair has no UTF-8 form.')
  const encoder = new TextEncoder()
  return { name: encoder.encode(name), value: encoder.encode(value) }
}

function isSchema(schema: unknown): schema is number | bigint {
  if (typeof schema === 'bigint') return schema >= 0n && schema < 1n << 64n
  return Number.isSafeInteger(schema) && (schema as number) >= 0
}

/** By bytes; of two names that begin alike the shorter comes first. */
function byName({ name: left }: Attribute, { name: right }: Attribute): number {
  const common = Math.min(left.length, right.length)
  for (let i = 0; i < common; i++) if (left[i] !== right[i]) return (left[i] as number) - (right[i] as number)
  return left.length - right.length
}

function invalid(message: string): Error {
  return credentialsError('credentials/invalid-argument', message)
}
