/**
 * CBOR of an expression, as the Rust nodes write it: `[kind, [value]]` with kinds 1 string, 2 integer, 3 float, 4 boolean, 5 name, 6 sequence, 7 list.
 */

import { OckamError } from '@ockam/core'
import { CborReader, type CborReaderOptions, CborWriter } from '@ockam/core/cbor'
import { abacError } from './error.ts'
import { type Expression, isInt64 } from './expression.ts'
import { PartCounter, POLICY_LIMIT } from './limit.ts'

const STRING = 1
const INTEGER = 2
const FLOAT = 3
const BOOLEAN = 4
const NAME = 5
const SEQUENCE = 6
const LIST = 7
/** `[kind, [[…]]]` around each element, and whatever an expression stands in. */
const CBOR_DEPTH: number = 3 * (POLICY_LIMIT.depth + 1) + 8

/** A fresh array. @throws {OckamError} `credentials/invalid-policy`, `credentials/policy-too-large` for what could not be read again. */
export function encodeExpression(expression: Expression): Uint8Array<ArrayBuffer> {
  return encodePolicy((writer, parts) => writeExpression(writer, expression, parts, 0))
}

/** The result borrows nothing. @throws {OckamError} `credentials/invalid-policy`, `credentials/policy-too-large` */
export function decodeExpression(bytes: Uint8Array): Expression {
  return decodePolicy(bytes, (reader, parts) => readExpression(reader, parts, 0))
}

/** The bounds and errors of everything with a policy in it. */
export function encodePolicy(write: (writer: CborWriter, parts: PartCounter) => void): Uint8Array<ArrayBuffer> {
  const writer = new CborWriter()
  try {
    write(writer, new PartCounter())
  } catch (error) {
    // Whatever a program without types hands over in the place of a policy.
    throw OckamError.is(error, 'credentials/invalid-policy', 'credentials/policy-too-large') ? error : notAPolicy(error)
  }
  const encoded = writer.finish()
  checkLength(encoded)
  return encoded
}

/** Nothing may follow. */
export function decodePolicy<T>(bytes: Uint8Array, read: (reader: CborReader, parts: PartCounter) => T): T {
  if (!(bytes instanceof Uint8Array)) throw abacError('credentials/invalid-policy', `A policy is read from bytes; got ${typeof bytes}.`)
  checkLength(bytes)
  const options: CborReaderOptions = { what: 'policy', maxDepth: CBOR_DEPTH, maxItems: POLICY_LIMIT.encodedLength }
  try {
    const reader = new CborReader(bytes, options)
    const policy = read(reader, new PartCounter())
    reader.finish()
    return policy
  } catch (error) {
    if (OckamError.is(error, 'core/invalid-cbor')) throw abacError('credentials/invalid-policy', error.message, error)
    if (OckamError.is(error, 'core/limit-exceeded')) throw abacError('credentials/policy-too-large', error.message, error)
    throw error
  }
}

export const notAPolicy = (cause?: unknown): Error =>
  abacError('credentials/invalid-policy', 'What was given for a policy has a part of no known kind, or text that is none.', cause)

function checkLength({ length }: Uint8Array): void {
  if (length > POLICY_LIMIT.encodedLength)
    throw abacError('credentials/policy-too-large', `The policy has ${length} bytes; at most ${POLICY_LIMIT.encodedLength} are read.`)
}

export function writeExpression(writer: CborWriter, expression: Expression, parts: PartCounter, depth: number): void {
  parts.add(depth)
  switch (expression.kind) {
    case 'string':
      writer.enumeration(STRING, 1).text(expression.value)
      return
    case 'integer':
      if (!isInt64(expression.value)) throw abacError('credentials/invalid-policy', 'An integer of a policy does not fit 64 bits.')
      writer.enumeration(INTEGER, 1).int(expression.value)
      return
    case 'float':
      writer.enumeration(FLOAT, 1).float64(expression.value)
      return
    case 'boolean':
      writer.enumeration(BOOLEAN, 1).bool(expression.value)
      return
    case 'name':
      writer.enumeration(NAME, 1).text(expression.name)
      return
    case 'list':
    case 'sequence':
      writer.enumeration(expression.kind === 'list' ? LIST : SEQUENCE, 1).array(expression.items.length)
      for (const item of expression.items) writeExpression(writer, item, parts, depth + 1)
      return
    default:
      throw notAPolicy()
  }
}

/** Recursion is as deep as the limit allows, which is less than the stack. */
export function readExpression(reader: CborReader, parts: PartCounter, depth: number): Expression {
  parts.add(depth)
  const kind = reader.beginEnum()
  const expression = readFields(reader, kind, parts, depth)
  reader.endEnum()
  return expression
}

function readFields(reader: CborReader, kind: number, parts: PartCounter, depth: number): Expression {
  switch (kind) {
    case STRING:
      return { kind: 'string', value: reader.text() }
    case INTEGER:
      return { kind: 'integer', value: reader.int64() }
    case FLOAT:
      return { kind: 'float', value: reader.float64() }
    case BOOLEAN:
      return { kind: 'boolean', value: reader.bool() }
    case NAME: {
      const name = reader.text()
      if (name === '') throw abacError('credentials/invalid-policy', 'A policy has a name without a character.')
      return { kind: 'name', name }
    }
    case SEQUENCE:
    case LIST: {
      const items: Expression[] = []
      reader.beginArray()
      while (reader.hasNext()) items.push(readExpression(reader, parts, depth + 1))
      reader.end()
      return { kind: kind === LIST ? 'list' : 'sequence', items }
    }
    default:
      throw abacError('credentials/invalid-policy', `A policy has a part of kind ${kind}, which nobody knows.`)
  }
}
