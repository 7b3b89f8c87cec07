/** What `node:crypto` returned for a message that was sealed or opened in place is gone at once. */

import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { createBackend } from '../src/primitives-node.ts'
import { assembleVault } from '../src/vault-assembly.ts'

const SIZE = 65_536
const MESSAGES = 200

describe('large messages that are sealed and opened in place', () => {
  const key = assembleVault(createBackend(), {}).primitives.aeadKey(new Uint8Array(32).fill(7))
  const slab = new Uint8Array(SIZE + 16)

  /** What V8 knows to be held by arrays, before it has collected anything. */
  const growth = (work: () => void): number => {
    work()
    const before = process.memoryUsage().arrayBuffers
    for (let i = 0; i < MESSAGES; i++) work()
    return process.memoryUsage().arrayBuffers - before
  }

  test('leave no memory behind, authentic or not', () => {
    const seal = (): void => key.sealInto(slab, 0, slab, 0, SIZE, 1)
    expect(growth(seal)).toBeLessThan(SIZE * 10)
    const sealed = slab.slice()
    const open = (): void => {
      slab.set(sealed)
      expect(key.openInto(slab, 0, slab, 0, SIZE + 16, 1)).toBe(true)
    }
    expect(growth(open)).toBeLessThan(SIZE * 10)
    sealed[5] = (sealed[5] as number) ^ 1
    const refuse = (): void => {
      slab.set(sealed)
      expect(key.openInto(slab, 0, slab, 0, SIZE + 16, 1)).toBe(false)
    }
    expect(growth(refuse)).toBeLessThan(SIZE * 10)
  })
})

/** glibc alone returns the end of its heap so readily, and says what it is. */
const { header } = process.report.getReport() as { readonly header?: { readonly glibcVersionRuntime?: string } }

test.skipIf(header?.glibcVersionRuntime === undefined)('the memory of large messages is not asked for anew with each of them', async () => {
  const program = fileURLToPath(new URL('fixture/page-faults.mjs', import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, [program])
  // Without: 6 to 10. What is left is V8's own heap.
  expect(Number(stdout)).toBeGreaterThan(0)
  expect(Number(stdout)).toBeLessThan(3)
})
