/** Our reading, writing and evaluating of policies, with results in the form the Rust peer answers in: by this folder's own encoder, not by ours. */

import { OckamError } from '@ockam/core'
import { CborReader } from '@ockam/core/cbor'
import {
  type BooleanExpression,
  decodeExpression as decodeOurExpression,
  decodePolicyExpression,
  evaluate,
  expandPolicy,
  type Expression,
  parseExpression,
  parsePolicy,
  printPolicy,
  type Result,
  type Value,
} from '@ockam/credentials/abac'
import { array, bool, type Item, raw, text, uint, variant } from './cbor-item.ts'

function itemOf(expression: Expression | Result): Item {
  switch (expression.kind) {
    case 'string':
      return variant(1, text(expression.value))
    case 'integer':
      return variant(2, expression.value < 0n ? { kind: 'negative', value: -1n - expression.value } : uint(expression.value))
    case 'float': {
      const bytes = new Uint8Array(8)
      new DataView(bytes.buffer).setFloat64(0, Number.isNaN(expression.value) ? Number.NaN : expression.value)
      return variant(3, raw(0xfb, ...bytes))
    }
    case 'boolean':
      return variant(4, bool(expression.value))
    case 'name':
      return variant(5, text(expression.name))
    default:
      return variant(expression.kind === 'sequence' ? 6 : 7, array(...(expression.items as readonly Expression[]).map(itemOf)))
  }
}

function booleanItem(expression: BooleanExpression): Item {
  switch (expression.kind) {
    case 'attribute':
      return variant(0, text(expression.name))
    case 'attribute-value':
      return variant(1, text(expression.name), text(expression.value))
    case 'identifier':
      return variant(2, text(expression.identifier))
    case 'not':
      return variant(5, booleanItem(expression.operand))
    default:
      return variant(expression.kind === 'or' ? 3 : 4, booleanItem(expression.left), booleanItem(expression.right))
  }
}

export const decodeExpression = (input: Uint8Array): Item => itemOf(decodeOurExpression(input))

export function decodePolicy(input: Uint8Array): Item {
  const policy = decodePolicyExpression(input)
  return policy.form === 'boolean' ? variant(1, booleanItem(policy.boolean)) : variant(0, itemOf(policy.expression))
}

export const printDecodedPolicy = (input: Uint8Array): Item => text(printPolicy(decodePolicyExpression(input)))

export const parseExpressionText = (input: Uint8Array): Item => itemOf(parseExpression(textOf(input)))

export const parsePolicyText = (input: Uint8Array): Item => itemOf(expandPolicy(parsePolicy(textOf(input))))

function textOf(input: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(input)
  } catch (cause) {
    throw new OckamError('core/invalid-argument', 'The policy is not text in UTF-8.', { cause })
  }
}

/** `[expression, {name: value}]` */
export function evaluateItem(input: Uint8Array): Item {
  const reader = new CborReader(input, { maxDepth: 1000 })
  reader.beginArray(2)
  const expression = decodeOurExpression(reader.rawItem())
  const names = new Map<string, Value>()
  reader.beginMap()
  while (reader.hasNext()) names.set(reader.text(), decodeOurExpression(reader.rawItem()) as Value)
  reader.end()
  reader.end()
  return itemOf(evaluate(expression, names))
}
