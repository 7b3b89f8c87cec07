/** Policies and attributes of those who want more than they may: texts and bytes that exhaust, and attributes that pretend. */

import { OckamError } from '@ockam/core'
import { describe, expect, test } from 'vitest'
import {
  decodeExpression,
  decodePolicyExpression,
  encodeExpression,
  encodePolicyExpression,
  evaluate,
  type Expression,
  parseExpression,
  parsePolicy,
  POLICY_LIMIT,
  policy,
  printExpression,
  printPolicy,
  type Value,
} from '../src/abac/index.ts'
import { ALICE, attributes, BOB, fromHex, messageFrom, readerOf } from './abac-sample.ts'

const tooLarge = expect.objectContaining({ code: 'credentials/policy-too-large' })
const NOBODY = new Map<string, Value>()

const nestedText = (depth: number, inner = 'true'): string => '(not '.repeat(depth) + inner + ')'.repeat(depth)

function nestedBytes(depth: number): Uint8Array {
  const [open, inner] = [fromHex('82078182820581636e6f74'), fromHex('820481f5')]
  const bytes = new Uint8Array(open.length * depth + inner.length)
  for (let at = 0; at < depth; at++) bytes.set(open, at * open.length)
  bytes.set(inner, open.length * depth)
  return bytes
}

function nested(depth: number): Expression {
  let expression: Expression = { kind: 'boolean', value: true }
  for (let left = depth; left > 0; left--) expression = { kind: 'list', items: [{ kind: 'name', name: 'not' }, expression] }
  return expression
}

describe('a policy that is nested', () => {
  const { depth } = POLICY_LIMIT

  test('as deep as may be is read, written and evaluated', () => {
    const expression = parseExpression(nestedText(depth))
    expect(evaluate(expression, NOBODY)).toEqual({ kind: 'boolean', value: depth % 2 === 0 })
    expect(parseExpression(printExpression(expression))).toEqual(expression)
    expect(decodeExpression(encodeExpression(expression))).toEqual(expression)
    expect(decodeExpression(nestedBytes(depth))).toEqual(expression)
  })

  test.each([1, 100, 10_000])('%i deeper is refused in text, in bytes, and as a value', (more) => {
    expect(() => parseExpression(nestedText(depth + more))).toThrow(tooLarge)
    expect(() => parsePolicy(nestedText(depth + more))).toThrow(tooLarge)
    expect(() => decodeExpression(nestedBytes(depth + more))).toThrow(tooLarge)
    for (const use of [encodeExpression, printExpression, (one: Expression) => evaluate(one, NOBODY)])
      expect(() => use(nested(depth + more))).toThrow(tooLarge)
    expect(() => policy({ form: 'expression', expression: nested(depth + more) })).toThrow(tooLarge)
  })

  test('without outer parentheses is as deep as with them', () => {
    expect(parseExpression(`not ${nestedText(depth - 1)}`)).toEqual(parseExpression(nestedText(depth)))
    expect(() => parseExpression(`not ${nestedText(depth)}`)).toThrow(tooLarge)
  })

  test('in shorthand, by parentheses, negations or a chain, is refused', () => {
    const chain = Array(depth + 1).fill('a')
    expect(() => parsePolicy('('.repeat(20_000) + 'a' + ')'.repeat(20_000))).toThrow(tooLarge)
    expect(() => parsePolicy('not '.repeat(16_000) + 'a')).toThrow(tooLarge)
    expect(() => parsePolicy('not('.repeat(16_000))).toThrow(OckamError)
    for (const operator of [' or ', ' and ']) {
      expect(() => parsePolicy(chain.join(operator))).toThrow(tooLarge)
      const longest = parsePolicy(chain.slice(1).join(operator))
      expect(parsePolicy(printPolicy(longest))).toEqual(longest)
      expect(decodePolicyExpression(encodePolicyExpression(longest))).toEqual(longest)
    }
  })

  test('in shorthand by parentheses and chains together, which neither is too deep for, is refused', () => {
    let text = 'a'
    for (let level = 0; level < 100; level++) text = `(${text}${' or a'.repeat(60)})`
    expect(() => parsePolicy(text)).toThrow(tooLarge)
  })

  test('in itself is refused', () => {
    const items: Expression[] = [{ kind: 'name', name: 'not' }]
    const endless: Expression = { kind: 'list', items }
    items.push(endless)
    for (const use of [encodeExpression, printExpression, (one: Expression) => evaluate(one, NOBODY)])
      expect(() => use(endless)).toThrow(tooLarge)
  })
})

