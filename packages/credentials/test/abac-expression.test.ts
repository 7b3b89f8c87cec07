/** Expressions in text and in CBOR: the forms that a running Rust node reads and writes (tools/interop/test/policy.test.ts asks it the same). */

import { describe, expect, test } from 'vitest'
import { decodeExpression, encodeExpression, type Expression, parseExpression, printExpression } from '../src/abac/index.ts'
import { fromHex, toHex } from './abac-sample.ts'

const invalid = expect.objectContaining({ code: 'credentials/invalid-policy' })

describe('the text of an expression', () => {
  test.each([
    ['a sign for identifiers', '(= $id "x")', '(= id "x")'],
    ['a sign for annotations', '(= @name "x")', '(= name "x")'],
    ['a name in quotes', '(= $"a b" @"c,d")', '(= $"a b" $"c,d")'],
    ['comments', '(and (= 1 1) (;x(;y;);) (= 2 2)) ;; z', '(and (= 1 1) (= 2 2))'],
    ['spaces of all kinds', '\t(=\r\n1\n 1 )', '(= 1 1)'],
    ['numbers in other forms', '(= 0x10 1_000 -0x8000000000000000)', '(= 16 1000 -9223372036854775808)'],
    ['zeros in front', `(= ${'0'.repeat(40)}7 0x${'0'.repeat(40)}7)`, '(= 7 7)'],
    ['a sign in front of numbers', '(= +1 -1 -0)', '(= 1 -1 0)'],
    ['floats', '(= 1e3 1.5 2. 3.e1 -0.0 1e-7 1E+16)', '(= 1000.0 1.5 2.0 30.0 -0.0 1e-7 1e16)'],
    ['what is no finite number', '(= inf -inf nan -nan nan:0x1)', '(= +inf -inf nan nan nan)'],
    ['escapes', '(= "\\n\\t\\r\\"\\\'\\\\" "\\0a\\c3\\a4\\u{1f600}")', '(= "\\n\\t\\r\\"\'\\\\" "\\nä😀")'],
    ['characters that do not show', '(= "\\u{200b}\\7f" "\\u{301}")', '(= "\\u{200b}\\u{7f}" "\\u{301}")'],
    ['a zero character before a digit', '(= "\\00a" "")', '(= "\\00a" "")'],
    ['no outer parentheses', '= 1 1', '(= 1 1)'],
    ['an operator alone', 'and', 'and'],
    ['lists around an operation', '(((and)))', '(((and)))'],
    ['sequences', '(= [1 2] [] [[1] [2 3]] [a b])', '(= [1 2] [] [[1] [2 3]] [a b])'],
    ['names of many characters', '(= subject.a-b/c:d@e?f A1 !x ~ inf2 nan:x)', '(= subject.a-b/c:d@e?f A1 !x ~ inf2 nan:x)'],
    ['booleans, and names like them', '(= true false truely $true)', '(= true false truely $"true")'],
  ])('with %s: %s is %s', (_what, text, printed) => {
    expect(printExpression(parseExpression(text))).toBe(printed)
    expect(parseExpression(printed)).toEqual(parseExpression(text))
  })

  test.each([
    ['nothing', ''],
    ['a comment alone', ';; nothing'],
    ['the unit', '()'],
    ['a boolean alone', 'true'],
    ['a name alone', 'sensor'],
    ['a sequence', '[and]'],
    ['a literal in front', '("x" and)'],
    ['an integer over 64 bits', '(= 9223372036854775808 1)'],
    ['an integer under 64 bits', '(= -0x8000000000000001 1)'],
    ['a sequence of two types', '(= [1 "x"] [1])'],
    ['a sequence of two types further in', '(= [[1] ["x"]] [])'],
    ['a parenthesis that is missing', '(= 1 1'],
    ['a parenthesis too many', '(= 1 1))'],
    ['a parenthesis that opens nowhere', '= 1 1)'],
    ['brackets across parentheses', '(= [1) 1]'],
    ['something behind it', '(= 1 1) ; the rest'],
    ['an annotation in front', '(@name (= 1 1))'],
    ['a sign without a name', '(= $ 1)'],
    ['a sign with an empty name', '(= $"" 1)'],
    ['a name that is none in quotes', '(= @"a b" 1)'],
    ['a string right behind a name', '(= a"b" 1)'],
    ['a string right before a name', '(= "b"a 1)'],
    ['strings without a space', '(= "a""b")'],
    ['a string that does not end', '(= "a'],
    ['an escape that is none', '(= "\\q" 1)'],
    ['an escape that does not end', '(= "\\'],
    ['half of a character in an escape', '(= "\\u{d800}" 1)'],
    ['a code point that is none', '(= "\\u{110000}" 1)'],
    ['bytes that are not UTF-8', '(= "\\ff" "x")'],
    ['half of a character in bytes', '(= "\\c3x" "x")'],
    ['a control character in a string', '(= "\u0001" 1)'],
    ['half of a surrogate pair', '(= "\ud800" 1)'],
    ['a comment that does not end', '(= 1 1) (; (; ;)'],
    ['letters that are not ASCII outside of strings', '(= ä 1)'],
    ['a float with underscores', '(= 1_0.5 1)'],
    ['a hexadecimal float', '(= 0x1.8 1)'],
    ['underscores at the wrong places', '(= 1__0 1)'],
    ['a comma', '(= 1, 1)'],
    ['a name that begins with a digit', '(= 1a 1)'],
    ['text that runs the other way in a string', '(= "\u202e" 1)'],
    ['text that runs the other way in a comment', '(= 1 1) ;; \u202e'],
  ])('with %s is refused', (_what, text) => {
    expect(() => parseExpression(text)).toThrow(invalid)
  })

  test('says at which character it stopped, and none of the text', () => {
    expect(() => parseExpression('(= "secret" ä)')).toThrow(
      'Cannot read the policy: a character stands there that belongs to nothing (character 12).',
    )
  })

  test('is text', () => {
    expect(() => parseExpression(7 as unknown as string)).toThrow(invalid)
  })
})

