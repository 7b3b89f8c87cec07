/** The same bytes as `node:crypto`: all small lengths, edges up to a mebibyte and beyond, apart, in place and overlapping, one by one and in batches. */

import { createCipheriv } from 'node:crypto'
import type { AeadAlgorithm, AeadJob } from '@ockam/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { algorithms, isBuilt, nativeKey, ownKey, plainText, secret } from './addon.ts'

const LARGE = [4095, 4096, 16_384, 65_535, 65_536, 2 ** 20 - 1, 2 ** 20, 2 ** 20 + 1, 2 * 2 ** 20 + 17]

function sealByNode(algorithm: AeadAlgorithm, counter: number, text: Uint8Array, aad?: Uint8Array, key = secret): Uint8Array {
  const nonce = new Uint8Array(12)
  new DataView(nonce.buffer).setBigUint64(4, BigInt(counter), algorithm === 'chacha20-poly1305')
  const cipher = createCipheriv(algorithm as 'aes-256-gcm', key, nonce, { authTagLength: 16 })
  if (aad !== undefined) cipher.setAAD(aad)
  return Uint8Array.from(Buffer.concat([cipher.update(text), cipher.final(), cipher.getAuthTag()]))
}
const isEqual = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0

describe.skipIf(!isBuilt).each(algorithms)('%s', (algorithm) => {
  test('has the bytes of node:crypto at every length up to 300 and at the edges of large ones, apart and in place', () => {
    const key = nativeKey(algorithm)
    for (const length of [...Array.from({ length: 301 }, (_, i) => i), ...LARGE]) {
      const counter = length * 2 ** 30 + 7
      const text = plainText(length, length)
      for (const aad of [undefined, plainText(length % 50, 3)]) {
        const expected = sealByNode(algorithm, counter, text, aad)
        const sealed = new Uint8Array(length + 16)
        key.sealInto(sealed, 0, text, 0, length, counter, aad)
        expect(isEqual(sealed, expected), `length ${length}`).toBe(true)
        const opened = new Uint8Array(length)
        expect(key.openInto(opened, 0, sealed, 0, length + 16, counter, aad), `length ${length}`).toBe(true)
        expect(isEqual(opened, text), `length ${length}`).toBe(true)
        // In place, at an odd offset, between bytes that are nobody's business.
        const slab = new Uint8Array(length + 16 + 7).fill(0xee)
        slab.set(text, 3)
        key.sealInto(slab, 3, slab, 3, length, counter, aad)
        expect(isEqual(slab.subarray(3, length + 19), expected), `length ${length}`).toBe(true)
        expect(key.openInto(slab, 3, slab, 3, length + 16, counter, aad), `length ${length}`).toBe(true)
        expect(isEqual(slab.subarray(3, length + 3), text), `length ${length}`).toBe(true)
        expect([...slab.subarray(0, 3), ...slab.subarray(length + 19)], `length ${length}`).toEqual(new Array(7).fill(0xee))
      }
    }
  })

  test('has them for any key, nonce, text and additional data', () => {
    const bytes = (maxLength: number) => fc.uint8Array({ maxLength })
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        fc.oneof(fc.nat(100), fc.maxSafeNat()),
        bytes(2000),
        fc.option(bytes(200), { nil: undefined }),
        (raw, counter, text, aad) => {
          const key = nativeKey(algorithm, raw)
          const sealed = new Uint8Array(text.length + 16)
          key.sealInto(sealed, 0, text, 0, text.length, counter, aad)
          expect(sealed).toEqual(sealByNode(algorithm, counter, text, aad, raw))
          expect(key.openInto(sealed, 0, sealed, 0, sealed.length, counter, aad)).toBe(true)
          expect(sealed.subarray(0, text.length)).toEqual(text)
          key.destroy()
        },
      ),
      { numRuns: 300 },
    )
  })

  test('has the keys of the software vault after any number of rekeys', () => {
    let [native, own] = [nativeKey(algorithm), ownKey(algorithm)]
    const text = plainText(50)
    for (let round = 0; round < 40; round++) {
      const [a, b] = [new Uint8Array(66), new Uint8Array(66)]
      native.sealInto(a, 0, text, 0, 50, round)
      own.sealInto(b, 0, text, 0, 50, round)
      expect(a).toEqual(b)
      // The old key stays usable until it is destroyed.
      const [nextNative, nextOwn] = [native.rekey() as typeof native, own.rekey() as typeof own]
      expect(native.openInto(a, 0, a, 0, 66, round)).toBe(true)
      native.destroy()
      native = nextNative
      own = nextOwn
    }
  })

  test('seals and opens what overlaps otherwise as if it had been copied', () => {
    const key = nativeKey(algorithm)
    for (const length of [0, 1, 15, 40, 300])
      for (let shift = -60; shift <= 60; shift++) {
        const slab = plainText(600)
        const text = slab.slice(100, 100 + length)
        const expected = sealByNode(algorithm, 9, text)
        key.sealInto(slab, 100 + shift, slab, 100, length, 9)
        expect(isEqual(slab.subarray(100 + shift, 116 + shift + length), expected), `length ${length}, shift ${shift}`).toBe(true)
        expect(key.openInto(slab, 100, slab, 100 + shift, length + 16, 9), `length ${length}, shift ${shift}`).toBe(true)
        expect(isEqual(slab.subarray(100, 100 + length), text), `length ${length}, shift ${shift}`).toBe(true)
      }
  })

  test('takes additional data out of the slab that it writes to', () => {
    const key = nativeKey(algorithm)
    for (let shift = -20; shift <= 20; shift++) {
      const slab = plainText(200)
      const aad = slab.subarray(70 + shift, 90 + shift)
      const expected = sealByNode(algorithm, 2, slab.slice(60, 100), aad.slice())
      key.sealInto(slab, 65, slab, 60, 40, 2, aad)
      expect(slab.slice(65, 121)).toEqual(expected)
    }
  })

  test('refuses a message with any bit of it, of its nonce or of its additional data changed, and writes zeros', () => {
    const key = nativeKey(algorithm)
    const aad = plainText(19)
    const sealed = sealByNode(algorithm, 5, plainText(37), aad)
    for (const part of [sealed, aad])
      for (let bit = 0; bit < part.length * 8; bit++) {
        part[bit >> 3] = (part[bit >> 3] as number) ^ (1 << (bit & 7))
        const out = new Uint8Array(60).fill(0xee)
        expect(key.openInto(out, 4, sealed, 0, sealed.length, 5, aad)).toBe(false)
        expect(out).toEqual(new Uint8Array(60).fill(0xee).fill(0, 4, 41))
        part[bit >> 3] = (part[bit >> 3] as number) ^ (1 << (bit & 7))
      }
    const out = new Uint8Array(37)
    for (let bit = 0; bit < 53; bit++) expect(key.openInto(out, 0, sealed, 0, sealed.length, 5 + 2 ** bit, aad)).toBe(false)
    expect(key.openInto(out, 0, sealed, 0, sealed.length, 5)).toBe(false)
    expect(key.openInto(out, 0, sealed, 0, sealed.length, 5, aad)).toBe(true)
  })

  test('in batches does what it does one by one, forgeries and all', () => {
    const job = fc.record({ length: fc.oneof(fc.nat(80), fc.nat(3000)), gap: fc.nat(40), shift: fc.nat(12), isForged: fc.boolean() })
    const first = fc.oneof(fc.nat(100), fc.integer({ min: 2 ** 32 - 20, max: 2 ** 32 + 20 }), fc.constant(2 ** 53 - 401))
    fc.assert(
      fc.property(fc.array(job, { maxLength: 400, size: 'max' }), first, (messages, firstNonce) => {
        const jobs: AeadJob[] = []
        let at = 0
        for (const { length, gap, shift } of messages) {
          jobs.push({ inAt: at + gap, outAt: at + gap + shift, length })
          at += gap + shift + length + 16
        }
        const [together, apart] = [plainText(at), plainText(at)]
        const [key, single] = [nativeKey(algorithm), nativeKey(algorithm)]
        key.sealMany(together, jobs, firstNonce)
        for (const [i, { inAt, outAt, length }] of jobs.entries()) single.sealInto(apart, outAt, apart, inAt, length, firstNonce + i)
        expect(isEqual(together, apart)).toBe(true)
        const sealed = jobs.map(({ inAt, outAt, length }) => ({ inAt: outAt, outAt: inAt, length: length + 16 }))
        for (const [i, { isForged }] of messages.entries()) {
          const { inAt, length } = sealed[i] as AeadJob
          if (!isForged) continue
          for (const slab of [together, apart]) slab[inAt + length - 1] = (slab[inAt + length - 1] as number) ^ 1
        }
        const verdicts = key.openMany(together, sealed, firstNonce)
        expect(verdicts).toEqual(messages.map(({ isForged }) => !isForged))
        for (const [i, { inAt, outAt, length }] of sealed.entries())
          expect(single.openInto(apart, outAt, apart, inAt, length, firstNonce + i)).toBe(verdicts[i])
        expect(isEqual(together, apart)).toBe(true)
      }),
      { numRuns: 60 },
    )
  })
})
