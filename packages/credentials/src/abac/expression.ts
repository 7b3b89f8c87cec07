/**
 * Policy expressions as the Rust nodes have them (`ockam_abac`): the values that attributes are compared with, names that are bound when a policy is
 * evaluated, and lists whose first element says what is done with the others.
 */

/** What a name may stand for, and what evaluating yields. */
export type Value =
  | { readonly kind: 'string'; readonly value: string }
  /** From -2^63 to 2^63-1. */
  | { readonly kind: 'integer'; readonly value: bigint }
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'sequence'; readonly items: readonly Value[] }

export type Expression =
  | Exclude<Value, { readonly kind: 'sequence' }>
  /** Written `[a b]`; its elements are of one type. */
  | { readonly kind: 'sequence'; readonly items: readonly Expression[] }
  /** A name such as `subject.role`, or an operator. */
  | { readonly kind: 'name'; readonly name: string }
  /** Written `(operator a b)`; without elements it is the unit, which is no boolean. */
  | { readonly kind: 'list'; readonly items: readonly Expression[] }

/** What a list that can be evaluated begins with. */
export const OPERATORS: ReadonlySet<string> = new Set(['and', 'or', 'not', 'if', '<', '>', '=', '!=', 'member?', 'exists?'])

/** Whether `value` fits the type `integer`. */
export const isInt64 = (value: bigint): boolean => BigInt.asIntN(64, value) === value

/** Shapes of errors and diagnostics: what an expression is, without what it says. */
export function kindName(expression: Expression): string {
  if (expression.kind === 'list') return expression.items.length === 0 ? 'the unit ()' : 'a list'
  return expression.kind === 'integer' ? 'an integer' : `a ${expression.kind}`
}
