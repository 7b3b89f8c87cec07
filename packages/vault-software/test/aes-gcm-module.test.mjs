/** The module in the package is what its source compiles to, and can do nothing but count. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { compile, moduleText, target } from '../assembly/build.mjs'

describe('the WebAssembly module of AES-GCM', () => {
  test('is, byte for byte, what the compiler makes of its source', async () => {
    expect(readFileSync(target, 'utf8')).toBe(moduleText(await compile()))
  })

  test('imports nothing, exports five things, and has memory that cannot grow', async () => {
    const module = new WebAssembly.Module(await compile())
    expect(WebAssembly.Module.imports(module)).toEqual([])
    const names = WebAssembly.Module.exports(module).map(({ name }) => name)
    expect(names.toSorted()).toEqual(['memory', 'open', 'prepare', 'seal', 'writeCounters'])
    const { memory } = new WebAssembly.Instance(module).exports
    expect(memory.buffer.byteLength).toBe(3 * 65_536)
    expect(() => memory.grow(1)).toThrow(RangeError)
  })

  test('is smaller than 16 KiB', async () => {
    expect((await compile()).length).toBeLessThan(16_384)
  })
})
