/**
 * The shorthand for policies about attributes: `sensor`, `role=reader and not (guest or trial)`, an identifier. It says less than expressions do, and each
 * of its forms stands for one.
 */

import type { CborReader, CborWriter } from '@ockam/core/cbor'
import { abacError } from './error.ts'
import type { Expression } from './expression.ts'
import { notAPolicy } from './expression-codec.ts'
import { type PartCounter, POLICY_LIMIT, tooDeep } from './limit.ts'

export type BooleanExpression =
  /** The attribute is the text `true`. */
  | { readonly kind: 'attribute'; readonly name: string }
  | { readonly kind: 'attribute-value'; readonly name: string; readonly value: string }
  /** The subject is this identity. Compared as it is written: digits above 9 in lower case. */
  | { readonly kind: 'identifier'; readonly identifier: string }
  | { readonly kind: 'or' | 'and'; readonly left: BooleanExpression; readonly right: BooleanExpression }
  | { readonly kind: 'not'; readonly operand: BooleanExpression }

export const IDENTIFIER: RegExp = /^I[0-9a-fA-F]{64}$/
/** A name that begins with `not` and goes on as a name would be read as a negation. */
const ATTRIBUTE = /^(?!not(?:[A-Za-z_-]|$))[A-Za-z_-][A-Za-z0-9._-]*$/
const PLAIN_VALUE = /^[A-Za-z0-9._-]+$/

const ATTRIBUTE_KIND = 0
const ATTRIBUTE_VALUE_KIND = 1
const IDENTIFIER_KIND = 2
const OR_KIND = 3
const AND_KIND = 4
const NOT_KIND = 5

/** @throws {OckamError} `credentials/policy-too-large` for what is nested deeper than policies may be. */
export function checkDepth(expression: BooleanExpression, depth = 0): void {
  // What it stands for is nested once more, for the comparison of an attribute.
  if (depth >= POLICY_LIMIT.depth) throw tooDeep()
  if (expression.kind === 'not') checkDepth(expression.operand, depth + 1)
  else if (expression.kind === 'or' || expression.kind === 'and') {
    checkDepth(expression.left, depth + 1)
    checkDepth(expression.right, depth + 1)
  }
}

/** Nothing is simplified: the expression that the shorthand stands for. @throws {OckamError} `credentials/policy-too-large` */
export function expandBoolean(expression: BooleanExpression): Expression {
  checkDepth(expression)
  return expand(expression)
}

function expand(expression: BooleanExpression): Expression {
  switch (expression.kind) {
    case 'attribute':
      return equality(`subject.${expression.name}`, 'true')
    case 'attribute-value':
      return equality(`subject.${expression.name}`, expression.value)
    case 'identifier':
      return equality('subject.identifier', expression.identifier)
    case 'not':
      return list('not', expand(expression.operand))
    default:
      return list(expression.kind, expand(expression.left), expand(expression.right))
  }
}

const equality = (name: string, value: string): Expression => list('=', { kind: 'name', name }, { kind: 'string', value })

const list = (operator: string, ...items: readonly Expression[]): Expression => ({
  kind: 'list',
  items: [{ kind: 'name', name: operator }, ...items],
})

/**
 * With parentheses around every part that has an operator, so that it is read again as what it is.
 * @throws {OckamError} `credentials/policy-too-large`
 */
export function printBoolean(expression: BooleanExpression): string {
  checkDepth(expression)
  return print(expression)
}

function print(expression: BooleanExpression): string {
  switch (expression.kind) {
    case 'attribute':
      return expression.name
    case 'attribute-value':
      return `${expression.name}=${PLAIN_VALUE.test(expression.value) ? expression.value : `"${expression.value}"`}`
    case 'identifier':
      return expression.identifier
    case 'not':
      return `not ${printPart(expression.operand)}`
    default:
      return `${printPart(expression.left)} ${expression.kind} ${printPart(expression.right)}`
  }
}

function printPart(expression: BooleanExpression): string {
  const printed = print(expression)
  return expression.kind === 'or' || expression.kind === 'and' || expression.kind === 'not' ? `(${printed})` : printed
}

/** Whether a name, and a value if there is one, can be written so that it is read again. */
export function isWritable(name: string, value?: string): boolean {
  if (!ATTRIBUTE.test(name) || IDENTIFIER.test(name)) return false
  return value === undefined || (value !== '' && !value.includes('"'))
}

export function writeBoolean(writer: CborWriter, expression: BooleanExpression, parts: PartCounter, depth: number): void {
  parts.add(depth + 1)
  switch (expression.kind) {
    case 'attribute':
      writer.enumeration(ATTRIBUTE_KIND, 1).text(writableName(expression.name))
      return
    case 'attribute-value':
      writer.enumeration(ATTRIBUTE_VALUE_KIND, 2).text(writableName(expression.name, expression.value)).text(expression.value)
      return
    case 'identifier':
      writer.enumeration(IDENTIFIER_KIND, 1).text(checkedIdentifier(expression.identifier))
      return
    case 'not':
      writer.enumeration(NOT_KIND, 1)
      writeBoolean(writer, expression.operand, parts, depth + 1)
      return
    case 'or':
    case 'and':
      writer.enumeration(expression.kind === 'or' ? OR_KIND : AND_KIND, 2)
      writeBoolean(writer, expression.left, parts, depth + 1)
      writeBoolean(writer, expression.right, parts, depth + 1)
      return
    default:
      throw notAPolicy()
  }
}

/** @throws {OckamError} `credentials/invalid-policy`, also for names and values that cannot be written, `credentials/policy-too-large` */
export function readBoolean(reader: CborReader, parts: PartCounter, depth: number): BooleanExpression {
  parts.add(depth + 1)
  const kind = reader.beginEnum()
  const expression = readFields(reader, kind, parts, depth)
  reader.endEnum()
  return expression
}

function readFields(reader: CborReader, kind: number, parts: PartCounter, depth: number): BooleanExpression {
  switch (kind) {
    case ATTRIBUTE_KIND:
      return { kind: 'attribute', name: writableName(reader.text()) }
    case ATTRIBUTE_VALUE_KIND: {
      const [name, value] = [reader.text(), reader.text()]
      return { kind: 'attribute-value', name: writableName(name, value), value }
    }
    case IDENTIFIER_KIND:
      return { kind: 'identifier', identifier: checkedIdentifier(reader.text()) }
    case OR_KIND:
    case AND_KIND: {
      const left = readBoolean(reader, parts, depth + 1)
      return { kind: kind === OR_KIND ? 'or' : 'and', left, right: readBoolean(reader, parts, depth + 1) }
    }
    case NOT_KIND:
      return { kind: 'not', operand: readBoolean(reader, parts, depth + 1) }
    default:
      throw abacError('credentials/invalid-policy', `A policy in shorthand has a part of kind ${kind}, which says nothing.`)
  }
}

function writableName(name: string, value?: string): string {
  if (isWritable(name, value)) return name
  throw abacError(
    'credentials/invalid-policy',
    'A policy in shorthand has a name or a value that the shorthand cannot write: write (= subject.name "value").',
  )
}

function checkedIdentifier(text: string): string {
  if (IDENTIFIER.test(text)) return text
  throw abacError('credentials/invalid-policy', 'A policy in shorthand has an identifier that is none.')
}