describe('a policy that is large', () => {
  test.each([
    ['text', `(= "${'x'.repeat(POLICY_LIMIT.textLength)}" "")`],
    ['an integer', `(= ${'1'.repeat(60_000)} 1)`],
    ['parts', `(and ${'1 '.repeat(POLICY_LIMIT.parts)})`],
    ['parts in shorthand', `(${'(a or a) and '.repeat(4)}${'(a)'.repeat(9000)}`],
    ['parentheses', '('.repeat(60_000)],
    ['comments that do not end', '(;'.repeat(30_000)],
    ['strings that do not end', '"\\'.repeat(30_000)],
    ['escapes', `(= "${'\\ff'.repeat(20_000)}" 1)`],
    ['negations that negate nothing', 'not'.repeat(20_000)],
    ['operators', 'or '.repeat(20_000)],
    ['underscores', `(= 1${'_'.repeat(60_000)} 1)`],
    ['digits with underscores', `(= 1${'_1'.repeat(30_000)} 1)`],
    ['a float', `(= 1${'.1'.repeat(30_000)} 1)`],
    ['a word', `(= ${'a?'.repeat(30_000)}" 1)`],
    ['digits of a code point', `(= "\\u{${'0'.repeat(60_000)}" 1)`],
  ])('in %s is refused, at once', (_what, text) => {
    expect(() => parsePolicy(text)).toThrow(OckamError)
  })

  test.each([
    ['a string', `(= "${'x'.repeat(65_000)}" "")`],
    ['a string with escapes', `(= "${'\\n\\c3\\a4'.repeat(8000)}" "")`],
    ['a name', `(= ${'a?'.repeat(32_000)} "")`],
    ['an integer with zeros in front', `(= ${'0_'.repeat(32_000)}1 0x${'0_'.repeat(100)}1)`],
    ['a float', `(= 1.${'1'.repeat(64_000)} 1.0)`],
    ['digits of a NaN', `(= nan:0x1${'_1'.repeat(30_000)} 1.0)`],
    ['a comment', `(;${'(;'.repeat(16_000)}${';)'.repeat(16_000)};) (= 1 1)`],
    ['comments', `${'(;;)'.repeat(16_000)} (= 1 1)`],
    ['lines', `${';;\n'.repeat(21_000)} (= 1 1)`],
    ['a value', `a="${'x'.repeat(65_000)}"`],
    ['spaces', `a${' '.repeat(65_000)}or b`],
  ])('in %s, but not over a limit, is read and written', (_what, text) => {
    const read = parsePolicy(text)
    expect(decodePolicyExpression(encodePolicyExpression(read))).toEqual(read)
    expect(printPolicy(read).length).toBeGreaterThan(5)
  })

  test('in declared bytes is refused before anything is made for them', () => {
    for (const count of ['9a ffffffff', '9b 00000000ffffffff', '9b ffffffffffffffff'])
      expect(() => decodeExpression(fromHex(`82 07 81 ${count}`))).toThrow(OckamError)
    for (const length of ['7a ffffffff', '7b 0fffffffffffffff'])
      expect(() => decodeExpression(fromHex(`82 01 81 ${length}`))).toThrow(OckamError)
    expect(() => decodeExpression(new Uint8Array(POLICY_LIMIT.encodedLength + 1))).toThrow(tooLarge)
    expect(() => encodeExpression({ kind: 'string', value: 'x'.repeat(POLICY_LIMIT.encodedLength) })).toThrow(tooLarge)
  })

  test('in work is stopped: long texts compared again and again, long sequences searched and compared', () => {
    const long: Value = { kind: 'string', value: 'x'.repeat(POLICY_LIMIT.textLength) }
    const many: Value = { kind: 'sequence', items: Array(50_000).fill({ kind: 'boolean', value: true }) }
    const names = new Map<string, Value>([
      ['long', long],
      ['many', many],
    ])
    const evaluated = (text: string) => (): unknown => evaluate(parseExpression(text), names)
    expect(evaluated('(= long long long)')()).toEqual({ kind: 'boolean', value: true })
    expect(evaluated(`(= ${'long '.repeat(1000)})`)).toThrow(tooLarge)
    expect(evaluated(`(and ${'(< long long) '.repeat(2)} (not (< long long)))`)()).toEqual({ kind: 'boolean', value: false })
    expect(evaluated(`(or ${'(< long long) '.repeat(1000)})`)).toThrow(tooLarge)
    expect(evaluated(`(= ${'many '.repeat(100)})`)).toThrow(tooLarge)
    expect(evaluated(`(or ${'(member? false many) '.repeat(100)})`)).toThrow(tooLarge)
    expect(evaluated(`(or ${'(exists? missing) '.repeat(2000)})`)()).toEqual({ kind: 'boolean', value: false })
  })

  test('and denies when its work is stopped', () => {
    const reader = readerOf([[ALICE, { long: 'x'.repeat(POLICY_LIMIT.textLength) }]])
    const long = 'subject.long '
    const control = policy(`(or (= ${long.repeat(1000)}) true)`, { attributes: reader })
    expect(control.isAllowed(messageFrom(ALICE))).toBe(false)
    expect(policy(`(= ${long.repeat(2)})`, { attributes: reader }).isAllowed(messageFrom(ALICE))).toBe(true)
  })
})

