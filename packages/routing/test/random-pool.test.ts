import type { Random } from '@ockam/core'
import { describe, expect, test } from 'vitest'
import { RandomPool } from '../src/random-pool.ts'

/** Counts up, so that every byte handed out can be told from every other within 256. */
function counting(): Random & { readonly requests: number[] } {
  let next = 0
  const requests: number[] = []
  return {
    requests,
    bytes(length) {
      requests.push(length)
      return Uint8Array.from({ length }, () => next++ & 0xff)
    },
  }
}

describe('randomness in blocks', () => {
  test('hands out every byte of its source once and in order', () => {
    const source = counting()
    const pool = new RandomPool(source)
    const drawn: number[] = []
    for (let i = 0; i < 600; i++) drawn.push(...pool.bytes(16))
    expect(source.requests).toEqual([4096, 4096, 4096])
    expect(drawn.every((byte, at) => byte === (at & 0xff))).toBe(true)
  })

  test('never gives the same memory twice, and passes large and impossible requests on', () => {
    const source = counting()
    const pool = new RandomPool(source)
    const first = pool.bytes(8)
    const copy = first.slice()
    pool.bytes(8).fill(0)
    expect(first).toEqual(copy)
    expect(pool.bytes(1000)).toHaveLength(1000)
    expect(source.requests).toEqual([4096, 1000])
    pool.bytes(-1)
    expect(source.requests.at(-1)).toBe(-1)
  })
})
