/** `FreshAeadKey` of core, on both back ends: the same verdicts as `openInto`, in memory that holds nothing else. */

import type { AeadKey, FreshAeadKey } from '@ockam/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { assembleVault } from '../src/vault-assembly.ts'
import { backends } from './back-end.ts'

describe.each(backends)('Opening into fresh memory on %s', (_name, createBackend) => {
  const { primitives } = assembleVault(createBackend(), {})
  const keyOf = (secret: Uint8Array): AeadKey & FreshAeadKey => primitives.aeadKey(secret) as AeadKey & FreshAeadKey

  test('gives what was sealed in an array that is all of its memory, and leaves the input alone', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 2000 }),
        fc.nat(100),
        fc.option(fc.uint8Array({ maxLength: 20 }), { nil: undefined }),
        (plaintext, at, aad) => {
          const key = keyOf(new Uint8Array(32).fill(5))
          const input = new Uint8Array(at + plaintext.length + 16 + 7)
          key.sealInto(input, at, plaintext, 0, plaintext.length, 9, aad)
          const before = input.slice()
          const opened = key.openFresh(input, at, plaintext.length + 16, 9, aad)
          expect(opened).toEqual(plaintext)
          expect(opened?.constructor).toBe(Uint8Array)
          expect(opened?.buffer.byteLength).toBe(plaintext.length)
          expect(input).toEqual(before)
        },
      ),
      { numRuns: 60 },
    )
  })

  test('gives nothing for one flipped bit, another nonce, other associated data or a key of others', () => {
    const key = keyOf(new Uint8Array(32).fill(5))
    const sealed = new Uint8Array(80)
    key.sealInto(sealed, 0, new Uint8Array(64), 0, 64, 3)
    for (let at = 0; at < sealed.length; at++) {
      const forged = sealed.slice()
      forged[at] = (forged[at] as number) ^ 0x10
      expect(key.openFresh(forged, 0, 80, 3)).toBeUndefined()
    }
    expect(key.openFresh(sealed, 0, 80, 4)).toBeUndefined()
    expect(key.openFresh(sealed, 0, 80, 3, new Uint8Array(1))).toBeUndefined()
    expect(keyOf(new Uint8Array(32).fill(6)).openFresh(sealed, 0, 80, 3)).toBeUndefined()
    expect(key.openFresh(sealed, 0, 15, 3)).toBeUndefined()
    expect(key.openFresh(sealed, 0, 80, 3)).toEqual(new Uint8Array(64))
  })

  test('refuses ranges outside of the input, wrong nonces and destroyed keys', () => {
    const key = keyOf(new Uint8Array(32))
    expect(() => key.openFresh(new Uint8Array(20), 5, 16, 0)).toThrow(expect.objectContaining({ code: 'vault/invalid-argument' }))
    expect(() => key.openFresh(new Uint8Array(20), 0, 20, -1)).toThrow(expect.objectContaining({ code: 'vault/invalid-argument' }))
    key.destroy()
    expect(() => key.openFresh(new Uint8Array(20), 0, 20, 0)).toThrow(expect.objectContaining({ code: 'vault/unknown-key' }))
  })
})
