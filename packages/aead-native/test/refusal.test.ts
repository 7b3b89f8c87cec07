/** What is refused, with which code and words: the same as by the software vault's own keys. And what only native code has to fear. */

import { runInNewContext } from 'node:vm'
import type { AeadJob, AeadKey, BatchAeadKey } from '@ockam/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type AddonKey, DONE } from '../src/addon.ts'
import { nativeAead } from '../src/index.ts'
import { algorithms, isBuilt, nativeKey, open, ownKey, plainText, secret } from './addon.ts'

const code = (name: string) => expect.objectContaining({ code: `vault/${name}` })

/** What came of a call, in a form that can be compared. */
function outcomeOf(call: () => unknown): unknown {
  try {
    return { value: call() }
  } catch (error) {
    const { code: errorCode, message } = error as { code?: string; message: string }
    return { code: errorCode, message }
  }
}

const strangeNumbers = [
  -1,
  -0.5,
  0.5,
  1.5,
  Number.NaN,
  Infinity,
  -Infinity,
  2 ** 31,
  2 ** 32,
  2 ** 53 - 1,
  2 ** 53,
  2 ** 64,
  '1',
  null,
  undefined,
  {},
  1n,
]
const strangeArrays = [
  undefined,
  null,
  'text',
  5,
  [],
  {},
  new ArrayBuffer(64),
  new DataView(new ArrayBuffer(64)),
  new Uint8ClampedArray(64),
  new Uint16Array(64),
]

describe.skipIf(!isBuilt).each(algorithms)('%s refuses as the software vault does', (algorithm) => {
  const keys = () => [nativeKey(algorithm), ownKey(algorithm)] as const
  /** The same call on both, each on its own memory. */
  const compare = (call: (key: AeadKey & Partial<BatchAeadKey>, slab: Uint8Array) => unknown) => {
    const [native, own] = keys().map((key) => {
      const slab = plainText(100)
      return { outcome: outcomeOf(() => call(key, slab)), slab }
    })
    expect(native).toEqual(own)
    return native?.outcome
  }

  test('numbers that are no offset, length or nonce', () => {
    let refused = 0
    for (const strange of strangeNumbers as number[])
      for (let place = 0; place < 4; place++) {
        const numbers = [10, 10, 20, 5].map((good, i) => (i === place ? strange : good)) as [number, number, number, number]
        for (const name of ['sealInto', 'openInto'] as const) {
          const outcome = compare((key, slab) => key[name](slab, numbers[0], slab, numbers[1], numbers[2], numbers[3]))
          if ((outcome as { code?: string }).code === 'vault/invalid-argument') refused++
        }
      }
    expect(refused).toBeGreaterThan(100)
  })

  test('ranges at and over the end of their array', () => {
    for (const outAt of [0, 63, 64, 65, 83, 84, 85, 99, 100, 101])
      for (const inAt of [0, 79, 80, 81, 99, 100, 101])
        for (const length of [0, 1, 15, 16, 17, 20, 84, 85, 100, 101]) {
          compare((key, slab) => key.sealInto(slab, outAt, slab, inAt, length, 0))
          compare((key, slab) => key.sealInto(slab, outAt, plainText(100), inAt, length, 0))
          compare((key, slab) => key.openInto(slab, outAt, plainText(100), inAt, length, 0))
        }
  })

  test('what is no array of bytes', () => {
    for (const strange of strangeArrays as Uint8Array[]) {
      compare((key, slab) => key.sealInto(strange, 0, slab, 0, 20, 0))
      compare((key, slab) => key.sealInto(slab, 0, strange, 0, 20, 0))
      compare((key, slab) => key.openInto(strange, 0, slab, 0, 20, 0))
      compare((key, slab) => key.openInto(slab, 0, strange, 0, 20, 0))
      if (strange !== undefined) compare((key, slab) => key.sealInto(slab, 0, slab, 0, 20, 0, strange))
      if (strange !== undefined) compare((key, slab) => key.openInto(slab, 0, slab, 0, 20, 0, strange))
    }
  })

  test('arrays of another realm, and detached ones', () => {
    const foreign = runInNewContext('new Uint8Array(100)') as Uint8Array
    expect(compare((key, slab) => key.sealInto(slab, 0, foreign, 0, 20, 0))).toEqual(code('invalid-argument'))
    const detached = () => {
      const array = new Uint8Array(100)
      structuredClone(array.buffer, { transfer: [array.buffer] })
      return array
    }
    expect(compare((key, slab) => key.sealInto(slab, 0, detached(), 0, 20, 0))).toEqual(code('invalid-argument'))
    expect(compare((key, slab) => key.sealInto(detached(), 0, slab, 0, 20, 0))).toEqual(code('invalid-argument'))
  })

  test('destroyed keys, whatever they are asked for, and takes a second destroy', () => {
    for (const call of [
      (key: AeadKey, slab: Uint8Array) => key.sealInto(slab, 0, slab, 0, 20, 0),
      (key: AeadKey, slab: Uint8Array) => key.sealInto(slab, -1, slab, 0, 20, 0),
      (key: AeadKey, slab: Uint8Array) => key.openInto(slab, 0, slab, 0, 20, 0),
      (key: AeadKey, slab: Uint8Array) => key.openInto(slab, 0, slab, 0, 3, 0),
      (key: AeadKey) => key.rekey(),
    ]) {
      const outcome = compare((key, slab) => {
        key.destroy()
        key.destroy()
        return call(key, slab)
      })
      expect(outcome).toEqual(code('unknown-key'))
    }
    const key = nativeKey(algorithm)
    key.destroy()
    expect(() => key.sealMany(new Uint8Array(9), [], 0)).toThrow(code('unknown-key'))
    expect(() => key.openMany(new Uint8Array(9), [], 0)).toThrow(code('unknown-key'))
  })
})

