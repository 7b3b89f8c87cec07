import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

test('the example of the README runs as printed', async () => {
  const example = readFileSync(join(import.meta.dirname, 'readme-example.ts'), 'utf8')
  const readme = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8')
  const printed = /```ts\n([\s\S]*?)```/.exec(readme)?.[1]
  expect(printed).toBe(example.replace('export const isValid: boolean', 'const isValid'))
  const { isValid } = await import('./readme-example.ts')
  expect(isValid).toBe(true)
})

test('the README names every error code of this package', () => {
  const codes = readFileSync(join(import.meta.dirname, '../src/error.ts'), 'utf8').match(/'vault\/[a-z-]+'/g) ?? []
  const readme = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8')
  expect(codes.length).toBe(9)
  for (const code of codes) expect(readme).toContain(code.slice(1, -1))
})
