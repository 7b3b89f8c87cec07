/** Policies of a Rust node, as `npm run capture` records them: read from text and from CBOR, written to the same bytes, and decided alike. */

import { readFileSync } from 'node:fs'
import { OckamError } from '@ockam/core'
import { describe, expect, test } from 'vitest'
import { decodeExpression, encodeExpression, evaluate, expandPolicy, parseExpression, parsePolicy } from '../src/abac/index.ts'
import { type Environment, environmentNames } from '../src/abac/environment.ts'
import { hex, toHex } from './hex.ts'

interface PolicyVector {
  readonly text: string
  /** What the Rust node makes of the text: without it, nothing. */
  readonly shown: string
  readonly cbor: string
  readonly isRefused?: true
  readonly isAllowed: boolean
  readonly isError?: true
}

const {
  cases: [{ environment }, ...vectors],
} = JSON.parse(readFileSync(new URL('vectors/rust/policy.json', import.meta.url), 'utf8')) as {
  readonly cases: readonly [{ readonly environment: Environment }, ...PolicyVector[]]
}

/** Numbers in JSON are integers where they can be. */
const names = environmentNames(
  Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, Number.isInteger(value) ? BigInt(value as number) : value])),
)
/** What only we refuse: docs/compatibility.md, `policy-glued-operator`. */
const REFUSED_HERE = new Set(['notary'])

test('there are policies of all kinds', () => {
  const count = (has: (vector: PolicyVector) => unknown): number => vectors.filter(has).length
  expect(count(({ isRefused }) => isRefused)).toBeGreaterThan(1)
  expect(count(({ isError }) => isError)).toBeGreaterThan(1)
  expect(count(({ isAllowed }) => isAllowed)).toBeGreaterThan(10)
})

describe.each(vectors)('$text', ({ text, shown, cbor, isRefused, isAllowed, isError }) => {
  if (isRefused || REFUSED_HERE.has(text)) {
    test('is refused', () => {
      expect(() => parsePolicy(text)).toThrow(expect.objectContaining({ code: 'credentials/invalid-policy' }))
    })
    if (isRefused) return
  } else {
    test('is read as the Rust node reads it', () => {
      expect(toHex(encodeExpression(expandPolicy(parsePolicy(text))))).toBe(cbor)
    })
  }

  test('is the same expression as what the Rust node shows', () => {
    const expression = decodeExpression(hex(cbor))
    expect(toHex(encodeExpression(expression))).toBe(cbor)
    expect(parseExpression(shown)).toEqual(expression)
  })

  test(isError ? 'has no value' : `is ${isAllowed}`, () => {
    const decide = (): unknown => evaluate(decodeExpression(hex(cbor)), names)
    if (!isError) expect(decide()).toEqual({ kind: 'boolean', value: isAllowed })
    else expect(decide).toThrow(OckamError)
  })
})