describe.skipIf(!isBuilt)('aeadKey() refuses', () => {
  test('keys that are not 32 bytes, and algorithms that it does not know', () => {
    const { aeadKey } = nativeAead()
    for (const length of [0, 16, 31, 33]) expect(() => aeadKey(new Uint8Array(length))).toThrow(code('invalid-argument'))
    for (const strange of strangeArrays as Uint8Array[]) expect(() => aeadKey(strange)).toThrow(code('invalid-argument'))
    for (const strange of ['aes-128-gcm', 'toString', ''])
      expect(() => aeadKey(secret, strange as 'aes-256-gcm')).toThrow(code('unsupported'))
  })

  test('nothing about the array that the key came in: it is copied', () => {
    const bytes = secret.slice()
    const key = nativeAead().aeadKey(bytes)
    bytes.fill(0)
    const [a, b] = [new Uint8Array(26), new Uint8Array(26)]
    key.sealInto(a, 0, a, 0, 10, 0)
    nativeKey('aes-256-gcm').sealInto(b, 0, b, 0, 10, 0)
    expect(a).toEqual(b)
  })
})

describe.skipIf(!isBuilt)('batches', () => {
  const good = { inAt: 0, outAt: 0, length: 10 }

  test('with a job or a nonce out of range are refused with the words of the software vault, before anything is done', () => {
    const bad: AeadJob[] = [
      ...[90, 100, 101, -1, 0.5, Number.NaN].flatMap((at) => [
        { ...good, inAt: at },
        { ...good, outAt: at },
      ]),
      ...[85, 101, -1, 0.5, Number.NaN].map((length) => ({ ...good, length })),
    ]
    const own = ownKey('aes-256-gcm') as AeadKey & BatchAeadKey
    for (const jobs of bad.map((job) => [good, good, job]))
      for (const name of ['sealMany', 'openMany'] as const) {
        const [slab, other] = [plainText(100), plainText(100)]
        const outcome = outcomeOf(() => nativeKey('aes-256-gcm')[name](slab, jobs, 0))
        const expected = outcomeOf(() => own[name](other, jobs, 0))
        expect(outcome).toEqual(expected)
        expect(slab).toEqual(other)
      }
    for (const first of [Number.MAX_SAFE_INTEGER - 1, -1, 0.5, Number.NaN, 2 ** 53]) {
      const slab = plainText(100)
      expect(() => nativeKey('aes-256-gcm').sealMany(slab, [good, good, good], first)).toThrow(code('invalid-argument'))
      expect(() => nativeKey('aes-256-gcm').openMany(slab, [good, good, good], first)).toThrow(code('invalid-argument'))
      expect(slab).toEqual(plainText(100))
    }
  })

  test('give a verdict of no to what is too short for a tag, and touch nothing there', () => {
    const key = nativeKey('chacha20-poly1305')
    const slab = plainText(100)
    key.sealMany(slab, [good, { inAt: 60, outAt: 60, length: 10 }], 0)
    const before = slab.slice()
    const jobs = [0, 30, 60].map((at) => ({ inAt: at, outAt: at, length: at === 30 ? 15 : 26 }))
    expect(key.openMany(slab, jobs, 0)).toEqual([true, false, false])
    expect(slab.subarray(26, 60)).toEqual(before.subarray(26, 60))
    expect(key.openMany(before, [jobs[0] as AeadJob, jobs[2] as AeadJob], 0)).toEqual([true, true])
  })

  test('of nothing do nothing', () => {
    const key = nativeKey('aes-256-gcm')
    key.sealMany(new Uint8Array(), [], 0)
    expect(key.openMany(new Uint8Array(), [], 0)).toEqual([])
  })

  /** A batch of 100 whose job in the middle does something when its length is read. */
  function withGetter(act: () => void): AeadJob[] {
    const jobs: AeadJob[] = Array.from({ length: 100 }, (_, i) => ({ inAt: i * 30, outAt: i * 30, length: 10 }))
    jobs[50] = {
      inAt: 1500,
      outAt: 1500,
      get length() {
        act()
        return 10
      },
    }
    return jobs
  }

  test('whose getters start another batch do both', () => {
    const key = nativeKey('aes-256-gcm')
    const [inner, slab] = [plainText(3000), plainText(3000)]
    const jobs = withGetter(() => {
      key.sealMany(
        inner,
        Array.from({ length: 100 }, (_, i) => ({ inAt: i * 30 + 1, outAt: i * 30, length: 9 })),
        1000,
      )
    })
    key.sealMany(slab, jobs, 0)
    expect(
      key.openMany(
        slab,
        jobs.map(({ inAt, outAt }) => ({ inAt, outAt, length: 26 })),
        0,
      ),
    ).toEqual(new Array(100).fill(true))
    expect(
      key.openMany(
        inner,
        jobs.map(({ inAt, outAt }) => ({ inAt, outAt, length: 25 })),
        1000,
      ),
    ).toEqual(new Array(100).fill(true))
  })

  test('whose getters destroy the key, take the memory away or throw are refused, and the next batch is in order', () => {
    const destroyed = nativeKey('aes-256-gcm')
    expect(() =>
      destroyed.sealMany(
        new Uint8Array(3000),
        withGetter(() => destroyed.destroy()),
        0,
      ),
    ).toThrow(code('unknown-key'))

    const key = nativeKey('aes-256-gcm')
    const slab = new Uint8Array(3000)
    const detach = () => void (slab.length > 0 && structuredClone(slab.buffer, { transfer: [slab.buffer] }))
    expect(() => key.sealMany(slab, withGetter(detach), 0)).toThrow(code('invalid-argument'))
    // The last job of all: no check in JavaScript comes after it.
    const second = new Uint8Array(100)
    const last: AeadJob = {
      inAt: 0,
      outAt: 0,
      get length() {
        return 10
      },
    }
    const trap = new Proxy(last, {
      get(target, name) {
        if (name === 'length' && second.length > 0) structuredClone(second.buffer, { transfer: [second.buffer] })
        return Reflect.get(target, name) as number
      },
    })
    expect(() => key.openMany(second, [trap], 0)).toThrow(code('invalid-argument'))
    expect(() =>
      key.sealMany(
        new Uint8Array(3000),
        withGetter(() => {
          throw new RangeError('no length today')
        }),
        0,
      ),
    ).toThrow('no length today')
    const third = new Uint8Array(100)
    key.sealMany(third, [good], 0)
    expect(key.openMany(third, [{ ...good, length: 26 }], 0)).toEqual([true])
  })
})

