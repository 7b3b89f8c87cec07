/** What a background node says on its way up, as its parent understands it. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startBackground } from '../src/node/start-background.ts'
import type { State } from '../src/state/state.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'start-background-'))
})
afterEach(() => rm(folder, { recursive: true }))

test.each([
  ['cli/conflict', { code: 'cli/conflict', exitCode: 4 }],
  ['constructor', { code: 'cli/failed', exitCode: 1 }],
  ['__proto__', { code: 'cli/failed', exitCode: 1 }],
])('a node that fails with the code %s', async (code, expected) => {
  const program = join(folder, 'program.cjs')
  const line = JSON.stringify({ error: { code, message: 'No.' } })
  await writeFile(program, `require('node:fs').writeSync(3, ${JSON.stringify(`${line}\n`)})`)
  const state = { path: folder, nodes: { logPath: () => join(folder, 'log') } } as unknown as State
  const started = startBackground({
    state,
    name: 'n1',
    program,
    environment: {},
    passphrase: undefined,
    signal: new AbortController().signal,
  })
  await expect(started).rejects.toMatchObject({ ...expected, message: 'No.' })
})