describe('an attribute that pretends', () => {
  const allowed = (text: string, values: Readonly<Record<string, string | Uint8Array>>, environment = {}): unknown =>
    policy(text, { attributes: { attributes: () => attributes(values) }, environment }).isAllowed(messageFrom(BOB))

  test('to be the identifier is not seen', () => {
    expect(allowed(`(= subject.identifier "${ALICE}")`, { identifier: ALICE.toString() })).toBe(false)
    expect(allowed(`(= subject.identifier "${BOB}")`, { identifier: ALICE.toString() })).toBe(true)
  })

  test('to be the sign of a credential is not seen', () => {
    expect(allowed('(= subject.has_credential "no")', { has_credential: 'no' })).toBe(false)
    expect(allowed('(= subject.has_credential true)', { has_credential: 'no' })).toBe(true)
  })

  test('to be what the node says is not seen, with the prefix or without it', () => {
    const environment = { 'resource.id': 'outlet', 'subject.floor': 'cellar' }
    expect(allowed('(= resource.id "mine")', { 'resource.id': 'mine' }, environment)).toBe(false)
    expect(allowed('(exists? subject.resource.id)', { 'resource.id': 'mine' }, environment)).toBe(false)
    expect(allowed('(= subject.resource.id "mine")', { 'resource.id': 'mine' })).toBe(true)
    expect(allowed('(= subject.floor "roof")', { floor: 'roof' }, environment)).toBe(false)
    expect(allowed('(= subject.floor "cellar")', { floor: 'roof' }, environment)).toBe(true)
  })

  test('to be another attribute by the prefix in its key is not seen where that one is', () => {
    expect(allowed('(= subject.role "admin")', { 'subject.role': 'admin' })).toBe(false)
    expect(allowed('(exists? subject.subject.identifier)', { 'subject.identifier': 'x' })).toBe(false)
    expect(allowed('(exists? subject.subject.has_credential)', { 'subject.has_credential': 'x' })).toBe(false)
    // In the order of their bytes "a" comes before "subject.a", and "x" behind "subject.x".
    expect(allowed('(exists? subject.subject.a)', { 'subject.a': '1', a: '2' })).toBe(false)
    expect(allowed('(exists? subject.subject.x)', { 'subject.x': '1', x: '2' })).toBe(true)
  })

  test('to be a boolean or a number is text: (= subject.admin true) has no value', () => {
    expect(allowed('(= subject.admin true)', { admin: 'true' })).toBe(false)
    expect(allowed('(= subject.level 3)', { level: '3' })).toBe(false)
    expect(allowed('(< subject.level 9)', { level: '3' })).toBe(false)
    expect(allowed('(and subject.admin)', { admin: 'true' })).toBe(false)
  })

  test('to be text is not seen when its bytes are not UTF-8, nor its value when it is no bytes', () => {
    expect(allowed('(exists? subject.role)', { role: Uint8Array.of(0xff) })).toBe(false)
    const reader = { attributes: () => new Map([['role', 'text' as unknown as Uint8Array]]) }
    expect(policy('(exists? subject.role)', { attributes: reader }).isAllowed(messageFrom(BOB))).toBe(false)
  })

  test('by a mark at the front of its text to be equal to another one is not equal', () => {
    expect(allowed('(= subject.role "admin")', { role: '\ufeffadmin' })).toBe(false)
  })

  test('with a name of a prototype is not there unless it is', () => {
    for (const key of ['constructor', '__proto__', 'toString']) {
      expect(allowed(`(exists? subject.${key} )`, {})).toBe(false)
      expect(allowed(`(exists? ${key})`, {})).toBe(false)
    }
  })
})

test('a policy changed after it was handed over is as it was', () => {
  const items: Expression[] = [
    { kind: 'name', name: 'and' },
    { kind: 'boolean', value: false },
  ]
  const control = policy({ form: 'expression', expression: { kind: 'list', items } })
  items.pop()
  expect(control.isAllowed(messageFrom(ALICE))).toBe(false)
})
