// Proves that a `Pressure` cannot be ignored by accident: only `dropPressure` passes the linter.
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { root, run } from '../workspace.mjs'

let folder

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ockam-lint-'))
  copyFileSync(join(root, '.oxlintrc.json'), join(folder, '.oxlintrc.json'))
  const compilerOptions = { target: 'es2023', module: 'nodenext', strict: true, noEmit: true, types: [] }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }))
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

const lint = async (statement) => {
  const text = `type Pressure = Promise<void> | undefined
declare function send(): Pressure
declare function dropPressure(pressure: Pressure): void
export async function work(): Promise<void> {
  ${statement}
  await Promise.resolve()
}
`
  writeFileSync(join(folder, 'work.ts'), text)
  const { code, output } = await run('oxlint', ['--type-aware', '--format', 'unix'], { capture: true, cwd: folder })
  return code === 0 ? 'clean' : output
}

test.each(['send()', 'void send()'])('the linter refuses to ignore pressure with `%s`', async (statement) => {
  expect(await lint(statement)).toContain('no-floating-promises')
})

test.each(['await send()', 'dropPressure(send())', 'const pressure = send()\n  if (pressure !== undefined) await pressure'])(
  'the linter accepts `%s`',
  async (statement) => {
    expect(await lint(statement)).toBe('clean')
  },
)
