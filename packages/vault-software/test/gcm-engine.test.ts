/** AES-GCM in WebAssembly against node:crypto and noble: every length, every edge of the counter, forgeries, and nothing left behind. */

import { createCipheriv, createSecretKey } from 'node:crypto'
import { gcm } from '@noble/ciphers/aes.js'
import type { AeadJob, AeadKey, BatchAeadKey } from '@ockam/core'
import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { GcmEngine, type GcmKey, type GcmModule, LONGEST, loadGcmModule, MOST, WIDEST } from '../src/gcm-engine-node.ts'
import { createCheckedEngine, GcmLadder } from '../src/gcm-ladder-node.ts'
import { createBackend } from '../src/primitives-node.ts'
import { assembleVault } from '../src/vault-assembly.ts'

const secret = Uint8Array.from({ length: 32 }, (_, i) => i * 7 + 1)
const plainText = (length: number, seed = 1) => Uint8Array.from({ length }, (_, i) => (i * 31 + seed * 17) & 0xff)

function sealByNode(key: Uint8Array, nonce: Uint8Array, text: Uint8Array, aad: Uint8Array | undefined): Uint8Array {
  const cipher = createCipheriv('aes-256-gcm', key, nonce)
  if (aad !== undefined) cipher.setAAD(aad)
  return Uint8Array.from(Buffer.concat([cipher.update(text), cipher.final(), cipher.getAuthTag()]))
}

/** An engine whose memory the test can see, and a key for it. */
function openEngine(): { engine: GcmEngine; module: GcmModule; key: GcmKey } {
  const module = loadGcmModule() as GcmModule
  const ecb = createCipheriv('aes-256-ecb', secret, null).setAutoPadding(false)
  return { engine: new GcmEngine(module), module, key: { encryptBlocks: (blocks) => ecb.update(blocks), tables: undefined } }
}

const nonceOf = (counter: number | bigint) => {
  const nonce = new Uint8Array(12)
  new DataView(nonce.buffer).setBigUint64(4, BigInt(counter))
  return nonce
}

describe('one message through the engine', () => {
  test('has the bytes of node:crypto at every length up to its longest, and opens again', () => {
    const { engine, key } = openEngine()
    for (let length = 0; length <= LONGEST; length++) {
      const [text, nonce] = [plainText(length, length), nonceOf(length)]
      const sealed = new Uint8Array(length + 16)
      engine.seal(key, sealed, 0, text, 0, length, nonce, undefined)
      expect(Buffer.compare(sealed, sealByNode(secret, nonce, text, undefined)), `length ${length}`).toBe(0)
      expect(engine.open(key, sealed, 0, sealed, 0, sealed.length, nonce, undefined), `length ${length}`).toBe(true)
      expect(Buffer.compare(sealed.subarray(0, length), text), `length ${length}`).toBe(0)
    }
  })

  test('has the bytes of noble under any key, nonce, text and additional data', () => {
    const engine = createCheckedEngine() as GcmEngine
    const bytes = (maxLength: number) => fc.uint8Array({ maxLength })
    const fixed = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
    fc.assert(
      fc.property(fixed(32), fixed(12), bytes(400), fc.option(bytes(100), { nil: undefined }), (raw, nonce, text, aad) => {
        const ladder = new GcmLadder(engine, createSecretKey(raw))
        const sealed = new Uint8Array(text.length + 16)
        ladder.seal(sealed, 0, text, 0, text.length, nonce, aad)
        expect(sealed).toEqual(gcm(raw, nonce, aad).encrypt(text))
        expect(ladder.openFresh(sealed, 0, sealed.length, nonce, aad)).toEqual(text)
        ladder.destroy()
      }),
      { numRuns: 300 },
    )
  })

  test('takes additional data of every length around a block', () => {
    const { engine, key } = openEngine()
    for (let length = 0; length <= 66; length++) {
      const [text, aad, nonce] = [plainText(40), plainText(length, 9), nonceOf(length)]
      const sealed = new Uint8Array(56)
      engine.seal(key, sealed, 0, text, 0, 40, nonce, aad)
      expect(sealed).toEqual(sealByNode(secret, nonce, text, aad))
    }
  })

  test('is refused with any bit of it, of its nonce or of its additional data changed, and then nothing is written', () => {
    const { engine, key } = openEngine()
    const [nonce, aad] = [nonceOf(5), plainText(19)]
    const sealed = sealByNode(secret, nonce, plainText(37), aad)
    const out = new Uint8Array(37).fill(0xee)
    for (const part of [sealed, nonce, aad]) {
      for (let bit = 0; bit < part.length * 8; bit++) {
        part[bit >> 3] = (part[bit >> 3] as number) ^ (1 << (bit & 7))
        expect(engine.open(key, out, 0, sealed, 0, sealed.length, nonce, aad)).toBe(false)
        part[bit >> 3] = (part[bit >> 3] as number) ^ (1 << (bit & 7))
      }
    }
    expect(out).toEqual(new Uint8Array(37).fill(0xee))
    expect(engine.open(key, out, 0, sealed, 0, sealed.length, nonce, aad)).toBe(true)
  })
})

