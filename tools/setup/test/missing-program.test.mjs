// What the set-up says when a program it starts is not there: a sentence and a hint, as elsewhere, no stack.
import { spawnSync } from 'node:child_process'
import { copyFileSync, cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { root, run } from '../workspace.mjs'

const folder = mkdtempSync(join(tmpdir(), 'ockam-missing-program-'))

afterAll(() => rmSync(folder, { recursive: true }))

test.skipIf(process.platform === 'win32')(
  'a program that is not there is an exit code and two lines, in the output when that is captured',
  async () => {
    const { code, output } = await run('no-such-tool-of-ours', ['--version'], { capture: true })
    expect(code).toBe(127)
    expect(output).toMatch(
      /^error: no-such-tool-of-ours cannot be started: there is no such program\.\nhint: install it, or put it on the PATH; .*\n$/,
    )
  },
)

test.skipIf(process.platform === 'win32')('without npx the installation ends with an error and a hint', () => {
  // A clone in which nothing was installed, and a PATH on which nothing is.
  for (const name of ['package.json', 'pnpm-lock.yaml', 'pnpm-workspace.yaml']) copyFileSync(join(root, name), join(folder, name))
  cpSync(join(root, 'tools', 'setup'), join(folder, 'tools', 'setup'), { recursive: true })
  const program = join(folder, 'tools', 'setup', 'build.mjs')
  const { status, stdout, stderr } = spawnSync(process.execPath, [program], { encoding: 'utf8', env: { PATH: join(folder, 'empty') } })
  expect([status, stdout]).toEqual([1, ''])
  expect(stderr).toMatch(
    /^Installing with pnpm [\d.]+ \.\.\.\nerror: npx cannot be started: there is no such program\.\nhint: npx comes with npm: install npm, or put it on the PATH\.\n$/,
  )
})
