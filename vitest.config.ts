import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { configDefaults, defineConfig } from 'vitest/config'
import { rustPeerPath } from './tools/rust-peer/path.mjs'

// One project per workspace folder with tests, named after the folder. Tests import sources (condition "@ockam/source"), so no
// build is needed, except for programs that tests start as child processes: those run built JavaScript.
const roots = ['packages', 'apps', 'apps/examples', 'tools']
const folders = roots
  .flatMap((root) => (existsSync(root) ? readdirSync(root).map((name) => ({ name, folder: join(root, name) })) : []))
  .filter(({ folder }) => existsSync(join(folder, 'test')))

// These start processes, open sockets or touch files: each of their test files gets a process of its own.
// All others are pure and share one, which is two to three times faster.
const isolated = new Set([
  'transport-tcp',
  'portals',
  'aead-native',
  'storage-file',
  'storage-sqlite',
  'cli',
  'integration',
  'interop',
  'capture',
  'bench',
  'setup',
  'docs',
  'sensor-behind-relay',
])

// Without the Rust peer one test of interop says so; the others are not even loaded.
const needsRustPeer = new Set(['interop', 'capture'])
const rustPeerTests = existsSync(rustPeerPath()) ? 'test/**/*.test.ts' : 'test/rust-peer.test.ts'
// The command-line program of Rust is not built here: its tests are loaded where this variable names one.
const excludedOf = (name: string): string[] =>
  name === 'interop' && !process.env.OCKAM_RUST_COMMAND ? [...configDefaults.exclude, 'test/rust-command.test.ts'] : configDefaults.exclude

const conditions = ['@ockam/source', 'module', 'node', 'import', 'default']

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    // Generous, because a slow machine is not a failure; no test asserts a duration.
    testTimeout: 30_000,
    hookTimeout: 30_000,
    expect: { poll: { timeout: 20_000 } },
    projects: folders.map(({ name, folder }) => ({
      extends: true as const,
      root: folder,
      test: {
        name,
        include: [needsRustPeer.has(name) ? rustPeerTests : 'test/**/*.test.{ts,mjs}'],
        exclude: excludedOf(name),
        isolate: isolated.has(name),
      },
    })),
  },
})
