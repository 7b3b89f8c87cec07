/** What expressions evaluate to: the verdicts of a running Rust node (tools/interop/test/policy.test.ts and fuzz.test.ts ask it the same). */

import { describe, expect, test } from 'vitest'
import { evaluate, parseExpression, printExpression, type Value } from '../src/abac/index.ts'

const NAMES = new Map<string, Value>([
  ['subject.identifier', { kind: 'string', value: 'I1' }],
  ['yes', { kind: 'boolean', value: true }],
  ['no', { kind: 'boolean', value: false }],
  ['n', { kind: 'integer', value: 3n }],
  ['f', { kind: 'float', value: 3 }],
  ['nothing', { kind: 'float', value: Number.NaN }],
  [
    'roles',
    {
      kind: 'sequence',
      items: [
        { kind: 'string', value: 'sensor' },
        { kind: 'string', value: 'reader' },
      ],
    },
  ],
])

const evaluated = (text: string): string => printExpression(evaluate(parseExpression(text), NAMES))

describe('an expression', () => {
  test.each([
    // Comparisons are of neighbours, and stop where they are decided.
    ['(= 1 2 "x")', 'false'],
    ['(!= 1 2 "x")', 'true'],
    ['(not (= 1 2 "x"))', 'true'],
    ['(< 2 1 "x")', 'false'],
    ['(> 1 2 "x")', 'false'],
    ['(< 1 2 3)', 'true'],
    ['(< 1 3 2)', 'false'],
    ['(> 3 2 1)', 'true'],
    ['(= 1 1 1)', 'true'],
    ['(!= 1)', 'false'],
    ['(!=)', 'false'],
    // Sequences and lists: by length, then by elements.
    ['(= [1] [1 2])', 'false'],
    ['(= [1] ["x" "y"])', 'false'],
    ['(= [1 2 3] [2 1 3])', 'false'],
    ['(= [1 2] [1 2])', 'true'],
    ['(< [9] [1 2])', 'true'],
    ['(< [1 2] [1 3])', 'true'],
    ['(> [1 2] [1 3])', 'false'],
    ['(< [] [])', 'false'],
    ['(= () ())', 'true'],
    ['(= [[1] [2]] [[1] [2]])', 'true'],
    // Text by its bytes: what lies above the surrogates comes before what they stand for.
    ['(< "" "a" "aa" "b")', 'true'],
    ['(< "\u{ffff}" "\u{10000}")', 'true'],
    ['(> "\u{10000}" "\u{e000}")', 'true'],
    ['(< "\u{10000}" "\u{10001}")', 'true'],
    ['(< "Z" "a")', 'true'],
    ['(< false true)', 'true'],
    // Floats.
    ['(= -0.0 0.0)', 'true'],
    ['(= nan nan)', 'false'],
    ['(!= nan nan)', 'true'],
    ['(< nan 1.0)', 'false'],
    ['(> nan 1.0)', 'false'],
    ['(= nothing nothing)', 'false'],
    ['(< -inf 0.0 inf)', 'true'],
    // Neither operator looks further than it has to.
    ['(and)', 'true'],
    ['(or)', 'false'],
    ['(and false missing)', 'false'],
    ['(or true missing)', 'true'],
    ['(or (= subject.identifier "I1") (= subject.missing "x"))', 'true'],
    ['(if yes 1 missing)', '1'],
    ['(if no missing "x")', '"x"'],
    // The last one of `and` and `or` is the result, whatever it is.
    ['(and true 5)', '5'],
    ['(or false "x")', '"x"'],
    ['(and ())', '()'],
    ['(and (or no yes) (not no))', 'true'],
    ['(member? "reader" roles)', 'true'],
    ['(member? "writer" roles)', 'false'],
    ['(member? 1 [])', 'false'],
    ['(member? yes [no yes])', 'true'],
    ['(exists?)', 'true'],
    ['(exists? n yes)', 'true'],
    ['(exists? subject.missing 7)', 'false'],
    ['(exists? and)', 'false'],
    ['(= n 3)', 'true'],
    ['(= [yes no] [true false])', 'true'],
    ['(member? n [1 3])', 'true'],
    ['(and (exists? subject.missing) missing)', 'false'],
  ])('%s is %s', (text, value) => {
    expect(evaluated(text)).toBe(value)
  })

  test.each([
    ['(= 1 1 "x")', 'Cannot compare an integer with a string.'],
    ['(= 1 1.0)', 'Cannot compare an integer with a float.'],
    ['(= f n)', 'Cannot compare a float with an integer.'],
    ['(< "1" 1)', 'Cannot compare a string with an integer.'],
    ['(= true "true")', 'Cannot compare a boolean with a string.'],
    ['(= [1] ())', 'Cannot compare a sequence with the unit ().'],
    ['(= 1)', '"=" takes 2 or more arguments and was given 1'],
    ['(<)', '"<" takes 2 or more arguments and was given 0'],
    ['(> missing)', '">" takes 2 or more arguments and was given 1'],
    ['(not)', '"not" takes 1 arguments and was given 0'],
    ['(not yes no)', '"not" takes 1 arguments and was given 2'],
    ['(not 1)', '"not" needs booleans and was given an integer'],
    ['(if yes 1)', '"if" takes 3 arguments and was given 2'],
    ['(if 1 2 3)', '"if" needs booleans and was given an integer'],
    ['(and 5 true)', '"and" needs booleans and was given an integer'],
    ['(or "x" true)', '"or" needs booleans and was given a string'],
    ['(member? 1)', '"member?" takes 2 arguments and was given 1'],
    ['(member? 1 n)', '"member?" looks into a sequence and was given an integer'],
    ['(member? "3" [1 2])', 'Cannot compare a string with an integer.'],
    ['(exists? 7)', '"exists?" asks for names and was given an integer'],
    ['(or (= subject.missing "x") (= subject.identifier "I1"))', 'the name "subject.missing" has no value'],
    ['(and (nobody knows))', 'there is no operator "nobody"'],
    ['(and ((and)))', 'a list begins with a list instead of an operator'],
    ['((and))', 'a list begins with a list instead of an operator'],
    ['and', 'the name "and" has no value'],
  ])('%s has no value', (text, problem) => {
    expect(() => evaluated(text)).toThrow(
      expect.objectContaining({ code: 'credentials/evaluation-failed', message: expect.stringContaining(problem) }),
    )
  })
})