describe('the CBOR of an expression', () => {
  test.each([
    ['(= subject.role "sensor")', '82078183 820581613d 8205816c7375626a6563742e726f6c65 8201816673656e736f72'],
    [
      '(and true 1 -1 1.5 "s" [1 2] ())',
      '82078188 82058163616e64 820481f5 82028101 82028120 820381fb3ff8000000000000 8201816173 820681828202810182028102 82078180',
    ],
    ['(= -9223372036854775808 0)', '82078183 820581613d 8202813b7fffffffffffffff 82028100'],
    ['(= 9223372036854775807 nan)', '82078183 820581613d 8202811b7fffffffffffffff 820381fb7ff8000000000000'],
  ])('%s is what a Rust node makes of it', (text, spaced) => {
    expect(toHex(encodeExpression(parseExpression(text)))).toBe(spaced.replaceAll(' ', ''))
    expect(decodeExpression(fromHex(spaced))).toEqual(parseExpression(text))
  })

  test.each([
    ['longer heads', '82 1801 98 01 78 0161', { kind: 'string', value: 'a' }],
    ['arrays of indefinite length inside', '82 06 9f 9f ff ff', { kind: 'sequence', items: [] }],
    ['elements that nobody knows yet', '82 02 82 01 f6', { kind: 'integer', value: 1n }],
    ['a float of 32 bits', '82 03 81 fa3fc00000', { kind: 'float', value: 1.5 }],
    ['a NaN with a message', '82 03 81 fb7ff8000000000123', { kind: 'float', value: Number.NaN }],
  ])('is read with %s', (_what, spaced, expression) => {
    expect(decodeExpression(fromHex(spaced))).toEqual(expression)
  })

  test.each([
    ['nothing', ''],
    ['another kind', '82 08 80'],
    ['the kind 0', '82 00 81 6161'],
    ['no field', '82 01 80'],
    ['bytes for text', '82 01 81 4161'],
    ['text that is not UTF-8', '82 01 81 61ff'],
    ['text in pieces', '82 01 81 7f6161ff'],
    ['an integer for a float', '82 03 81 01'],
    ['a float of 16 bits', '82 03 81 f93c00'],
    ['an integer over 64 bits', '82 02 81 1b8000000000000000'],
    ['null for a boolean', '82 04 81 f6'],
    ['a name without a character', '82 05 81 60'],
    ['an enumeration of indefinite length', '9f 01 81 6161 ff'],
    ['a tag in front', 'c1 82 01 81 6161'],
    ['more elements declared than there are', '82 07 81 82 82 01 81 6161'],
    ['bytes behind it', '82 01 81 6161 00'],
  ])('with %s is refused', (_what, spaced) => {
    expect(() => decodeExpression(fromHex(spaced))).toThrow(invalid)
  })

  test('is bytes', () => {
    expect(() => decodeExpression('82' as unknown as Uint8Array)).toThrow(invalid)
  })

  test.each([
    ['an integer over 64 bits', { kind: 'integer', value: 2n ** 63n }],
    ['half of a character', { kind: 'string', value: '\ud800' }],
    ['half of a character in a name', { kind: 'list', items: [{ kind: 'name', name: '\udc00' }] }],
  ] as readonly (readonly [string, Expression])[])('is not made of %s', (_what, expression) => {
    expect(() => encodeExpression(expression)).toThrow(invalid)
  })
})
