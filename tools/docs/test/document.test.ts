import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { extractionFolder, filesBelow, root, textOf } from '../src/repository.ts'
import type { BroughtAlong } from '../src/program.ts'
import { runDocument } from '../src/run-document.ts'
import { Run } from '../src/process.ts'

/** Tutorials are for a terminal, and have a test of their own. */
const guide = (await filesBelow('docs/guide', '.md')).filter((name) => !name.startsWith('docs/guide/tutorial-'))
const readmes = ['README.md', ...(await readdir(join(root, 'packages'))).sort().map((name) => `packages/${name}/README.md`)]

/** The kits are for somebody's own transport, store or vault. */
const brought = new Map<string, BroughtAlong>([
  [
    'packages/conformance/README.md',
    {
      module: join(root, 'tools/docs/src/brought/conformance-readme.ts'),
      names: ['test', 'quic', 'myStore', 'freshPath', 'pathOf', 'openToken', 'softwareVault'],
    },
  ],
])

/** Programs that need what is not on every machine; the package has a test of its own, which runs them where it is. */
const runByPackage = new Map([['packages/storage-sqlite/README.md', 'packages/storage-sqlite/test/readme.test.ts']])

let folder = ''
const left: string[] = []
let ran = 0
beforeAll(async () => {
  await mkdir(extractionFolder, { recursive: true })
  folder = await mkdtemp(join(extractionFolder, 'documents-'))
})
afterAll(async () => {
  console.log(`Documents: ${ran} blocks ran, ${left.length} did not${left.map((line) => `\n  ${line}`).join('')}`)
  await rm(folder, { recursive: true, force: true })
})

async function run(name: string, isComplete: boolean, hasCommands: boolean): Promise<number> {
  const own = join(folder, name.replaceAll(/[/.]/g, '-'))
  const brings = brought.get(name)
  const report = await runDocument({
    name,
    markdown: await textOf(name),
    folder: own,
    isComplete,
    hasCommands,
    ...(brings && { brought: brings }),
  })
  ran += report.ran
  left.push(...report.left)
  return report.ran
}

test.each(guide)(
  '%s: every program and command runs, and prints what the text says',
  async (name) => {
    expect(await run(name, true, true)).toBeGreaterThan(0)
  },
  120_000,
)

test.each(readmes)(
  '%s: the examples run, and print what the text says',
  async (name) => {
    // `sh` blocks of packages install from the registry.
    const blocks = await run(name, false, name === 'README.md')
    const other = runByPackage.get(name)
    if (other === undefined) expect(blocks).toBeGreaterThan(0)
    else expect(await textOf(other)).toContain('../README.md')
  },
  60_000,
)

test('the programs of the documents satisfy the compiler', async () => {
  expect(ran).toBeGreaterThan(0)
  const project = join(folder, 'tsconfig.json')
  await writeFile(project, JSON.stringify({ extends: join(root, 'tsconfig.test.json'), include: ['*/*.ts'] }))
  await new Run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', project], { folder: root }).finished()
}, 60_000)
