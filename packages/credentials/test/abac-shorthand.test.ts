/** The shorthand for policies, its CBOR, and which of the two forms a text is taken for (tools/interop/test/fuzz.test.ts compares with a Rust node). */

import { describe, expect, test } from 'vitest'
import {
  decodePolicyExpression,
  encodePolicyExpression,
  expandPolicy,
  type PolicyExpression,
  parseExpression,
  parsePolicy,
  printExpression,
  printPolicy,
} from '../src/abac/index.ts'
import { ALICE, fromHex, toHex } from './abac-sample.ts'

const invalid = expect.objectContaining({ code: 'credentials/invalid-policy' })
const expanded = (text: string): string => printExpression(expandPolicy(parsePolicy(text)))

describe('a policy in shorthand', () => {
  test.each([
    ['sensor', '(= subject.sensor "true")', 'sensor'],
    ['a and b', '(and (= subject.a "true") (= subject.b "true"))', 'a and b'],
    ['a or b and not c', '(or (= subject.a "true") (and (= subject.b "true") (not (= subject.c "true"))))', 'a or (b and (not c))'],
    ['a or b or c', '(or (or (= subject.a "true") (= subject.b "true")) (= subject.c "true"))', '(a or b) or c'],
    ['a and (b or not c)', '(and (= subject.a "true") (or (= subject.b "true") (not (= subject.c "true"))))', 'a and (b or (not c))'],
    ['not not a', '(not (not (= subject.a "true")))', 'not (not a)'],
    ['\n( a )or(b)\t', '(or (= subject.a "true") (= subject.b "true"))', 'a or b'],
    ['not(a)', '(not (= subject.a "true"))', 'not a'],
    ['_a-1.b', '(= subject._a-1.b "true")', '_a-1.b'],
    ['role=reader', '(= subject.role "reader")', 'role=reader'],
    ['role="a b"', '(= subject.role "a b")', 'role="a b"'],
    ['role="ä=\n"', '(= subject.role "ä=\\n")', 'role="ä=\n"'],
    ['and', '(= subject.and "true")', 'and'],
    ['or and and', '(and (= subject.or "true") (= subject.and "true"))', 'or and and'],
    ['not1 or not.x', '(or (= subject.not1 "true") (= subject.not.x "true"))', 'not1 or not.x'],
    [String(ALICE), `(= subject.identifier "${ALICE}")`, String(ALICE)],
    ['I00', '(= subject.I00 "true")', 'I00'],
  ])('%j is %s, written %j', (text, expression, printed) => {
    expect(expanded(text)).toBe(expression)
    expect(printPolicy(parsePolicy(text))).toBe(printed)
    expect(parsePolicy(printed)).toEqual(parsePolicy(text))
  })

  test.each([
    ['a name that begins with an operator', 'notary'],
    ['the same with a value', 'notary=yes'],
    ['an operator that runs into a name', 'a orb'],
    ['another one', 'a andb'],
    ['a negation behind an operator', '(a) ornot b'],
    ['an operator for a name', 'not'],
    ['an operator for a name with a value', 'not=1'],
  ])('with %s means one thing to a Rust node and another one to people, and is refused', (_what, text) => {
    expect(() => parsePolicy(text)).toThrow(expect.objectContaining({ message: expect.stringContaining('put a space between them') }))
  })

  test.each([
    '',
    ' a',
    'a ',
    'a b',
    'a or',

    '(a',
    'a)',
    '()',
    '1a',
    '.a',
    'ä',
    'a=',
    'a=""',
    'a="b',
    'a = b',
    'a==b',
    'a=ä',
    `${ALICE}=x`,
    'a\u00a0or b',
  ])('%j is neither shorthand nor an expression', (text) => {
    expect(() => parsePolicy(text)).toThrow(invalid)
  })

  test.each(['(= subject.notary "true")', 'and (= 1 1) (= 2 2)', '(or andy notary 1)', '(not (exists? subject.x))'])(
    '%s is an expression',
    (text) => {
      expect(parsePolicy(text).form).toBe('expression')
    },
  )
})

test.each(['(not a)', '(and)', 'not', '((or))', '(not notary)', '(or and notary)'].map((text) => [text, `${text} ;;`]))(
  'the expression %s, which is written like the shorthand for something else, is written %s',
  (text, printed) => {
    const policy: PolicyExpression = { form: 'expression', expression: parseExpression(text) }
    expect(printPolicy(policy)).toBe(printed)
    expect(parsePolicy(printed)).toEqual(policy)
  },
)

describe('the CBOR of a policy', () => {
  test.each([
    ['(= 1 1)', '8200 81 82078183 820581613d 82028101 82028101'],
    ['a', '8201 81 82008161 61'],
    ['a=b', '8201 81 820182 6161 6162'],
    [String(ALICE), `8201 81 820281 7841 ${toHex(new TextEncoder().encode(String(ALICE)))}`],
    ['a or b', '8201 81 820382 8200816161 8200816162'],
    ['a and not b', '8201 81 820482 8200816161 820581 8200816162'],
  ])('of %s has the numbers of the Rust crate that was tested', (text, spaced) => {
    expect(toHex(encodePolicyExpression(parsePolicy(text)))).toBe(spaced.replaceAll(' ', ''))
    expect(decodePolicyExpression(fromHex(spaced))).toEqual(parsePolicy(text))
  })

  test.each([
    ['another form', '8202 80'],
    ['a shorthand that says nothing', '8201 81 820680'],
    ['another kind', '8201 81 820780'],
    ['a name without a character', '8201 81 82008160'],
    ['a name with a space', '8201 81 82008163612062'],
    ['a name that would be read as a negation', '8201 81 820081666e6f74617279'],
    ['an identifier for a name', `8201 81 820081 7841 ${toHex(new TextEncoder().encode(String(ALICE)))}`],
    ['a value with a quote', '8201 81 820182 6161 6122'],
    ['no value', '8201 81 820182 6161 60'],
    ['an identifier that is none', '8201 81 820281 6149'],
    ['one side alone', '8201 81 820381 8200816161'],
    ['bytes behind it', '8201 81 8200816161 00'],
  ])('with %s is refused', (_what, spaced) => {
    expect(() => decodePolicyExpression(fromHex(spaced))).toThrow(invalid)
  })

  test('is not made of a name that could not be read again', () => {
    const policy: PolicyExpression = { form: 'boolean', boolean: { kind: 'attribute', name: 'a or b' } }
    expect(() => encodePolicyExpression(policy)).toThrow(invalid)
  })
})
