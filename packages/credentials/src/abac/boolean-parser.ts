/**
 * Reads the shorthand, by the grammar of the Rust nodes:
 *
 *     or  := and ("or" and)*        and := not ("and" not)*
 *     not := "not" not | "(" or ")" | name | name "=" value | identifier
 *     name := [A-Za-z_-][A-Za-z0-9._-]*     value := [A-Za-z0-9._-]+ | '"' [^"]+ '"'
 *
 * To a Rust node an operator ends without a space: `notary` is `not ary` there, and `a orb` is `a or b`. Whoever wrote that meant something else, so it
 * is refused here.
 */

import { type BooleanExpression, checkDepth, IDENTIFIER, isWritable } from './boolean-expression.ts'
import { abacError } from './error.ts'
import { PartCounter } from './limit.ts'

const NAME = /[A-Za-z_-][A-Za-z0-9._-]*/y
const VALUE = /[A-Za-z0-9._-]+/y
const QUOTED_VALUE = /"([^"]+)"/y
const OPEN = /[ \t\r\n]*\([ \t\r\n]*/y
const CLOSE = /[ \t\r\n]*\)[ \t\r\n]*/y
const OPERATOR = {
  or: /[ \t\r\n]*or([ \t\r\n]*)/y,
  and: /[ \t\r\n]*and([ \t\r\n]*)/y,
  not: /[ \t\r\n]*not([ \t\r\n]*)/y,
} as const

/**
 * @returns undefined when the text is not the shorthand.
 * @throws {OckamError} `credentials/invalid-policy` for operators without a space behind them, `credentials/policy-too-large`
 */
export function parseBoolean(text: string): BooleanExpression | undefined {
  const parser = new BooleanParser(text)
  const expression = parser.chain('or', 0)
  if (expression === undefined || !parser.isAtEnd) return undefined
  if (parser.isGlued)
    throw abacError(
      'credentials/invalid-policy',
      'In the policy an operator (and, or, not) runs into a name: put a space between them, or write (= subject.name "true") if it is part of the name.',
    )
  // Every link of a chain nests what is in front of it once more: only the whole shows how deep that is.
  checkDepth(expression)
  return expression
}

class BooleanParser {
  readonly #text: string
  readonly #parts = new PartCounter()
  #position = 0
  /** Whether an operator was read that only the Rust nodes would take for one. */
  isGlued = false

  constructor(text: string) {
    this.#text = text
  }

  get isAtEnd(): boolean {
    return this.#position === this.#text.length
  }

  /** One part, or several with an operator between them. Where no part follows, the operator is left unread. */
  chain(operator: 'or' | 'and', depth: number): BooleanExpression | undefined {
    const next = (level: number): BooleanExpression | undefined => (operator === 'or' ? this.chain('and', level) : this.#negation(level))
    let left = next(depth)
    while (left !== undefined) {
      const start = this.#position
      if (!this.#operator(operator)) break
      const right = next(depth + 1)
      if (right === undefined) {
        this.#position = start
        break
      }
      left = { kind: operator, left, right }
    }
    return left
  }

  #negation(depth: number): BooleanExpression | undefined {
    this.#parts.add(depth + 1)
    const start = this.#position
    if (this.#operator('not')) {
      const operand = this.#negation(depth + 1)
      if (operand !== undefined) return { kind: 'not', operand }
      this.#position = start
    }
    if (this.#match(OPEN)) {
      const expression = this.chain('or', depth + 1)
      return expression !== undefined && this.#match(CLOSE) ? expression : undefined
    }
    return this.#name()
  }

  #operator(operator: keyof typeof OPERATOR): boolean {
    const found = this.#match(OPERATOR[operator])
    if (!found) return false
    NAME.lastIndex = this.#position
    if (found[1] === '' && NAME.test(this.#text)) this.isGlued = true
    return true
  }

  #name(): BooleanExpression | undefined {
    const name = this.#match(NAME)?.[0]
    if (name === undefined) return undefined
    if (IDENTIFIER.test(name)) return { kind: 'identifier', identifier: name }
    if (this.#text[this.#position] !== '=') return this.#attribute({ kind: 'attribute', name })
    this.#position++
    const value = this.#text[this.#position] === '"' ? this.#match(QUOTED_VALUE)?.[1] : this.#match(VALUE)?.[0]
    return value === undefined ? undefined : this.#attribute({ kind: 'attribute-value', name, value })
  }

  /** `not` alone is a name to a Rust node. */
  #attribute(attribute: Extract<BooleanExpression, { name: string }>): BooleanExpression {
    if (!isWritable(attribute.name)) this.isGlued = true
    return attribute
  }

  #match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#position
    const found = pattern.exec(this.#text) ?? undefined
    if (found !== undefined) this.#position = pattern.lastIndex
    return found
  }
}