describe('many messages through a vault', () => {
  const { primitives } = assembleVault(createBackend(), {})
  const batchKey = () => primitives.aeadKey(secret) as AeadKey & BatchAeadKey

  /** Jobs one behind the other with room for the tag and some bytes between them. */
  function layOut(lengths: readonly number[], gap: number): { slab: Uint8Array; jobs: AeadJob[] } {
    const jobs: AeadJob[] = []
    let at = gap
    for (const length of lengths) {
      jobs.push({ inAt: at, outAt: at, length })
      at += length + 16 + gap
    }
    return { slab: plainText(at), jobs }
  }
  const forOpening = (jobs: readonly AeadJob[]) => jobs.map((job) => ({ ...job, length: job.length + 16 }))

  /** What node:crypto makes of the same slab. */
  function sealedByNode(slab: Uint8Array, jobs: readonly AeadJob[], first: number): Uint8Array {
    const expected = slab.slice()
    for (const [i, { inAt, outAt, length }] of jobs.entries()) {
      expected.set(sealByNode(secret, nonceOf(first + i), slab.subarray(inAt, inAt + length), undefined), outAt)
    }
    return expected
  }

  test('have the bytes of node:crypto, whatever their number, lengths and distances; what lies between is left alone', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.nat(80), fc.nat(600), fc.nat(4200)), { maxLength: 70 }),
        fc.oneof(fc.nat(40), fc.constant(3000)),
        fc.oneof(fc.nat(100), fc.integer({ min: 2 ** 32 - 40, max: 2 ** 32 + 40 }), fc.integer({ min: 0, max: 2 ** 53 - 100 })),
        (lengths, gap, first) => {
          const { slab, jobs } = layOut(lengths, gap)
          const before = slab.slice()
          const expected = sealedByNode(slab, jobs, first)
          const key = batchKey()
          key.sealMany(slab, jobs, first)
          expect(Buffer.compare(slab, expected)).toBe(0)
          expect(key.openMany(slab, forOpening(jobs), first)).toEqual(jobs.map(() => true))
          for (const { inAt, length } of jobs) {
            expect(Buffer.compare(slab.subarray(inAt, inAt + length), before.subarray(inAt, inAt + length))).toBe(0)
            // The tag stays: it is not part of the plaintext.
            expect(
              Buffer.compare(slab.subarray(inAt + length, inAt + length + 16), expected.subarray(inAt + length, inAt + length + 16)),
            ).toBe(0)
          }
        },
      ),
      { numRuns: 120 },
    )
  })

  test('end at the last nonce, and are refused as a whole beyond it', () => {
    const { slab, jobs } = layOut([20, 0, 33], 8)
    const expected = sealedByNode(slab, jobs, Number.MAX_SAFE_INTEGER - 2)
    batchKey().sealMany(slab, jobs, Number.MAX_SAFE_INTEGER - 2)
    expect(slab).toEqual(expected)
    const before = slab.slice()
    for (const first of [Number.MAX_SAFE_INTEGER - 1, -1, 0.5, Number.NaN]) {
      expect(() => batchKey().sealMany(slab, jobs, first)).toThrow(expect.objectContaining({ code: 'vault/invalid-argument' }))
      expect(() => batchKey().openMany(slab, jobs, first)).toThrow(expect.objectContaining({ code: 'vault/invalid-argument' }))
    }
    expect(slab).toEqual(before)
  })

  test('may stand in any order, overlap what they replace, or go elsewhere', () => {
    const slab = plainText(600)
    const jobs = [
      { inAt: 300, outAt: 300, length: 50 },
      { inAt: 100, outAt: 100, length: 60 },
      { inAt: 0, outAt: 400, length: 30 },
      { inAt: 200, outAt: 208, length: 20 },
    ]
    const expected = sealedByNode(slab, jobs, 7)
    const key = batchKey()
    key.sealMany(slab, jobs, 7)
    expect(slab).toEqual(expected)
    expect(
      key.openMany(
        slab,
        forOpening(jobs).map(({ outAt, length }) => ({ inAt: outAt, outAt, length })),
        7,
      ),
    ).toEqual([true, true, true, true])
  })

  test('are judged one by one: a forgery is refused and becomes zeros, the others open', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ length: fc.oneof(fc.nat(100), fc.nat(3000)), forgedAt: fc.option(fc.nat(), { nil: undefined }) }), {
          maxLength: 40,
        }),
        (messages) => {
          const { slab, jobs } = layOut(
            messages.map(({ length }) => length),
            9,
          )
          const before = slab.slice()
          const key = batchKey()
          key.sealMany(slab, jobs, 0)
          for (const [i, { length, forgedAt }] of messages.entries()) {
            if (forgedAt === undefined) continue
            const at = (jobs[i] as AeadJob).inAt + (forgedAt % (length + 16))
            slab[at] = (slab[at] as number) ^ 1
          }
          expect(key.openMany(slab, forOpening(jobs), 0)).toEqual(messages.map(({ forgedAt }) => forgedAt === undefined))
          for (const [i, { length, forgedAt }] of messages.entries()) {
            const { inAt } = jobs[i] as AeadJob
            const expected = forgedAt === undefined ? before.subarray(inAt, inAt + length) : new Uint8Array(length)
            expect(Buffer.compare(slab.subarray(inAt, inAt + length), expected)).toBe(0)
          }
        },
      ),
      { numRuns: 60 },
    )
  })

  test('that are too short for a tag are refused among others, and touch nothing', () => {
    const { slab, jobs } = layOut([20, 20, 20], 8)
    const key = batchKey()
    key.sealMany(slab, jobs, 0)
    const short = forOpening(jobs).map((job, i) => (i === 1 ? { ...job, length: 15 } : job))
    const before = slab.slice()
    expect(key.openMany(slab, short, 0)).toEqual([true, false, true])
    const { inAt } = jobs[1] as AeadJob
    expect(slab.subarray(inAt - 8, inAt + 36)).toEqual(before.subarray(inAt - 8, inAt + 36))
  })

  test('outside of the slab are refused before anything is done', () => {
    const slab = plainText(100)
    const good = { inAt: 0, outAt: 0, length: 10 }
    for (const bad of [
      { inAt: 90, outAt: 90, length: 10 },
      { inAt: 0, outAt: 90, length: 10 },
      { inAt: -1, outAt: 0, length: 10 },
      { inAt: 0, outAt: 0, length: 1.5 },
    ]) {
      expect(() => batchKey().sealMany(slab, [good, bad], 0)).toThrow(expect.objectContaining({ code: 'vault/invalid-argument' }))
    }
    expect(() =>
      batchKey().openMany(
        slab,
        [
          { inAt: 0, outAt: 0, length: 20 },
          { inAt: 81, outAt: 81, length: 20 },
        ],
        0,
      ),
    ).toThrow(expect.objectContaining({ code: 'vault/invalid-argument' }))
    expect(slab).toEqual(plainText(100))
  })

  test('need a key that was not destroyed', () => {
    const key = batchKey()
    const { slab, jobs } = layOut([10, 10], 8)
    key.sealMany(slab, jobs, 0)
    key.destroy()
    expect(() => key.sealMany(slab, jobs, 2)).toThrow(expect.objectContaining({ code: 'vault/unknown-key' }))
    expect(() => key.openMany(slab, jobs, 2)).toThrow(expect.objectContaining({ code: 'vault/unknown-key' }))
  })

  test('of two keys in turn do not mix', () => {
    const other = Uint8Array.from(secret).reverse()
    const [first, second] = [batchKey(), primitives.aeadKey(other) as AeadKey & BatchAeadKey]
    for (let round = 0; round < 4; round++) {
      const { slab, jobs } = layOut([30, 50], 8)
      const text = slab.slice()
      second.sealMany(slab, jobs, round * 2)
      const { inAt, length } = jobs[1] as AeadJob
      expect(slab.slice(inAt, inAt + length + 16)).toEqual(
        sealByNode(other, nonceOf(round * 2 + 1), text.subarray(inAt, inAt + length), undefined),
      )
      expect(first.openMany(slab, forOpening(jobs), round * 2)).toEqual([false, false])
    }
  })
})