describe.skipIf(!isBuilt)('memory of every kind', () => {
  test('that is gone counts as empty', () => {
    const gone = new Uint8Array(100)
    structuredClone(gone.buffer, { transfer: [gone.buffer] })
    const key = nativeKey('aes-256-gcm')
    const [out, expected] = [new Uint8Array(16), new Uint8Array(16)]
    key.sealInto(out, 0, gone, 0, 0, 3, gone)
    key.sealInto(expected, 0, expected, 0, 0, 3)
    expect(out).toEqual(expected)
    expect(() => key.sealInto(gone, 0, out, 0, 0, 3)).toThrow(code('invalid-argument'))
    expect(() => key.openInto(out, 0, gone, 0, 16, 3)).toThrow(code('invalid-argument'))
  })

  test('is sealed and opened where it lies: parts, shared, resizable, on the heap of JavaScript', () => {
    const expected = new Uint8Array(46)
    ownKey('aes-256-gcm').sealInto(expected, 0, plainText(30), 0, 30, 1)
    const resizable = new (ArrayBuffer as unknown as new (length: number, options: object) => ArrayBuffer)(200, { maxByteLength: 400 })
    for (const array of [
      new Uint8Array(new ArrayBuffer(200), 77, 46),
      new Uint8Array(new SharedArrayBuffer(200), 3, 46),
      new Uint8Array(resizable, 5, 46),
      new Uint8Array(46),
      Buffer.from('x'.repeat(46)),
    ]) {
      array.set(plainText(30))
      const key = nativeKey('aes-256-gcm')
      key.sealInto(array, 0, array, 0, 30, 1)
      expect(Uint8Array.from(array)).toEqual(expected)
      expect(key.openInto(array, 0, array, 0, 46, 1)).toBe(true)
      expect(Uint8Array.from(array.subarray(0, 30))).toEqual(plainText(30))
    }
  })

  test('that shrank is as long as it is now', () => {
    const resizable = new (
      ArrayBuffer as unknown as new (
        length: number,
        options: object,
      ) => ArrayBuffer & { resize(length: number): void }
    )(200, { maxByteLength: 400 })
    const [tracking, fixed] = [new Uint8Array(resizable), new Uint8Array(resizable, 100, 80)]
    const key = nativeKey('aes-256-gcm')
    key.sealInto(tracking, 100, tracking, 100, 80, 0)
    resizable.resize(150)
    expect(() => key.sealInto(tracking, 100, tracking, 100, 80, 0)).toThrow(code('invalid-argument'))
    expect(() => key.sealInto(fixed, 0, fixed, 0, 20, 0)).toThrow(code('invalid-argument'))
    const addon = open()
    const raw = addon.create(secret, 0) as AddonKey
    expect(addon.seal(raw, tracking, 100, 100, 80, 0)).toBe(2)
    expect(addon.seal(raw, fixed, 0, 0, 20, 0)).toBe(2)
    expect(addon.seal(raw, tracking, 100, 100, 34, 0)).toBe(DONE)
  })

  test('that lies about its length is refused by the addon', () => {
    class Liar extends Uint8Array {
      override get length() {
        return 1e6
      }
    }
    const key = nativeKey('aes-256-gcm')
    const liar = new Liar(64) as Uint8Array
    for (const call of [
      () => key.sealInto(liar, 0, liar, 0, 1000, 0),
      () => key.sealInto(new Uint8Array(2000), 0, liar, 0, 1000, 0),
      () => key.openInto(liar, 0, liar, 0, 1000, 0),
      () => key.sealMany(liar, [{ inAt: 0, outAt: 0, length: 1000 }], 0),
      () => key.openMany(liar, [{ inAt: 0, outAt: 900, length: 64 }], 0),
    ])
      expect(call).toThrow(code('invalid-argument'))
  })
})

