/**
 * Evaluates an expression with names, as the Rust nodes do: from left to right, `and`, `or` and `if` no further than needed, and an error anywhere ends the
 * whole. So `(or (= subject.missing "x") true)` has no value, and `(or true (= subject.missing "x"))` is true.
 *
 * Comparisons are about neighbours and stop at the first two that decide: `(= 1 2 "x")` is false, `(!= 1 2 "x")` is true, `(= 1 1 "x")` has no value.
 */

import { compare, equals } from './comparison.ts'
import { abacError } from './error.ts'
import { type Expression, kindName, type Value } from './expression.ts'
import { POLICY_LIMIT, StepBudget, tooDeep } from './limit.ts'

/** What names stand for; a `Map` is one. */
export interface Names {
  /** Undefined for a name without value. */
  get(name: string): Value | undefined
}

/** What an expression yields: a value, or the unit `()`. */
export type Result = Value | { readonly kind: 'list'; readonly items: readonly [] }

/** Only the boolean `true` allows anything. @throws {OckamError} `credentials/evaluation-failed`, `credentials/policy-too-large` */
export function evaluate(expression: Expression, names: Names): Result {
  return new Evaluation(names).value(expression, 0)
}

class Evaluation {
  readonly #names: Names
  readonly #budget = new StepBudget()

  constructor(names: Names) {
    this.#names = names
  }

  value(expression: Expression, depth: number): Result {
    if (depth > POLICY_LIMIT.depth) throw tooDeep()
    this.#budget.spend(1)
    if (expression.kind === 'name') return this.#bound(expression.name)
    if (expression.kind === 'sequence') return { kind: 'sequence', items: this.#values(expression.items, 0, depth) as Value[] }
    if (expression.kind === 'list') return this.#list(expression.items, depth)
    return expression
  }

  #bound(name: string): Value {
    const value = this.#names.get(name)
    if (value === undefined) throw failed(`the name ${printable(name)} has no value`)
    return value
  }

  #values(items: readonly Expression[], first: number, depth: number): Result[] {
    const values: Result[] = []
    for (let at = first; at < items.length; at++) values.push(this.value(items[at] as Expression, depth + 1))
    return values
  }

  #list(items: readonly Expression[], depth: number): Result {
    const [head] = items
    if (head === undefined) return { kind: 'list', items: [] }
    if (head.kind !== 'name') throw failed(`a list begins with ${kindName(head)} instead of an operator`)
    switch (head.name) {
      case 'and':
        return this.#until(items, false, depth)
      case 'or':
        return this.#until(items, true, depth)
      case 'not':
        checkCount('not', items, 1, 1)
        return boolean(!this.#boolean(items[1] as Expression, 'not', depth))
      case 'if':
        checkCount('if', items, 3, 3)
        return this.value(items[this.#boolean(items[1] as Expression, 'if', depth) ? 2 : 3] as Expression, depth + 1)
      case '=':
        checkCount('=', items, 2)
        return boolean(this.#chain(items, depth, (a, b) => equals(a, b, this.#budget)))
      case '!=':
        return boolean(!this.#chain(items, depth, (a, b) => equals(a, b, this.#budget)))
      case '<':
        checkCount('<', items, 2)
        return boolean(this.#chain(items, depth, (a, b) => compare(a, b, this.#budget) === -1))
      case '>':
        checkCount('>', items, 2)
        return boolean(this.#chain(items, depth, (a, b) => compare(a, b, this.#budget) === 1))
      case 'member?':
        checkCount('member?', items, 2, 2)
        return boolean(this.#isMember(items, depth))
      case 'exists?':
        return boolean(this.#exist(items))
      default:
        throw failed(`there is no operator ${printable(head.name)}`)
    }
  }

  /** `and` and `or`. All arguments but the last one evaluated are booleans; that one is the result, whatever it is. */
  #until(items: readonly Expression[], decisive: boolean, depth: number): Result {
    if (items.length === 1) return boolean(!decisive)
    const last = items.length - 1
    for (let at = 1; at < last; at++) {
      if (this.#boolean(items[at] as Expression, decisive ? 'or' : 'and', depth) === decisive) return boolean(decisive)
    }
    return this.value(items[last] as Expression, depth + 1)
  }

  #boolean(expression: Expression, operator: string, depth: number): boolean {
    const value = this.value(expression, depth + 1)
    if (value.kind !== 'boolean') throw failed(`"${operator}" needs booleans and was given ${kindName(value)}`)
    return value.value
  }

  /** Whether `holds` for all neighbours; all arguments are evaluated first. */
  #chain(items: readonly Expression[], depth: number, holds: (a: Expression, b: Expression) => boolean): boolean {
    const values = this.#values(items, 1, depth)
    for (let at = 1; at < values.length; at++) if (!holds(values[at - 1] as Result, values[at] as Result)) return false
    return true
  }

  #isMember(items: readonly Expression[], depth: number): boolean {
    const [wanted, all] = this.#values(items, 1, depth) as [Result, Result]
    if (all.kind !== 'sequence') throw failed(`"member?" looks into a sequence and was given ${kindName(all)}`)
    return all.items.some((item) => equals(wanted, item, this.#budget))
  }

  /** Arguments are not evaluated, and not looked at behind the first name without a value. */
  #exist(items: readonly Expression[]): boolean {
    for (let at = 1; at < items.length; at++) {
      const item = items[at] as Expression
      if (item.kind !== 'name') throw failed(`"exists?" asks for names and was given ${kindName(item)}`)
      this.#budget.spend(1)
      if (this.#names.get(item.name) === undefined) return false
    }
    return true
  }
}

const TRUE: Value = { kind: 'boolean', value: true }
const FALSE: Value = { kind: 'boolean', value: false }
const boolean = (value: boolean): Value => (value ? TRUE : FALSE)

/** The operator itself is not counted. */
function checkCount(operator: string, items: readonly Expression[], least: number, most = Number.POSITIVE_INFINITY): void {
  const count = items.length - 1
  if (count < least || count > most)
    throw failed(`"${operator}" takes ${least}${most === least ? '' : ' or more'} arguments and was given ${count}`)
}

/** A name for a log line: neither long nor with control characters. */
const printable = (name: string): string => JSON.stringify(name.length > 100 ? `${name.slice(0, 100)}…` : name)

const failed = (problem: string): Error => abacError('credentials/evaluation-failed', `The policy has no value: ${problem}.`)
