/** Whatever is issued holds and says what it was given; whatever was changed is refused, with an error of this package. */

import { OckamError } from '@ockam/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Attribute, decodeCredential } from '../src/index.ts'
import { forgeCredential } from './forgery.ts'
import { toHex } from './hex.ts'
import { judge, START, type World, world, YEAR } from './node-parts.ts'

const pairs = (entries: readonly Attribute[]): readonly string[] =>
  entries.map(({ name, value }) => `${toHex(name)}=${toHex(value)}`).sort()

describe('what is issued', () => {
  test('holds, and says exactly that, whatever it is', async () => {
    const there = await world()
    const attribute = fc.record({ name: fc.uint8Array({ maxLength: 300 }), value: fc.uint8Array({ maxLength: 300 }) })
    const attributes = fc.uniqueArray(attribute, { maxLength: 20, selector: ({ name }) => toHex(name) })
    const schema = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
    const lifeMs = fc.integer({ min: 1000, max: 3 * YEAR * 1000 })
    await fc.assert(
      fc.asyncProperty(attributes, schema, lifeMs, async (given, number, validForMs) => {
        const { authority, subject } = there
        const credential = await authority.credentials.issue({
          issuer: authority.identity.identifier,
          subject: subject.identity.identifier,
          attributes: given,
          schema: number,
          validForMs,
        })
        const verified = await judge(there, credential)
        expect(verified.attributes.schema).toBe(number)
        expect(pairs(verified.attributes.entries)).toEqual(pairs(given))
        expect(verified.expiresAt).toBe(Math.min(START + Math.floor(validForMs / 1000), START + YEAR))
      }),
      { numRuns: 60 },
    )
  })
})

describe('what was changed', () => {
  test('is refused with an error of this package, whichever bytes were changed, cut out or put in', async () => {
    const there = await world()
    const bytes = await forgeCredential(there)
    await judge(there, bytes)
    await fc.assert(
      fc.asyncProperty(mutation(bytes), async (mutant) => {
        expect(await refusalOf(there, mutant)).toMatch(/^credentials\//)
      }),
      { numRuns: 400 },
    )
  })

  test('no bytes make the decoder throw anything but an error of this package', () => {
    const start = fc.constantFrom('8282586e830103586985', '82825f', '9f9f', '8282', '82', '')
    const input = fc
      .tuple(start, fc.uint8Array({ maxLength: 300 }))
      .map(([head, tail]) => Uint8Array.of(...Buffer.from(head, 'hex'), ...tail))
    fc.assert(
      fc.property(input, (bytes) => {
        try {
          decodeCredential(bytes)
        } catch (error) {
          requireOwn(error)
        }
      }),
      { numRuns: 1000 },
    )
  })
})

/** One byte changed, some cut out, or some put in. */
function mutation(bytes: Uint8Array): fc.Arbitrary<Uint8Array> {
  const at = fc.nat(bytes.length - 1)
  return fc.oneof(
    fc.tuple(at, fc.integer({ min: 1, max: 255 })).map(([i, bits]) => bytes.map((byte, j) => (i === j ? byte ^ bits : byte))),
    fc.tuple(at, fc.integer({ min: 1, max: 40 })).map(([i, count]) => Uint8Array.of(...bytes.subarray(0, i), ...bytes.subarray(i + count))),
    fc
      .tuple(at, fc.uint8Array({ minLength: 1, maxLength: 8 }))
      .map(([i, more]) => Uint8Array.of(...bytes.subarray(0, i), ...more, ...bytes.subarray(i))),
  )
}

const refusalOf = (there: World, bytes: Uint8Array): Promise<string> =>
  judge(there, bytes).then(
    () => 'accepted',
    (error: unknown) => requireOwn(error),
  )

/** The code, when the error is one of this package; anything else is thrown on. */
function requireOwn(error: unknown): string {
  if (!OckamError.is(error) || !error.code.startsWith('credentials/')) throw error
  return error.code
}
