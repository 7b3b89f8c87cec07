/** What the demonstration reads of its programs. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Program } from '../src/program.ts'

let folder = ''

/** Ends while its output is still under way: another process, which has it too, writes the last line a little later. */
const HASTY = `
console.log('the first line')
const { spawn } = require('node:child_process')
spawn(process.execPath, ['-e', "setTimeout(() => console.log('the last line'), 300)"], { stdio: 'inherit' }).unref()
`

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ockam-program-'))
  await writeFile(join(folder, 'hasty.js'), HASTY)
})

afterAll(() => rm(folder, { recursive: true }))

test('regression: a program has ended when all it wrote was read, which may be after its process is gone', async () => {
  const source = fileURLToPath(new URL('../src/', import.meta.url))
  const program = new Program(join(relative(source, folder), 'hasty'), undefined)
  expect(await program.exited()).toBe(0)
  expect(program.lines).toEqual(['the first line', 'the last line'])
})
