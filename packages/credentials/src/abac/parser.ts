/**
 * Reads an expression: `(operator a b)`, `[a b]`, literals and names. Outer parentheses may be left out. What is read must be an operation, because nothing
 * else decides. Without recursion, so that no nesting exhausts the stack.
 */

import { OckamError } from '@ockam/core'
import { equals } from './comparison.ts'
import { abacError } from './error.ts'
import { type Expression, OPERATORS } from './expression.ts'
import { Lexer } from './lexer.ts'
import { PartCounter, POLICY_LIMIT, StepBudget } from './limit.ts'

interface Open {
  readonly end: ')' | ']' | 'end'
  readonly items: Expression[]
}

/** @throws {OckamError} `credentials/invalid-policy`, `credentials/policy-too-large` */
export function parseExpression(text: string): Expression {
  checkPolicyText(text)
  const lexer = new Lexer(text)
  const parts = new PartCounter()
  const budget = new StepBudget()
  const open: Open[] = [{ end: 'end', items: [] }]
  for (;;) {
    const token = lexer.next()
    const innermost = open.at(-1) as Open
    if (token.kind === 'atom') {
      parts.add(open.length - 1)
      innermost.items.push(token.expression)
    } else if (token.kind === '(' || token.kind === '[') {
      parts.add(open.length - 1)
      open.push({ end: token.kind === '(' ? ')' : ']', items: [] })
    } else {
      if (token.kind !== innermost.end) throw unbalanced(token.kind, innermost.end)
      open.pop()
      const outer = open.at(-1)
      if (outer === undefined) return operation(innermost.items, parts)
      outer.items.push(token.kind === ')' ? { kind: 'list', items: innermost.items } : sequence(innermost.items, budget))
    }
  }
}

/** @throws {OckamError} `credentials/invalid-policy` unless a string of whole characters, `credentials/policy-too-large` */
export function checkPolicyText(text: string): void {
  if (typeof text !== 'string') throw abacError('credentials/invalid-policy', `A policy is read from text; got ${typeof text}.`)
  if (text.length > POLICY_LIMIT.textLength)
    throw abacError(
      'credentials/policy-too-large',
      `The policy has ${text.length} characters; at most ${POLICY_LIMIT.textLength} are read.`,
    )
  if (/\p{Surrogate}/u.test(text)) throw abacError('credentials/invalid-policy', 'The policy has half of a character in it.')
}

function sequence(items: readonly Expression[], budget: StepBudget): Expression {
  for (let at = 1; at < items.length; at++) {
    try {
      equals(items[at - 1] as Expression, items[at] as Expression, budget)
    } catch (error) {
      if (!OckamError.is(error, 'credentials/evaluation-failed')) throw error
      throw abacError('credentials/invalid-policy', 'Cannot read the policy: the elements of a sequence are of one type.', error)
    }
  }
  return { kind: 'sequence', items }
}

function operation(items: readonly Expression[], parts: PartCounter): Expression {
  const [first] = items
  if (first === undefined) throw abacError('credentials/invalid-policy', 'The policy is empty.')
  if (items.length > 1) parts.enclose()
  const expression: Expression = items.length === 1 ? first : { kind: 'list', items }
  let head: Expression | undefined = expression
  while (head?.kind === 'list') head = head.items[0]
  if (head?.kind === 'name' && OPERATORS.has(head.name)) return expression
  throw abacError('credentials/invalid-policy', `A policy begins with an operator: ${[...OPERATORS].join(' ')}.`)
}

function unbalanced(found: string, expected: string): Error {
  const problem =
    found === 'end'
      ? `a "${expected}" is missing`
      : expected === 'end'
        ? `"${found}" closes nothing`
        : `"${found}" where "${expected}" is needed`
  return abacError('credentials/invalid-policy', `Cannot read the policy: ${problem}.`)
}