describe.skipIf(!isBuilt)('the addon alone', () => {
  const fits = (at: number, length: number) => at >= 0 && length >= 0 && at + length <= 100

  test('compares every range with its array, tags included', () => {
    const addon = open()
    const key = addon.create(secret, 0) as AddonKey
    const memory = new Uint8Array(300)
    const [slab, input, run] = [memory.subarray(100, 200), plainText(100), new Float64Array(3)]
    const edges = [-1, 0, 1, 15, 16, 17, 83, 84, 85, 99, 100, 101, 2 ** 32, 2 ** 53 - 1]
    for (const outAt of edges)
      for (const inAt of edges)
        for (const length of edges) {
          const [seals, opens] = [fits(inAt, length) && fits(outAt, length + 16), fits(inAt, length) && fits(outAt, length - 16)]
          expect(addon.seal(key, slab, outAt, inAt, length, 0) !== 2).toBe(seals)
          expect(addon.seal(key, slab, outAt, inAt, length, 0, input) !== 2).toBe(seals)
          expect(addon.open(key, slab, outAt, inAt, length, 0) !== 2).toBe(opens)
          expect(addon.open(key, slab, outAt, inAt, length, 0, input) !== 2).toBe(opens)
          run.set([outAt, inAt, length])
          expect(addon.sealMany(key, slab, run, 1, 0) !== 2).toBe(seals)
          run.set([outAt, inAt, length])
          expect(addon.openMany(key, slab, run, 1, 0) !== 2).toBe(fits(inAt, length) && fits(outAt, Math.max(0, length - 16)))
        }
    expect(memory.subarray(0, 100)).toEqual(new Uint8Array(100))
    expect(memory.subarray(200)).toEqual(new Uint8Array(100))
  })

  test('takes no other array for bytes, and no other for jobs', () => {
    const addon = open()
    const key = addon.create(secret, 0) as AddonKey
    const [good, run] = [new Uint8Array(64), new Float64Array(3)]
    const others = [Int8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array, Float32Array, Float64Array]
    for (const Other of others) {
      const other = new Other(64) as unknown as Uint8Array
      expect(addon.create(new Other(32) as unknown as Uint8Array, 0)).toBeUndefined()
      expect(addon.seal(key, other, 0, 0, 8, 0)).toBe(2)
      expect(addon.seal(key, good, 0, 0, 8, 0, other)).toBe(2)
      expect(addon.seal(key, good, 0, 0, 8, 0, good, other)).toBe(2)
      expect(addon.open(key, good, 0, 0, 24, 0, other)).toBe(2)
      expect(addon.sealMany(key, other, run, 1, 0)).toBe(2)
      if (Other !== Float64Array) expect(addon.sealMany(key, good, other as unknown as Float64Array, 1, 0)).toBe(2)
      expect(addon.withNonce(key, good, other, good, true)).toBe(2)
    }
    expect(addon.sealMany(key, good, new BigInt64Array(8) as unknown as Float64Array, 1, 0)).toBe(2)
    for (const length of [0, 16, 31, 33]) expect(addon.create(new Uint8Array(length), 0)).toBeUndefined()
    for (const algorithm of [-1, 2, 0.5, Number.NaN]) expect(addon.create(secret, algorithm)).toBeUndefined()
    expect(good).toEqual(new Uint8Array(64))
  })

  test('knows how many jobs there are, where nonces end, and what is too short for a tag', () => {
    const addon = open()
    const key = addon.create(secret, 0) as AddonKey
    const slab = new Uint8Array(100)
    for (const count of [3, 2 ** 31, 2 ** 53 - 1]) expect(addon.sealMany(key, slab, new Float64Array(8), count, 0)).toBe(2)
    expect(addon.sealMany(key, slab, new Float64Array(6), 2, 2 ** 53 - 1)).toBe(2)
    expect(slab).toEqual(new Uint8Array(100))
    expect(addon.sealMany(key, slab, new Float64Array(6), 2, 2 ** 53 - 2)).toBe(DONE)
    // An empty text and its tag; without the last byte of that it is nothing.
    expect(addon.seal(key, slab, 0, 0, 0, 5)).toBe(DONE)
    for (const length of [0, 15, 16]) {
      const run = Float64Array.of(20, 0, length)
      expect(addon.openMany(key, slab, run, 1, 5)).toBe(DONE)
      expect(run[2]).toBe(length === 16 ? DONE : 1)
    }
  })

  test('does nothing with a destroyed key', () => {
    const addon = open()
    const key = addon.create(secret, 0) as AddonKey
    addon.destroy(key)
    const [slab, run] = [new Uint8Array(64), new Float64Array(3)]
    expect(addon.seal(key, slab, 0, 0, 8, 0)).toBe(3)
    expect(addon.open(key, slab, 0, 0, 24, 0)).toBe(3)
    expect(addon.sealMany(key, slab, run, 1, 0)).toBe(3)
    expect(addon.openMany(key, slab, run, 1, 0)).toBe(3)
    expect(addon.withNonce(key, slab, new Uint8Array(12), slab, true)).toBe(3)
    expect(addon.rekey(key)).toBeUndefined()
    expect(slab).toEqual(new Uint8Array(64))
  })

  test('answers with a number to any arguments, and writes to nothing but their arrays', () => {
    const addon = open()
    const live = addon.create(secret, 0) as AddonKey
    const dead = addon.create(secret, 1) as AddonKey
    addon.destroy(dead)
    addon.destroy(dead)
    expect(addon.rekey(dead)).toBeUndefined()
    const memory = new Uint8Array(3000).fill(0xcc)
    const slab = memory.subarray(1000, 2000)
    const number = fc.oneof(fc.nat(40), fc.integer({ min: 900, max: 1100 }), fc.double(), fc.constantFrom(...(strangeNumbers as number[])))
    const bytes = fc.constantFrom(slab, slab.subarray(500), slab.subarray(0, 40), new Uint8Array(), ...(strangeArrays as Uint8Array[]))
    const key = fc.constantFrom(live, live, live, dead, undefined, {}, 7) as fc.Arbitrary<AddonKey>
    const jobs = fc.oneof(
      fc.array(number, { maxLength: 12 }).map((numbers) => Float64Array.from(numbers.map((one) => (typeof one === 'number' ? one : 0)))),
      fc.constantFrom(...(strangeArrays as Float64Array[])),
    )
    fc.assert(
      fc.property(key, bytes, bytes, bytes, jobs, fc.array(number, { minLength: 4, maxLength: 4 }), (...values) => {
        const [used, out, input, aad, run, [a = 0, b = 0, c = 0, d = 0]] = values
        const outcomes = [
          addon.seal(used, out, a, b, c, d),
          addon.open(used, out, a, b, c, d, input),
          addon.seal(used, out, a, b, c, d, input, aad),
          addon.open(used, out, a, b, c, d, input, aad),
          addon.sealMany(used, out, run, a, b),
          addon.openMany(used, out, run, a, b),
          addon.withNonce(used, out, input, aad, a as unknown as boolean),
          (addon.seal as (...few: unknown[]) => number)(used, out, a),
          (addon.openMany as (...few: unknown[]) => number)(),
        ]
        // What is done, forged, out of range or destroyed; OpenSSL itself never fails.
        expect(outcomes.every((outcome) => [0, 1, 2, 3].includes(outcome))).toBe(true)
      }),
      { numRuns: 3000 },
    )
    expect(memory.subarray(0, 1000)).toEqual(new Uint8Array(1000).fill(0xcc))
    expect(memory.subarray(2000)).toEqual(new Uint8Array(1000).fill(0xcc))
    expect(slab).not.toEqual(new Uint8Array(1000).fill(0xcc))
  })
})