describe('the memory of the engine', () => {
  const isClean = (module: GcmModule) => new Uint8Array(module.memory.buffer).every((byte) => byte === 0)

  test('holds nothing after a message was sealed, opened or refused', () => {
    const { engine, module, key } = openEngine()
    const [text, aad, nonce] = [plainText(333), plainText(33), nonceOf(1)]
    const sealed = new Uint8Array(349)
    for (const _use of ['first', 'later']) {
      engine.seal(key, sealed, 0, text, 0, 333, nonce, aad)
      expect(isClean(module)).toBe(true)
      expect(engine.open(key, text, 0, sealed, 0, 349, nonce, aad)).toBe(true)
      expect(isClean(module)).toBe(true)
    }
    expect(engine.open(key, text, 0, sealed, 0, 349, nonceOf(2), aad)).toBe(false)
    expect(isClean(module)).toBe(true)
  })

  test('holds the largest run there is, and nothing after it', () => {
    const { engine, module, key } = openEngine()
    const distance = Math.floor((WIDEST - LONGEST - 16) / (MOST - 1))
    const jobs = Array.from({ length: MOST }, (_, i) => ({ inAt: i * distance, outAt: i * distance, length: LONGEST }))
    const end = (MOST - 1) * distance + LONGEST + 16
    const slab = plainText(end)
    const before = slab.slice()
    engine.sealRun(key, slab, jobs, { from: 0, to: MOST, start: 0, end }, nonceOf(0))
    expect(isClean(module)).toBe(true)
    for (const [i, { inAt }] of jobs.entries()) {
      const expected = sealByNode(secret, nonceOf(i), before.subarray(inAt, inAt + LONGEST), undefined)
      expect(Buffer.compare(slab.subarray(inAt, inAt + LONGEST + 16), expected)).toBe(0)
    }
    const verdicts: boolean[] = []
    const sealedJobs = jobs.map((job) => ({ ...job, length: LONGEST + 16 }))
    engine.openRun(key, slab, sealedJobs, { from: 0, to: MOST, start: 0, end }, nonceOf(0), verdicts)
    expect(verdicts).toEqual(jobs.map(() => true))
    expect(isClean(module)).toBe(true)
  })

  test('holds nothing when the block cipher fails', () => {
    const { engine, module } = openEngine()
    const broken: GcmKey = {
      encryptBlocks: () => {
        throw new Error('no AES today')
      },
      tables: new Uint8Array(2048).fill(1),
    }
    expect(() => engine.seal(broken, new Uint8Array(26), 0, plainText(10), 0, 10, nonceOf(0), undefined)).toThrow('no AES today')
    const jobs = [{ inAt: 0, outAt: 0, length: 16 }]
    const run = { from: 0, to: 1, start: 0, end: 32 }
    expect(() => engine.sealRun(broken, plainText(32), jobs, run, nonceOf(0))).toThrow('no AES today')
    expect(() => engine.openRun(broken, plainText(32), jobs, run, nonceOf(0), [])).toThrow('no AES today')
    expect(isClean(module)).toBe(true)
  })

  test('gives back keystream only to be wiped', () => {
    const { engine, key } = openEngine()
    const made: Uint8Array[] = []
    const watched: GcmKey = {
      encryptBlocks(blocks) {
        const keystream = key.encryptBlocks(blocks)
        made.push(keystream)
        return keystream
      },
      tables: undefined,
    }
    engine.seal(watched, new Uint8Array(66), 0, plainText(50), 0, 50, nonceOf(0), undefined)
    expect(made).toHaveLength(1)
    expect(made[0]?.every((byte) => byte === 0)).toBe(true)
  })
})

describe('without WebAssembly', () => {
  afterEach(() => void vi.unstubAllGlobals())

  test('node:crypto seals every message by itself, to the same bytes', () => {
    const text = plainText(60)
    const [expected, sealed] = [new Uint8Array(76), new Uint8Array(76)]
    assembleVault(createBackend(), {}).primitives.aeadKey(secret).sealInto(expected, 0, text, 0, 60, 3)
    vi.stubGlobal('WebAssembly', undefined)
    expect(createCheckedEngine()).toBeUndefined()
    const key: AeadKey & Partial<BatchAeadKey> = assembleVault(createBackend(), {}).primitives.aeadKey(secret)
    expect(key.sealMany).toBeUndefined()
    key.sealInto(sealed, 0, text, 0, 60, 3)
    expect(sealed).toEqual(expected)
  })

  test('or with a module that computes something else, the engine is not used', () => {
    const real = loadGcmModule() as GcmModule
    vi.stubGlobal('WebAssembly', {
      Module: class {},
      Instance: class {
        readonly exports: GcmModule = { ...real, seal: (at, length, keystreamAt) => real.seal(at, length - 1, keystreamAt, 0, 0) }
      },
    })
    expect(createCheckedEngine()).toBeUndefined()
  })
})
