import { OckamError } from '@ockam/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FrameReader } from '../src/frame-reader.ts'
import { PartialBudget, type PartialHolding } from '../src/partial-budget.ts'

const frame = (body: Uint8Array): Uint8Array => {
  const bytes = new Uint8Array(4 + body.length)
  new DataView(bytes.buffer).setUint32(0, body.length)
  bytes.set(body, 4)
  return bytes
}
const join = (parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts))

/** Comparing large arrays element by element takes a test runner seconds. */
const isSame = (found: readonly Uint8Array[], expected: readonly Uint8Array[]): boolean =>
  found.length === expected.length && found.every((bytes, at) => Buffer.compare(bytes, expected[at] as Uint8Array) === 0)

const reading = (limit = 1_000_000, budget = new PartialBudget(10_000_000), network = 'a') => {
  const frames: Uint8Array[] = []
  const reader: FrameReader = new FrameReader(limit, budget, { network, evict: () => reader.discard() }, (bytes, start, end) => {
    frames.push(bytes.subarray(start, end))
  })
  return { reader, frames, budget }
}

describe('The frame reader', () => {
  test('cuts the same frames wherever the chunks are cut', () => {
    const bodies = [new Uint8Array(0), Uint8Array.of(1), new Uint8Array(30).fill(7), Uint8Array.of(2, 3)]
    const bytes = join(bodies.map(frame))
    for (let first = 0; first <= bytes.length; first++) {
      for (let second = first; second <= bytes.length; second++) {
        const { reader, frames, budget } = reading()
        for (const chunk of [bytes.slice(0, first), bytes.slice(first, second), bytes.slice(second)]) reader.push(chunk, 0, chunk.length)
        expect(frames).toEqual(bodies)
        expect(budget.used).toBe(0)
      }
    }
  })

  test('cuts any frames out of any chunks, pauses included, and never changes what it handed over', () => {
    const anyBodies = fc.array(fc.uint8Array({ maxLength: 9_000, size: 'max' }), { maxLength: 12 })
    const anyCuts = fc.array(fc.nat({ max: 20_000 }), { maxLength: 30 })
    fc.assert(
      fc.property(anyBodies, anyCuts, fc.nat({ max: 4 }), (bodies, cuts, pauseEvery) => {
        const bytes = join(bodies.map(frame))
        const seen: Uint8Array[] = []
        const copies: Uint8Array[] = []
        const reader: FrameReader = new FrameReader(
          9_000,
          new PartialBudget(100_000),
          { network: 'a', evict: () => reader.discard() },
          (chunk, start, end) => {
            seen.push(chunk.subarray(start, end))
            copies.push(chunk.slice(start, end))
            reader.isPaused = pauseEvery > 0 && seen.length % pauseEvery === 0
          },
        )
        const ends = [...cuts.map((cut) => Math.min(cut, bytes.length)), bytes.length].sort((a, b) => a - b)
        let start = 0
        for (const end of ends) {
          const chunk = bytes.slice(start, end)
          let at = 0
          do {
            reader.isPaused = false
            at = reader.push(chunk, at, chunk.length)
          } while (at < chunk.length)
          start = end
        }
        expect(isSame(copies, bodies)).toBe(true)
        expect(isSame(seen, bodies)).toBe(true)
      }),
      { numRuns: 200 },
    )
  })

  test('refuses a length over the limit before it holds anything, in one chunk and byte by byte', () => {
    for (const header of [Uint8Array.of(0xff, 0xff, 0xff, 0xff), Uint8Array.of(0x01, 0x00, 0x00, 0x01), Uint8Array.of(0x80, 0, 0, 0)]) {
      for (const step of [4, 1]) {
        const { reader, budget } = reading(0x0100_0000)
        const push = (): void => {
          for (let at = 0; at < 4; at += step) reader.push(header.slice(at, at + step), 0, step)
        }
        expect(push).toThrow(expect.objectContaining({ code: 'transport/message-too-large' }) as Error)
        expect(budget.used).toBe(0)
      }
    }
  })

  test('accepts a frame of exactly the limit', () => {
    const { reader, frames } = reading(70_000)
    const bytes = frame(new Uint8Array(70_000).fill(9))
    reader.push(bytes.slice(0, 40_000), 0, 40_000)
    reader.push(bytes.slice(40_000), 0, 30_004)
    expect(isSame(frames, [new Uint8Array(70_000).fill(9)])).toBe(true)
  })

  test('holds memory for bytes that came, never for bytes that were announced', () => {
    const { reader, budget } = reading(16 * 1024 * 1024)
    reader.push(Uint8Array.of(0x01, 0x00, 0x00, 0x00), 0, 4)
    expect(budget.used).toBe(0)
    const chunk = new Uint8Array(1_000)
    let came = 0
    for (let i = 0; i < 3_000; i++) {
      came += chunk.length
      reader.push(chunk, 0, chunk.length)
      expect(budget.used).toBeLessThanOrEqual(Math.max(4 * came, 4_096))
    }
    reader.discard()
    expect(budget.used).toBe(0)
  })

  test('throws nothing but OckamError for any bytes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 20 }), (chunks) => {
        const { reader } = reading(100)
        try {
          for (const chunk of chunks) reader.push(chunk, 0, chunk.length)
        } catch (error) {
          expect(OckamError.is(error, 'transport/message-too-large')).toBe(true)
        }
      }),
    )
  })
})

