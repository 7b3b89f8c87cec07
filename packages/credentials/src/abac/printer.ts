/**
 * Writes an expression as the Rust nodes do, and so that it is read again as what it is: where their form would be read as something else (a name with a
 * space, a zero character in a string) it is another spelling of the same, which they read as well.
 */

import type { Expression } from './expression.ts'
import { isPlainName } from './lexer.ts'
import { POLICY_LIMIT, tooDeep } from './limit.ts'

/** What Rust's debug form escapes: quote, backslash, and whatever does not show by itself. */
const ESCAPED = /["\\]|(?! )[\p{C}\p{Z}\p{Grapheme_Extend}]/gu
const SHORT: Readonly<Record<string, string>> = { '\t': '\\t', '\n': '\\n', '\r': '\\r', '"': '\\"', '\\': '\\\\', '\0': '\\00' }

/** @throws {OckamError} `credentials/policy-too-large` when it is nested deeper than any policy that can be read. */
export function printExpression(expression: Expression): string {
  return print(expression, 0)
}

function print(expression: Expression, depth: number): string {
  if (depth > POLICY_LIMIT.depth) throw tooDeep()
  switch (expression.kind) {
    case 'string':
      return quoted(expression.value)
    case 'float':
      return printFloat(expression.value)
    case 'name':
      return isPlainName(expression.name) ? expression.name : `$${quoted(expression.name)}`
    case 'list':
      return `(${expression.items.map((item) => print(item, depth + 1)).join(' ')})`
    case 'sequence':
      return `[${expression.items.map((item) => print(item, depth + 1)).join(' ')}]`
    default:
      return String(expression.value)
  }
}

const quoted = (text: string): string =>
  `"${text.replaceAll(ESCAPED, (found) => SHORT[found] ?? `\\u{${(found.codePointAt(0) as number).toString(16)}}`)}"`

/** Always with a point or an exponent, which tells a float from an integer. */
function printFloat(value: number): string {
  if (Number.isNaN(value)) return 'nan'
  if (!Number.isFinite(value)) return value < 0 ? '-inf' : '+inf'
  const magnitude = Math.abs(value)
  if (magnitude !== 0 && (magnitude < 1e-4 || magnitude >= 1e16)) return value.toExponential().replace('e+', 'e')
  const digits = Object.is(value, -0) ? '-0' : String(value)
  return digits.includes('.') ? digits : `${digits}.0`
}
