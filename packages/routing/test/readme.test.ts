import { readFile } from 'node:fs/promises'
import { expect, test, vi } from 'vitest'

test('the example of the README is a program that does what it says', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
  const example = await readFile(new URL('./fixture/example.ts', import.meta.url), 'utf8')
  expect(readme).toContain(`\`\`\`ts\n${example}\`\`\``)
  const log = vi.spyOn(console, 'log').mockImplementation(() => undefined)
  await import('./fixture/example.ts')
  expect(log.mock.calls).toEqual([['HELLO']])
  log.mockRestore()
})

test('the README installs every package that its programs import', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
  const installed = /^npm install (.+)$/m.exec(readme)?.[1]?.split(' ')
  const imported = [...readme.matchAll(/ from '(@[^/']+\/[^/']+)/g)].map(([, name]) => name)
  expect(imported.length).toBeGreaterThan(1)
  expect(installed).toEqual(expect.arrayContaining(imported))
})
