import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sqliteStore } from '../src/index.ts'
import { loadableDrivers } from './driver.ts'

let root = ''
const startedIn = process.cwd()
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'ockam-store-'))
})
afterAll(async () => {
  process.chdir(startedIn)
  await rm(root, { recursive: true })
})

const AsyncFunction = (async () => undefined).constructor as new (...text: string[]) => (...values: unknown[]) => Promise<void>

describe.each(loadableDrivers())('the README, with $name', ({ driver }) => {
  it('shows an example that does what it says', async () => {
    const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
    const [, program = '', printed = ''] = /```ts [^\n]*\n([\s\S]*?)```[\s\S]*?```\n([\s\S]*?)```/.exec(readme) ?? []
    const [imports, rest] = [program.match(/^import .*$/gm) ?? [], program.replace(/^import .*$/gm, '')]
    expect(imports).toHaveLength(2)
    const lines: string[] = []
    process.chdir(await mkdtemp(join(root, 'readme-')))
    const output = { log: (...values: unknown[]) => lines.push(values.join(' ')) }
    await new AsyncFunction('Database', 'sqliteStore', 'console', rest)(driver, sqliteStore, output)
    expect(`${lines.join('\n')}\n`).toBe(printed)
  })
})