describe('The budget for unfinished frames', () => {
  const begin = (reader: FrameReader, bytes: number): void => {
    reader.push(Uint8Array.of(0x00, 0x40, 0x00, 0x00), 0, 4)
    const chunk = new Uint8Array(bytes)
    reader.push(chunk, 0, bytes)
  }

  const readers = (count: number, budget: PartialBudget, network = 'a'): FrameReader[] =>
    Array.from({ length: count }, () => reading(0x40_0000, budget, network).reader)
  const survive = (all: readonly FrameReader[]): boolean[] => all.map((reader) => reader.partialBytes > 0)
  /** Some have given way, and nobody before who began earlier. */
  const expectOldestGone = (all: readonly FrameReader[]): void => {
    const first = survive(all).indexOf(true)
    expect(first).toBeGreaterThan(0)
    expect(survive(all)).toEqual(all.map((_, index) => index >= first))
  }

  test('is never exceeded, and the frame that was begun first gives way', () => {
    const budget = new PartialBudget(1_000_000)
    const all = readers(8, budget)
    for (const reader of all) {
      begin(reader, 300_000)
      expect(budget.used).toBeLessThanOrEqual(1_000_000)
    }
    expect(survive(all)).toEqual([false, false, false, false, false, true, true, true])
  })

  test('regression: is not filled by small frames, the oldest of which give way to whoever comes new', () => {
    const budget = new PartialBudget(100_000)
    const small = readers(20, budget)
    for (const reader of small) begin(reader, 4_500)
    const { reader } = reading(0x40_0000, budget)
    begin(reader, 20_000)
    expect(reader.partialBytes).toBe(4 + 20_000)
    expectOldestGone(small)
  })

  test('lets the network give way that holds most, however many frames it has and however old those of others are', () => {
    const budget = new PartialBudget(1_000_000)
    const honest = readers(2, budget, 'b')
    for (const reader of honest) begin(reader, 100_000)
    const many = readers(50, budget)
    for (const reader of many) begin(reader, 50_000)
    const [late] = readers(1, budget, 'c') as [FrameReader]
    begin(late, 100_000)
    expect(survive([...honest, late])).toEqual([true, true, true])
    expectOldestGone(many)
  })

  test('a frame that is itself the oldest of the network that holds most gives way to its own growth', () => {
    const budget = new PartialBudget(200_000)
    const { reader } = reading(0x40_0000, budget)
    const [other] = readers(1, budget, 'b') as [FrameReader]
    begin(other, 10_000)
    begin(reader, 150_000)
    expect(() => reader.push(new Uint8Array(100_000), 0, 100_000)).toThrow(expect.objectContaining({ code: 'transport/closed' }) as Error)
    expect(other.partialBytes).toBe(4 + 10_000)
    other.discard()
    expect(budget.used).toBe(0)
  })

  test('forgets a frame that was finished between two others', () => {
    const budget = new PartialBudget(100)
    const evicted: string[] = []
    const [first, second, third] = ['first', 'second', 'third'].map((name) =>
      budget.join({ network: 'a', evict: () => void evicted.push(name) }),
    ) as [PartialHolding, PartialHolding, PartialHolding]
    for (const holding of [first, second, third]) expect(holding.grow(30)).toBe(true)
    second.release()
    const late = budget.join({ network: 'a', evict: () => void evicted.push('late') })
    expect(late.grow(90)).toBe(true)
    expect([evicted, budget.used]).toEqual([['first', 'third'], 90])
  })

  test('takes from nobody who holds less than who asks, and knows to the byte what is held', () => {
    const anyStep = fc.record({ who: fc.nat(11), bytes: fc.integer({ min: 1, max: 40 }), isOver: fc.boolean() })
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 80 }), (steps) => {
        const budget = new PartialBudget(100)
        const held = new Map<object, number>()
        const totals = (): Map<string, number> => {
          const sums = new Map<string, number>()
          for (const [who, bytes] of held) {
            const { network } = who as { network: string }
            sums.set(network, (sums.get(network) ?? 0) + bytes)
          }
          return sums
        }
        const holders = Array.from({ length: 12 }, (_, i) => {
          const holder = {
            network: `${i % 4}`,
            evict: () => {
              const { network } = holder
              expect(totals().get(network)).toBe(Math.max(...totals().values()))
              const [oldest] = [...held.keys()].filter((who) => (who as typeof holder).network === network)
              expect(oldest).toBe(holder)
              held.delete(holder)
            },
          }
          return holder
        })
        const holdings = holders.map((holder) => budget.join(holder))
        expect(budget.networks).toBe(4)
        for (const { who, bytes, isOver } of steps) {
          const holder = holders[who] as (typeof holders)[0]
          const holding = holdings[who] as (typeof holdings)[0]
          if (isOver) {
            holding.release()
            held.delete(holder)
            continue
          }
          held.set(holder, (held.get(holder) ?? 0) + bytes)
          expect(holding.grow(held.get(holder) as number)).toBe(held.has(holder))
          expect(budget.used).toBe([...held.values()].reduce((sum, one) => sum + one, 0))
          expect(budget.used).toBeLessThanOrEqual(100)
        }
        for (const holding of holdings) holding.leave()
        expect([budget.used, budget.networks]).toEqual([0, 0])
      }),
      { numRuns: 500 },
    )
  })
})
