/** Memory that is done with: gone at once, and never memory that somebody else may still look at. */

import { createCipheriv, randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { giveBack } from '../src/index.ts'

const SIZE = 65_536

describe('memory that is given back', () => {
  test('has no bytes any more, in any view of it', () => {
    const bytes = new Uint8Array(SIZE).fill(1)
    const other = bytes.subarray(10, 20)
    giveBack(bytes)
    expect([bytes.length, other.length, bytes.buffer.byteLength]).toEqual([0, 0, 0])
  })

  test('is left alone when it is part of something larger, or short', () => {
    const memory = new Uint8Array(SIZE + 1).fill(1)
    for (const bytes of [
      memory.subarray(1),
      memory.subarray(0, SIZE),
      new Uint8Array(0),
      new Uint8Array(100).fill(1),
      Buffer.alloc(100, 1),
    ]) {
      const before = Uint8Array.from(bytes)
      giveBack(bytes)
      expect(Uint8Array.from(bytes)).toEqual(before)
    }
    expect(memory.every((byte) => byte === 1)).toBe(true)
  })

  test.each([
    ['threads share', () => new SharedArrayBuffer(SIZE)],
    ['WebAssembly works in', () => new WebAssembly.Memory({ initial: 1 }).buffer],
  ])('is left alone when it is what %s', (_, make) => {
    const bytes = new Uint8Array(make()).fill(1)
    giveBack(bytes)
    expect(bytes.length).toBe(SIZE)
    expect(bytes.every((byte) => byte === 1)).toBe(true)
  })

  test('can be what node:crypto returns', () => {
    const result = createCipheriv('aes-256-gcm', randomBytes(32), randomBytes(12)).update(new Uint8Array(SIZE))
    giveBack(result)
    expect(result.length).toBe(0)
  })

  test('does not keep the process alive', async () => {
    const ports = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'MessagePort').length
    const before = ports()
    giveBack(new Uint8Array(SIZE))
    await new Promise((resolve) => setImmediate(resolve))
    expect(ports()).toBe(before)
  })
})
