/** Promises about all policies: what is written is read again, whatever is read fails with an error of Ockam alone, and evaluating ends. */

import { OckamError } from '@ockam/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type BooleanExpression,
  decodeExpression,
  decodePolicyExpression,
  encodeExpression,
  encodePolicyExpression,
  evaluate,
  expandPolicy,
  type Expression,
  parseExpression,
  parsePolicy,
  policy,
  printExpression,
  printPolicy,
  type Value,
} from '../src/abac/index.ts'
import { ALICE, messageFrom } from './abac-sample.ts'

const OPERATORS = ['and', 'or', 'not', 'if', '<', '>', '=', '!=', 'member?', 'exists?'] as const
const text = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('\0', '\u00000', '"', '\\', 'true', 'nan', '$x', 'a b', 'a,b', '-1'),
)
const atom: fc.Arbitrary<Expression> = fc.oneof(
  text.map((value): Expression => ({ kind: 'string', value })),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((value): Expression => ({ kind: 'integer', value })),
  fc.double().map((value): Expression => ({ kind: 'float', value })),
  fc.boolean().map((value): Expression => ({ kind: 'boolean', value })),
  fc
    .oneof(
      text.filter((name) => name !== ''),
      fc.constantFrom(...OPERATORS, 'subject.a', 'x'),
    )
    .map((name): Expression => ({ kind: 'name', name })),
)
const { expression } = fc.letrec<{ expression: Expression; list: Expression }>((tie) => ({
  expression: fc.oneof(
    { depthSize: 'small' },
    atom,
    tie('list'),
    fc
      .array(
        atom.filter(({ kind }) => kind === 'integer'),
        { maxLength: 3 },
      )
      .map((items): Expression => ({ kind: 'sequence', items })),
  ),
  list: fc.array(tie('expression'), { maxLength: 4 }).map((items): Expression => ({ kind: 'list', items })),
}))
/** What texts are made of: an operation. */
const operation = fc
  .tuple(fc.constantFrom(...OPERATORS), fc.array(expression, { maxLength: 4 }))
  .map(([name, items]): Expression => ({ kind: 'list', items: [{ kind: 'name', name }, ...items] }))

const word = fc.stringMatching(/^[A-Za-z_-][A-Za-z0-9._-]{0,8}$/).filter((name) => !/^not(?:[A-Za-z_-]|$)/.test(name))
const { boolean } = fc.letrec<{ boolean: BooleanExpression }>((tie) => ({
  boolean: fc.oneof(
    { depthSize: 'small' },
    word.map((name): BooleanExpression => ({ kind: 'attribute', name })),
    fc
      .record({ name: word, value: text.filter((value) => value !== '' && !value.includes('"')) })
      .map((both): BooleanExpression => ({ kind: 'attribute-value', ...both })),
    fc.constant<BooleanExpression>({ kind: 'identifier', identifier: ALICE.toString() }),
    fc.record({ kind: fc.constantFrom('or' as const, 'and' as const), left: tie('boolean'), right: tie('boolean') }),
    tie('boolean').map((operand): BooleanExpression => ({ kind: 'not', operand })),
  ),
}))

const NAMES = new Map<string, Value>([
  ['subject.a', { kind: 'string', value: 'a' }],
  ['x', { kind: 'boolean', value: true }],
])

/** Undefined when it is refused. Whatever else goes wrong is a defect. */
function attempt<T>(action: () => T): T | undefined {
  try {
    return action()
  } catch (error) {
    if (OckamError.is(error)) return undefined
    throw error
  }
}

describe('every expression', () => {
  test('is read again from its CBOR', () => {
    fc.assert(
      fc.property(expression, (one) => {
        expect(decodeExpression(encodeExpression(one))).toEqual(one)
      }),
    )
  })

  test('that is an operation is read again from its text', () => {
    fc.assert(
      fc.property(operation, (one) => {
        expect(parseExpression(printExpression(one))).toEqual(one)
      }),
    )
  })

  test('has a value or fails with an error of Ockam', () => {
    fc.assert(
      fc.property(operation, (one) => {
        const value = attempt(() => evaluate(one, NAMES))
        return value === undefined || typeof value.kind === 'string'
      }),
      { numRuns: 1000 },
    )
  })

  test('allows only when it is true', () => {
    fc.assert(
      fc.property(operation, (one) => {
        const value = attempt(() => evaluate(one, new Map()))
        const control = policy({ form: 'expression', expression: one })
        const isTrue = value?.kind === 'boolean' && value.value
        // `subject.identifier` is the only name that is bound without attributes.
        if (!printExpression(one).includes('subject.identifier')) expect(control.isAllowed(messageFrom(ALICE))).toBe(isTrue)
        expect(control.isAllowed(messageFrom(undefined))).toBe(false)
      }),
      { numRuns: 500 },
    )
  })
})

describe('every policy in shorthand', () => {
  test('is read again from its text and its CBOR', () => {
    fc.assert(
      fc.property(boolean, (one) => {
        const form = { form: 'boolean', boolean: one } as const
        expect(parsePolicy(printPolicy(form))).toEqual(form)
        expect(decodePolicyExpression(encodePolicyExpression(form))).toEqual(form)
      }),
    )
  })

  test('is the expression that it stands for, in text and in CBOR', () => {
    fc.assert(
      fc.property(boolean, (one) => {
        const expanded = expandPolicy({ form: 'boolean', boolean: one })
        expect(parseExpression(printExpression(expanded))).toEqual(expanded)
        expect(decodeExpression(encodeExpression(expanded))).toEqual(expanded)
      }),
    )
  })
})

describe('whatever is read', () => {
  const mutated = fc.tuple(
    fc.oneof(
      operation.map(printExpression),
      boolean.map((one) => printPolicy({ form: 'boolean', boolean: one })),
    ),
    fc.array(fc.tuple(fc.nat(), fc.nat(3), text), { maxLength: 3 }),
  )

  test('as text is a policy that is written and read again, or is refused with an error of Ockam', () => {
    const judge = (given: string): void => {
      const read = attempt(() => parsePolicy(given))
      if (read !== undefined) expect(parsePolicy(printPolicy(read))).toEqual(read)
    }
    fc.assert(fc.property(text, judge))
    fc.assert(
      fc.property(mutated, ([whole, changes]) => {
        let changed = whole
        for (const [at, count, put] of changes) {
          const place = at % (changed.length + 1)
          changed = changed.slice(0, place) + put + changed.slice(place + count)
        }
        judge(changed)
      }),
      { numRuns: 1000 },
    )
  })

  test('as bytes is a policy that is written and read again, or is refused with an error of Ockam', () => {
    const judge = (given: Uint8Array): void => {
      const read = attempt(() => decodePolicyExpression(given))
      if (read === undefined) return
      expect(decodePolicyExpression(encodePolicyExpression(read))).toEqual(read)
      printPolicy(read)
    }
    fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), judge))
    fc.assert(
      fc.property(operation, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 3 }), (one, changes) => {
        const bytes = encodePolicyExpression({ form: 'expression', expression: one })
        for (const [at, value] of changes) bytes[at % bytes.length] = value
        judge(bytes)
      }),
      { numRuns: 1000 },
    )
  })
})
