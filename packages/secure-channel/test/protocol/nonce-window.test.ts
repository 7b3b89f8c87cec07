import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MAX_NONCE, readNonce, writeNonce } from '../../src/protocol/nonce.ts'
import { NonceWindow, WINDOW_SIZE } from '../../src/protocol/nonce-window.ts'

function accept(window: NonceWindow, nonce: number): boolean {
  if (window.judge(nonce) !== 'fresh') return false
  window.accept(nonce)
  return true
}

describe('the replay window', () => {
  test('gives the answers of the Rust nodes (build-trust/ockam fb8fb64cd, check_nonce_tracker)', () => {
    const window = new NonceWindow()
    const steps: [boolean, number[]][] = [
      [true, [0, 1]],
      [false, [0]],
      [false, [34]],
      [true, [33]],
      [false, [1]],
      [true, [34, 35]],
      [false, [33, 34]],
      [true, [64]],
      [false, [31]],
      [true, [96, 128]],
      [true, Array.from({ length: 31 }, (_, i) => 97 + i)],
      [true, Array.from({ length: 32 }, (_, i) => 129 + i)],
    ]
    for (const [isAccepted, nonces] of steps)
      for (const nonce of nonces) expect([nonce, accept(window, nonce)]).toEqual([nonce, isAccepted])
  })

  test('agrees with the plain rule: fresh, at most 32 above or below the highest accepted', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -40, max: 40 }), { maxLength: 300 }), (steps) => {
        const window = new NonceWindow()
        const seen = new Set<number>()
        let highest = 0
        for (const step of steps) {
          const nonce = Math.max(0, highest + step)
          const isAllowed = Math.abs(nonce - highest) <= WINDOW_SIZE && !seen.has(nonce)
          expect(accept(window, nonce)).toBe(isAllowed)
          if (!isAllowed) continue
          seen.add(nonce)
          highest = Math.max(highest, nonce)
        }
      }),
    )
  })

  test('31 lost in a row are survived and 32 are not; before the first message one more', () => {
    const nextAfter = (lost: number, last: number): string => {
      const window = new NonceWindow()
      for (let nonce = 0; nonce <= last; nonce++) expect(accept(window, nonce)).toBe(true)
      return window.judge(last + 1 + lost)
    }
    for (const last of [0, 7, 31, 100]) expect([31, 32].map((lost) => nextAfter(lost, last))).toEqual(['fresh', 'ahead'])
    expect([32, 33].map((lost) => nextAfter(lost, -1))).toEqual(['fresh', 'ahead'])
  })

  test('asking moves nothing, so forgeries cannot push messages out', () => {
    const window = new NonceWindow()
    for (let i = 0; i < 100; i++) expect(window.judge(32)).toBe('fresh')
    expect(window.highest).toBe(0)
    expect(window.judge(0)).toBe('fresh')
  })

  test('row 17: works up to the highest nonce and takes everything beyond 2^53 for far ahead', () => {
    const window = new NonceWindow(MAX_NONCE - 1)
    expect(window.judge(MAX_NONCE)).toBe('fresh')
    window.accept(MAX_NONCE)
    expect(window.judge(MAX_NONCE)).toBe('seen')
    const bytes = new Uint8Array(8).fill(0xff)
    expect(new NonceWindow().judge(readNonce(bytes, 0))).toBe('ahead')
  })

  test('has a gap as long as anything below the highest would still be accepted', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -3, max: 3 }), { maxLength: 120 }), (steps) => {
        const window = new NonceWindow()
        for (const step of steps) {
          accept(window, Math.max(0, window.highest + step))
          const below = Array.from({ length: window.highest }, (_, nonce) => window.judge(nonce))
          expect(window.hasGap).toBe(below.includes('fresh'))
        }
      }),
    )
    expect(new NonceWindow().hasGap).toBe(false)
  })

  test('after the last message only what was sent before it is taken', () => {
    const window = new NonceWindow()
    window.accept(5)
    window.endAt(5)
    expect(window.judge(4)).toBe('fresh')
    expect(window.judge(6)).toBe('ahead')
  })
})

describe('nonces on the wire', () => {
  test('are eight bytes, big-endian, and come back exactly up to 2^53-1', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (nonce) => {
        const bytes = new Uint8Array(10)
        writeNonce(bytes, 1, nonce)
        expect(new DataView(bytes.buffer).getBigUint64(1)).toBe(BigInt(nonce))
        expect(readNonce(bytes, 1)).toBe(nonce)
      }),
    )
  })
})
