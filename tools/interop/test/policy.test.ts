/** Policies as a Rust node reads, writes and judges them, and ours as well. */

import {
  decodeExpression,
  encodeExpression,
  evaluate,
  expandPolicy,
  parseExpression,
  parsePolicy,
  printExpression,
  type Value,
} from '@ockam/credentials/abac'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { RustPeer } from './fixture/rust-peer.ts'

let peer: RustPeer
beforeAll(async () => {
  peer = await RustPeer.start()
})
afterAll(() => peer.stop())

const ENVIRONMENT = { 'subject.identifier': 'I1' }
const NAMES = new Map<string, Value>([['subject.identifier', { kind: 'string', value: 'I1' }]])

const ourResult = (text: string): string => printExpression(evaluate(parseExpression(text), NAMES))
const refusal = expect.objectContaining({ code: 'credentials/invalid-policy' })

describe('a policy is judged', () => {
  test.each([
    ['(= 1 2 "x")', 'false'],
    ['(!= 1 2 "x")', 'true'],
    ['(not (= 1 2 "x"))', 'true'],
    ['(< 2 1 "x")', 'false'],
    ['(= [1] [1 2])', 'false'],
    ['(= [1 2 3] [2 1 3])', 'false'],
    ['(exists? subject.missing 7)', 'false'],
    ['(and)', 'true'],
    ['(or)', 'false'],
    ['(!= 1)', 'false'],
    ['(or (= subject.identifier "I1") (= subject.missing "x"))', 'true'],
  ])('%s is %s', async (text, result) => {
    const judged = await peer.ask('policy.evaluate', { text, form: 'expression', environment: ENVIRONMENT })
    expect(judged).toEqual({ allowed: result === 'true', result })
    expect(ourResult(text)).toBe(result)
  })

  test.each([
    ['(= 1 1 "x")', 'not of the same type'],
    ['(= 1 1.0)', 'not of the same type'],
    ['(= 1)', 'at least two arguments'],
    ['(exists? 7)', 'expects identifiers'],
    ['(or (= subject.missing "x") (= subject.identifier "I1"))', 'unbound identifier'],
  ])('%s fails, and so denies', async (text, reason) => {
    const judged = await peer.ask('policy.evaluate', { text, form: 'expression', environment: ENVIRONMENT })
    expect(judged).toEqual({ allowed: false, failed: expect.stringContaining(reason) })
    expect(() => ourResult(text)).toThrow(expect.objectContaining({ code: 'credentials/evaluation-failed' }))
  })
})

describe('a policy is read', () => {
  test.each([
    ['a sign for identifiers', '(= $id "x")', '(= id "x")'],
    ['a sign for annotations', '(= @name "x")', '(= name "x")'],
    ['comments', '(and (= 1 1) (;x;) (= 2 2))', '(and (= 1 1) (= 2 2))'],
    ['numbers in other forms', '(= 0x10 1_000)', '(= 16 1000)'],
    ['a sign in front of numbers', '(= +1 -1)', '(= 1 -1)'],
    ['exponents', '(= 1e3 1.5)', '(= 1000.0 1.5)'],
    ['escapes', '(= "\\n" "\\0a")', '(= "\\n" "\\n")'],
    ['no outer parentheses', '= 1 1', '(= 1 1)'],
    ['a name of a credential', 'sensor', '(= subject.sensor "true")'],
    ['a name with a value', 'role="a b" and not x=1', '(and (= subject.role "a b") (not (= subject.x "1")))'],
    ['an identifier', `I${'0a'.repeat(32)}`, `(= subject.identifier "I${'0a'.repeat(32)}")`],
    ['an operator in parentheses', '(and)', '(= subject.and "true")'],
    ['a comment behind it', '(and) ;;', '(and)'],
    ['a name in quotes', '(= $"a b" 1)', '(= a b 1)'],
  ])('with %s: %s is %s', async (_what, text, written) => {
    expect((await peer.ask('policy.parse', { text })).text).toBe(written)
    expect(printExpression(expandPolicy(parsePolicy(text))).replace('$"a b"', 'a b')).toBe(written)
  })

  test.each([
    ['notary', '(not (= subject.ary "true"))'],
    ['a orb', '(or (= subject.a "true") (= subject.b "true"))'],
    ['not', '(= subject.not "true")'],
    ['= 1 1)', '(= 1 1)'],
  ])('by a Rust node alone where %s is %s', async (text, written) => {
    expect((await peer.ask('policy.parse', { text })).text).toBe(written)
    expect(() => parsePolicy(text)).toThrow(refusal)
  })

  test.each(['(@name (= 1 1))', '$id', '()', '(= 9223372036854775808 1)', '(= [1 "x"] [1])', '(= 1 1) ; the rest'])(
    'never as %s',
    async (text) => {
      await expect(peer.ask('policy.parse', { text })).rejects.toThrow(/./)
      expect(() => parsePolicy(text)).toThrow(refusal)
    },
  )
})

test.each([
  ['(= subject.role "sensor")', '82078183 820581613d 8205816c7375626a6563742e726f6c65 8201816673656e736f72'],
  [
    '(and true 1 -1 1.5 "s" [1 2] ())',
    '82078188 82058163616e64 820481f5 82028101 82028120 820381fb3ff8000000000000 8201816173 820681828202810182028102 82078180',
  ],
  ['(= -9223372036854775808 0)', '82078183 820581613d 8202813b7fffffffffffffff 82028100'],
])('%s is the CBOR that was derived from the schema, and is read from it', async (text, spaced) => {
  const cbor = spaced.replaceAll(' ', '')
  expect(await peer.ask('policy.parse', { text, form: 'expression' })).toEqual({ text, cbor })
  expect((await peer.ask('policy.decode', { cbor })).text).toBe(text)
  expect(Buffer.from(encodeExpression(parseExpression(text))).toString('hex')).toBe(cbor)
  expect(printExpression(decodeExpression(Uint8Array.from(Buffer.from(cbor, 'hex'))))).toBe(text)
})
