/** The README tells the truth: its example runs, and its list of errors is the one in the code. */

import { readFileSync } from 'node:fs'
import { expect, test, vi } from 'vitest'

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8')

test('the example in the README runs as it stands there', async () => {
  const [, example] = /```ts\n((?:(?!```)[\s\S])*)```/.exec(read('../README.md')) ?? []
  expect(example).toBe(read('readme-example.ts').replace("'../src/index.ts'", "'@ockam/credentials'"))
  const printed = vi.spyOn(console, 'log').mockImplementation(() => undefined)
  await import('./readme-example.ts')
  expect(printed.mock.calls).toEqual([['sensor']])
  printed.mockRestore()
})

test('the README lists every error code, and no other', () => {
  const codes = (text: string, pattern: RegExp): string[] => Array.from(text.matchAll(pattern), ([, code = '']) => code).sort()
  const declared = codes(read('../src/error.ts') + read('../src/abac/error.ts'), /'(credentials\/[a-z-]+)'/g)
  expect(declared.length).toBeGreaterThan(10)
  expect(codes(read('../README.md'), /^\| `(credentials\/[a-z-]+)` \|/gm)).toEqual(declared)
})

test('every error code is provoked by a test', () => {
  const declared = Array.from(read('../src/error.ts').matchAll(/'(credentials\/[a-z-]+)'/g), ([, code = '']) => code)
  const tests = ['credential', 'credential-source', 'issuing', 'verification'].map((name) => read(`${name}.test.ts`)).join('\n')
  for (const code of declared) expect(tests).toContain(`'${code}'`)
})
