/**
 * Equality and order of expressions, as the Rust nodes have them: both stop at the first difference, and an error is only what is met before it.
 * Sequences, and lists alike, of different length differ whatever is in them.
 */

import { abacError } from './error.ts'
import { type Expression, kindName } from './expression.ts'
import type { StepBudget } from './limit.ts'

/** Less, equal, greater; undefined where there is no order, as with NaN. */
export type Order = -1 | 0 | 1 | undefined

type Pairs = (readonly [Expression, Expression])[]

/** @throws {OckamError} `credentials/evaluation-failed` for two of different types, `credentials/policy-too-large` */
export function equals(left: Expression, right: Expression, budget: StepBudget): boolean {
  return walk(left, right, budget, equalAtoms) === 0
}

/** @throws {OckamError} the same */
export function compare(left: Expression, right: Expression, budget: StepBudget): Order {
  return walk(left, right, budget, orderOf)
}

/** Without recursion: values may nest deeper than expressions. */
function walk(left: Expression, right: Expression, budget: StepBudget, atoms: (a: Atom, b: Atom) => Order): Order {
  const pairs: Pairs = [[left, right]]
  for (let pair = pairs.pop(); pair !== undefined; pair = pairs.pop()) {
    const [a, b] = pair
    budget.spend(1)
    if (a.kind !== b.kind) throw abacError('credentials/evaluation-failed', `Cannot compare ${kindName(a)} with ${kindName(b)}.`)
    if (a.kind === 'list' || a.kind === 'sequence') {
      const [ours, theirs] = [a.items, (b as typeof a).items]
      if (ours.length !== theirs.length) return ours.length < theirs.length ? -1 : 1
      budget.spend(ours.length)
      for (let at = ours.length - 1; at >= 0; at--) pairs.push([ours[at] as Expression, theirs[at] as Expression])
      continue
    }
    const [one, other] = [atomOf(a), atomOf(b)]
    if (typeof one === 'string') budget.spend(Math.min(one.length, (other as string).length) >>> 6)
    const order = atoms(one, other)
    if (order !== 0) return order
  }
  return 0
}

type Atom = string | bigint | number | boolean

const atomOf = (expression: Expression): Atom =>
  expression.kind === 'name' ? expression.name : (expression as Exclude<Expression, { items: unknown } | { kind: 'name' }>).value

const equalAtoms = (a: Atom, b: Atom): Order => (a === b ? 0 : undefined)

function orderOf(a: Atom, b: Atom): Order {
  if (typeof a === 'string') return orderOfText(a, b as string)
  if (a === b) return 0
  return a < b ? -1 : a > b ? 1 : undefined
}

/** By bytes of UTF-8, which is by code points: JavaScript's own order puts surrogates in front of what lies above them. */
function orderOfText(a: string, b: string): -1 | 0 | 1 {
  const shared = Math.min(a.length, b.length)
  for (let at = 0; at < shared; at++) {
    const [left, right] = [a.charCodeAt(at), b.charCodeAt(at)]
    if (left === right) continue
    const [isLeftHigh, isRightHigh] = [isSurrogate(left), isSurrogate(right)]
    if (isLeftHigh !== isRightHigh) return isLeftHigh ? 1 : -1
    return left < right ? -1 : 1
  }
  return a.length === b.length ? 0 : a.length < b.length ? -1 : 1
}

const isSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdfff
