import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { filesBelow, root, textOf } from '../src/repository.ts'

const wire = await textOf('docs/wire.md')
const sources = (await Promise.all((await filesBelow('packages', '.ts')).filter((path) => path.includes('/src/')).map(textOf))).join('\n')

/** Names in backquotes of the last column of the table of what is stricter. */
const options = wire
  .slice(wire.indexOf('## Where we are stricter'))
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| what'))
  .flatMap((line) => [...(line.split('|')[3] ?? '').matchAll(/`([a-zA-Z]+)(?::[^`]*)?`/g)].map(([, name]) => name as string))

test('docs/wire.md names options and functions that exist', () => {
  expect(options.length).toBeGreaterThan(20)
  for (const name of options) {
    expect(new RegExp(`readonly ${name}\\??:|\\b${name}(?:<[^>]*>)?\\(`).test(sources), name).toBe(true)
  }
  expect(/readonly noSuchOption\??:/.test(sources)).toBe(false)
})

test('docs/wire.md names packages that are there, and files of known answers', () => {
  const rows = wire.split('\n').filter((line) => /^\| .* \| `@ockam\//.test(line))
  expect(rows.length).toBeGreaterThan(8)
  for (const row of rows) {
    const [, , owner, answers] = row.split('|').map((cell) => cell.trim())
    const folder = `packages/${/@ockam\/([a-z-]+)/.exec(owner ?? '')?.[1]}`
    expect(existsSync(join(root, folder, 'package.json')), row).toBe(true)
    const [first, ...others] = [...(answers ?? '').matchAll(/`([^`]+)`/g)].map(([, path]) => path as string)
    const base = first?.slice(0, first.lastIndexOf('/'))
    const parents = [base, base?.slice(0, base.lastIndexOf('/'))]
    expect(existsSync(join(root, first ?? '')), first).toBe(true)
    for (const other of others)
      expect(
        parents.some((parent) => existsSync(join(root, parent ?? '', other))),
        other,
      ).toBe(true)
  }
})
