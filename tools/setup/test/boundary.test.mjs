// Proves that the boundary rules can fail: a small tree that breaks each of them once, checked with the repository's own configuration.
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { root, run } from '../workspace.mjs'

let folder
let violations

const packages = ['core', 'routing', 'identity', 'vault-software', 'transport-tcp', 'node']

/** What each rule must find: [rule, file, content]. */
const breaches = [
  ['core-stands-alone', 'packages/core/src/breach.ts', "export { router } from '@ockam/routing'"],
  ['protocols-and-plug-ins-import-core-only', 'packages/routing/src/breach.ts', "export { identity } from '@ockam/identity'"],
  [
    'protocols-and-plug-ins-import-core-only',
    'packages/transport-tcp/src/breach.ts',
    "import type { router } from '@ockam/routing'\nexport type R = typeof router",
  ],
  ['facade-composes-portable-packages-only', 'packages/node/src/breach.ts', "export { tcp } from '@ockam/transport-tcp'"],
  ['only-public-entry-points', 'packages/identity/src/breach.ts', "export { inner } from '../../core/src/inner.ts'"],
  ['programs-use-public-entry-points', 'apps/demo/src/breach.ts', "export { inner } from '../../../packages/core/src/inner.ts'"],
  ['message-pack-is-not-for-plug-ins', 'packages/vault-software/src/breach.ts', "export { pack } from '@ockam/core/message-pack'"],
  ['sources-do-not-import-tests', 'packages/core/src/wrong.ts', "export { fixture } from '../test/fixture.ts'"],
  ['tests-of-routing-look-down-only', 'packages/routing/test/breach.test.ts', "import '@ockam/vault-software'"],
  ['tests-of-transport-tcp-look-down-only', 'packages/transport-tcp/test/breach.test.ts', "import '@ockam/identity'"],
  ['no-cycles', 'packages/core/src/first.ts', "export { second } from './second.ts'\nexport const first = 1"],
  ['declared-dependencies-only', 'packages/core/src/dev.ts', "export { dev } from 'dev-only'"],
  ['everything-resolves', 'packages/core/src/lost.ts', "export { nothing } from './nothing.ts'"],
]

const innocent = [
  ['packages/core/src/index.ts', "export { inner } from './inner.ts'"],
  ['packages/core/src/inner.ts', 'export const inner = 1'],
  ['packages/core/src/message-pack/index.ts', 'export const pack = 1'],
  ['packages/core/test/fixture.ts', 'export const fixture = 1'],
  ['packages/core/src/second.ts', "export { first } from './first.ts'\nexport const second = 2"],
  ['packages/routing/src/index.ts', "import { inner } from '@ockam/core'\nexport const router = inner"],
  ['packages/identity/src/index.ts', "import { inner } from '@ockam/core'\nexport const identity = inner"],
  ['packages/vault-software/src/index.ts', 'export const vault = 1'],
  ['packages/transport-tcp/src/index.ts', 'export const tcp = 1'],
  ['packages/node/src/index.ts', "export { router } from '@ockam/routing'"],
  ['packages/identity/test/allowed.test.ts', "import '@ockam/vault-software'"],
  ['tools/setup/nothing.mjs', 'export const nothing = 1'],
]

beforeAll(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'ockam-boundary-')))
  const write = (file, text) => {
    mkdirSync(dirname(join(folder, file)), { recursive: true })
    writeFileSync(join(folder, file), text)
  }
  for (const [file, text] of innocent) write(file, text)
  for (const [, file, text] of breaches) write(file, text)
  mkdirSync(join(folder, 'node_modules', '@ockam'), { recursive: true })
  const dependencies = Object.fromEntries(packages.map((name) => [`@ockam/${name}`, '*']))
  write('package.json', JSON.stringify({ dependencies }))
  for (const name of packages) {
    const exports = { '.': { '@ockam/source': './src/index.ts' }, './message-pack': { '@ockam/source': './src/message-pack/index.ts' } }
    write(
      `packages/${name}/package.json`,
      JSON.stringify({ name: `@ockam/${name}`, exports, dependencies, devDependencies: { 'dev-only': '*' } }),
    )
    symlinkSync(join(folder, 'packages', name), join(folder, 'node_modules', '@ockam', name))
  }
  write('node_modules/dev-only/package.json', JSON.stringify({ name: 'dev-only', exports: './index.js' }))
  write('node_modules/dev-only/index.js', 'export const dev = 1')
  const config = join(root, '.dependency-cruiser.mjs')
  const { output } = await run('depcruise', ['packages', 'apps', 'tools', '--config', config, '--output-type', 'json'], {
    capture: true,
    cwd: folder,
  })
  violations = JSON.parse(output.slice(output.indexOf('{'))).summary.violations.map(({ rule, from }) => ({ rule: rule.name, from }))
}, 60_000)

afterAll(() => rmSync(folder, { recursive: true, force: true }))

test.each(breaches)('%s refuses %s', (rule, from) => {
  expect(violations).toContainEqual({ rule, from })
})

test('what is allowed is not refused', () => {
  const files = innocent.map(([file]) => file).filter((file) => file !== 'packages/core/src/second.ts')
  expect(violations.filter(({ from }) => files.includes(from))).toEqual([])
})
