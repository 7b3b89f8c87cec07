/** A policy as it is written, stored and sent: an expression, or the shorthand for one. The Rust nodes call it `PolicyExpression`. */

import { expandBoolean, type BooleanExpression, printBoolean, readBoolean, writeBoolean } from './boolean-expression.ts'
import { parseBoolean } from './boolean-parser.ts'
import { abacError } from './error.ts'
import type { Expression } from './expression.ts'
import { decodePolicy, encodePolicy, notAPolicy, readExpression, writeExpression } from './expression-codec.ts'
import { checkPolicyText, parseExpression } from './parser.ts'
import { printExpression } from './printer.ts'

export type PolicyExpression =
  | { readonly form: 'expression'; readonly expression: Expression }
  | { readonly form: 'boolean'; readonly boolean: BooleanExpression }

const EXPRESSION = 0
const BOOLEAN = 1

/**
 * Reads the shorthand, or else an expression.
 * @throws {OckamError} `credentials/invalid-policy`, `credentials/policy-too-large`
 */
export function parsePolicy(text: string): PolicyExpression {
  checkPolicyText(text)
  const boolean = parseBoolean(text)
  return boolean === undefined ? { form: 'expression', expression: parseExpression(text) } : { form: 'boolean', boolean }
}

/**
 * {@link parsePolicy} reads it again as the same, when it is an operation and not over the limit of texts. An expression that would be read as shorthand,
 * such as `(not a)`, has an empty comment behind it, which no shorthand has.
 * @throws {OckamError} `credentials/policy-too-large`
 */
export function printPolicy(policy: PolicyExpression): string {
  if (policy.form === 'boolean') return printBoolean(policy.boolean)
  const printed = printExpression(policy.expression)
  return isShorthand(printed) ? `${printed} ;;` : printed
}

function isShorthand(text: string): boolean {
  try {
    return parseBoolean(text) !== undefined
  } catch {
    return true
  }
}

/** The expression that is evaluated. */
export function expandPolicy(policy: PolicyExpression): Expression {
  return policy.form === 'boolean' ? expandBoolean(policy.boolean) : policy.expression
}

/** A fresh array. @throws {OckamError} `credentials/invalid-policy`, `credentials/policy-too-large` for what could not be read again. */
export function encodePolicyExpression(policy: PolicyExpression): Uint8Array<ArrayBuffer> {
  return encodePolicy((writer, parts) => {
    writer.enumeration(policy.form === 'boolean' ? BOOLEAN : EXPRESSION, 1)
    if (policy.form !== 'boolean' && policy.form !== 'expression') throw notAPolicy()
    if (policy.form === 'boolean') writeBoolean(writer, policy.boolean, parts, 0)
    else writeExpression(writer, policy.expression, parts, 0)
  })
}

/** The result borrows nothing. @throws {OckamError} `credentials/invalid-policy`, `credentials/policy-too-large` */
export function decodePolicyExpression(bytes: Uint8Array): PolicyExpression {
  return decodePolicy(bytes, (reader, parts): PolicyExpression => {
    const form = reader.beginEnum()
    if (form !== EXPRESSION && form !== BOOLEAN)
      throw abacError('credentials/invalid-policy', `A policy has the form ${form}, which nobody knows.`)
    const policy: PolicyExpression =
      form === BOOLEAN
        ? { form: 'boolean', boolean: readBoolean(reader, parts, 0) }
        : { form: 'expression', expression: readExpression(reader, parts, 0) }
    reader.endEnum()
    return policy
  })
}
