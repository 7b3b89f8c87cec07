/** What npm users get: the packed command, installed into an empty folder without a registry, does its work from there. */

import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import packageJson from '../package.json' with { type: 'json' }
import { BUILT } from './terminal/built-command.ts'

const run = promisify(execFile)
const packageFolder = fileURLToPath(new URL('..', import.meta.url))
const pnpm = fileURLToPath(new URL('../../../node_modules/.bin/pnpm', import.meta.url))

test('a packed command installs alone, without a registry, and makes a node, talks to it and deletes it', {
  timeout: 180_000,
}, async () => {
  if (!existsSync(BUILT)) throw new Error('apps/cli/dist/ockam.js is missing: build it first with npm run build, or run npm test.')
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'ockam-installed-')))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  await run(pnpm, ['pack', '--pack-destination', folder], { cwd: packageFolder })
  const [tarball = ''] = (await readdir(folder)).filter((name) => name.endsWith('.tgz'))
  const npm = ['install', '--offline', '--ignore-scripts', '--no-audit', '--no-fund', '--prefix', folder, join(folder, tarball)]
  await run('npm', npm, { cwd: folder, env: { ...process.env, npm_config_cache: join(folder, 'cache') } })
  expect(await readdir(join(folder, 'node_modules'))).toEqual(['.bin', '.package-lock.json', '@ockam'])
  expect(await readdir(join(folder, 'node_modules/@ockam'))).toEqual(['cli'])
  const notice = await readFile(join(folder, 'node_modules/@ockam/cli/dist/third-party-licenses.txt'), 'utf8')
  for (const name of Object.keys(packageJson.devDependencies).filter((one) => !one.startsWith('@ockam/'))) {
    expect(notice).toMatch(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+ \\((?:MIT|ISC)\\)$`, 'm'))
  }

  const env = {
    HOME: folder,
    OCKAM_HOME: join(folder, 'home'),
    PATH: [join(folder, 'node_modules/.bin'), dirname(process.execPath), process.env['PATH']].join(delimiter),
  }
  const ockam = async (...words: string[]): Promise<string> => (await run('ockam', words, { cwd: folder, env })).stdout
  onTestFinished(async () => void (await ockam('reset', '--yes', '--force')))
  expect(await ockam('--version')).toBe(`ockam ${packageJson.version}\n`)
  expect(await ockam('node', 'create', 'n1')).toBe('n1\n')
  expect(await ockam('message', 'send', 'hello', '--to', '/node/n1/service/uppercase')).toBe('HELLO\n')
  await ockam('node', 'delete', 'n1', '--yes')
  expect(JSON.parse(await ockam('node', 'list', '--output', 'json'))).toEqual([])
})
