/** What differential fuzzing against a Rust node has found about policies, replayed without Rust. */

import { readFileSync } from 'node:fs'
import { OckamError } from '@ockam/core'
import { CborReader, CborWriter } from '@ockam/core/cbor'
import { describe, expect, test } from 'vitest'
import {
  decodeExpression,
  decodePolicyExpression,
  encodeExpression,
  encodePolicyExpression,
  evaluate,
  expandPolicy,
  parseExpression,
  parsePolicy,
  printPolicy,
  type Value,
} from '../src/abac/index.ts'
import { fromHex, toHex } from './abac-sample.ts'

const lines = readFileSync(new URL('./abac-rust-verdict.txt', import.meta.url), 'utf8')
  .split('\n')
  .map((line) => line.split(' '))

const textOf = (input: Uint8Array): string => new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(input)

function evaluation(input: Uint8Array): Uint8Array {
  const reader = new CborReader(input, { maxDepth: 1000 })
  reader.beginArray(2)
  const expression = decodeExpression(reader.rawItem())
  const names = new Map<string, Value>()
  reader.beginMap()
  while (reader.hasNext()) names.set(reader.text(), decodeExpression(reader.rawItem()) as Value)
  return encodeExpression(evaluate(expression, names))
}

describe('what was given to a Rust node too', () => {
  test.each([
    ['expression', (input: Uint8Array) => encodeExpression(decodeExpression(input))],
    ['policy', (input: Uint8Array) => encodePolicyExpression(decodePolicyExpression(input))],
    ['printed-policy', (input: Uint8Array) => new CborWriter().text(printPolicy(decodePolicyExpression(input))).finish()],
    ['expression-text', (input: Uint8Array) => encodeExpression(parseExpression(textOf(input)))],
    ['policy-text', (input: Uint8Array) => encodeExpression(expandPolicy(parsePolicy(textOf(input))))],
    ['evaluation', evaluation],
  ] as const)('%s: is refused, or taken, as written down', (kind, judge) => {
    const own = lines.filter(([name]) => name === kind)
    expect(own.length).toBeGreaterThan(5)
    for (const [, input = '', ours] of own) {
      if (ours === '-') expect(() => judge(fromHex(input)), input).toThrow(OckamError)
      else expect(toHex(judge(fromHex(input))), input).toBe(ours === '=' ? input : ours)
    }
  })
})
