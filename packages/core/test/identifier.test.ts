import { describe, expect, test } from 'vitest'
import { Identifier, OckamError } from '../src/index.ts'

// build-trust/ockam fb8fb64cd, ockam_identity/src/identity/identity.rs test_display
const TEXT = 'I923829d0397a06fa862be5a87b7966959b8ef99ab6455b843ca9131a747b4819'

describe('Identifier', () => {
  test('reads the text form of Rust nodes in either case and prints it in lower case', () => {
    expect(String(Identifier.parse(TEXT))).toBe(TEXT)
    expect(String(Identifier.parse(`  I${TEXT.slice(1).toUpperCase()}\n`))).toBe(TEXT)
    expect(JSON.stringify([Identifier.parse(TEXT)])).toBe(`["${TEXT}"]`)
  })

  test('converts to 32 bytes and back', () => {
    const identifier = Identifier.parse(TEXT)
    expect(Buffer.from(identifier.toBytes()).toString('hex')).toBe(TEXT.slice(1))
    expect(Identifier.fromBytes(identifier.toBytes()).equals(identifier)).toBe(true)
    expect(Identifier.from(TEXT).equals(Identifier.from(identifier))).toBe(true)
  })

  test('refuses other lengths, the forms before 2023, and anything that is not text', () => {
    const wrong = [
      TEXT.slice(0, -1),
      `${TEXT}0`,
      TEXT.slice(1),
      `P${TEXT.slice(1)}`,
      `i${TEXT.slice(1)}`,
      TEXT.slice(0, 41),
      '',
      `I${'g'.repeat(64)}`,
    ]
    for (const text of [...wrong, 7 as never, undefined as never]) {
      expect(() => Identifier.parse(text), String(text)).toThrowError(expect.objectContaining({ code: 'core/invalid-identifier' }))
    }
    for (const length of [0, 20, 31, 33]) expect(() => Identifier.fromBytes(new Uint8Array(length))).toThrow(OckamError)
  })
})
