/**
 * The first commands of the README and of the tutorials, which are for a clone that has nothing yet: `npm start`, and building the `ockam` command and
 * putting it on the PATH. They run as they stand, one after the other, in one terminal. It takes minutes on a slow machine, so it is done once.
 */

import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { type Block, blocksOf, outputBehind, reasonNotToRun } from '../src/document.ts'
import { canBeCloned, freshClone } from '../src/fresh-clone.ts'
import { textOf } from '../src/repository.ts'
import { Terminal } from '../src/terminal.ts'

const PATIENCE_MS = 540_000
/** Stands behind these blocks, where other tests leave them out. */
const REASON = 'tools/docs/test/first-steps.test.ts runs it in a fresh clone'
const DOCUMENTS = ['README.md', 'apps/cli/README.md', 'docs/guide/tutorial-hello.md']

interface FirstBlock extends Block {
  /** What the document shows behind it; empty when nothing. */
  readonly shown: string
}

async function firstBlocks(name: string): Promise<readonly FirstBlock[]> {
  const blocks = blocksOf(await textOf(name), name)
  return blocks.flatMap((block, at) => {
    // Prose may stand between the two.
    const next = blocks[at + 1]
    const isShort = next !== undefined && next.language === '' && next.section === block.section
    const shown = outputBehind(blocks, at) ?? (isShort ? next : undefined)
    return reasonNotToRun(block) === REASON ? [{ ...block, shown: shown?.code ?? '' }] : []
  })
}

test('the first commands of the README and the tutorials work in a fresh clone, as printed', { timeout: PATIENCE_MS + 60_000 }, async ({
  skip,
}) => {
  if (!(await canBeCloned())) {
    const reason = 'Cloning needs git, and a folder that is a clone itself.'
    if (process.env.OCKAM_TEST_REQUIRE === 'all') throw new Error(reason)
    console.log(`skipped: ${reason}`)
    skip(reason)
  }
  const [readme = [], ...others] = await Promise.all(DOCUMENTS.map(firstBlocks))
  const [start, build] = readme
  expect([readme.length, start?.code]).toEqual([2, 'npm start\n'])
  expect(build?.code).toContain('npm run build')
  // The others say the same.
  for (const blocks of others) expect(blocks.map(({ code }) => code)).toEqual([build?.code])

  const { folder, scripts, environment, close } = await freshClone()
  onTestFinished(close)
  const terminal = new Terminal({ folder, scripts, environment, prefix: [], patienceMs: PATIENCE_MS })
  onTestFinished(() => terminal.stop())
  const { printed } = await terminal.run(start?.code ?? '', false)
  expectShortened(start?.shown ?? '', printed)
  await terminal.run(build?.code ?? '', false)
  const { version } = JSON.parse(await textOf('apps/cli/package.json')) as { readonly version: string }
  expect((await terminal.run('command -v ockam; ockam --version\n', false)).printed).toBe(
    `${join(environment.HOME ?? '', '.local', 'bin', 'ockam')}\nockam ${version}\n`,
  )
})

/** Every line that is shown was printed, in that order, with other numbers and other digits; more may have been printed between them. */
function expectShortened(shown: string, printed: string): void {
  const lines = printed.split('\n')
  const wanted = shown.split('\n').filter((line) => line !== '')
  expect(wanted.length).toBeGreaterThan(5)
  let at = 0
  for (const line of wanted) {
    const pattern = patternOf(line)
    const found = lines.findIndex((candidate, index) => index >= at && pattern.test(candidate))
    if (found < 0) throw new Error(`The README shows\n${line}\nand that was not printed, or not there. The terminal shows\n${printed}`)
    at = found + 1
  }
}

function patternOf(line: string): RegExp {
  const parts = line.split(/(\bI?[0-9a-f]{8,}…?|\d+(?:\.\d+)?|…)/)
  const pattern = parts.map((part, at) => {
    if (at % 2 === 0) return part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
    if (part === '…') return '.*'
    if (/^\d+(?:\.\d+)?$/.test(part)) return '\\d+(?:\\.\\d+)?'
    return `${part.startsWith('I') ? 'I' : ''}[0-9a-f]{8,}…?`
  })
  return new RegExp(`^${pattern.join('')}$`)
}
