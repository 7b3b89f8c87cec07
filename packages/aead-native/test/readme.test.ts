import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { isBuilt } from './addon.ts'

const readme = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8')

test('the example of the README runs as printed, with and without the addon', async () => {
  expect(/```ts\n([\s\S]*?)```/.exec(readme)?.[1]).toBe(readFileSync(join(import.meta.dirname, 'readme-example.ts'), 'utf8'))
  const log = vi.spyOn(console, 'log').mockImplementation(() => undefined)
  await import('./readme-example.ts')
  const lines = log.mock.calls.flat()
  log.mockRestore()
  expect(lines).toEqual([`Channels of this node are sealed ${isBuilt ? 'by native code' : 'by the vault itself'}.`])
})

test('the README names every error code of this package', () => {
  const codes = readFileSync(join(import.meta.dirname, '../src/error.ts'), 'utf8').match(/'vault\/[a-z-]+'/g) ?? []
  expect(codes.length).toBe(3)
  for (const code of codes) expect(readme).toContain(code.slice(1, -1))
})
