// A Rust peer that is not there, or that was built from other sources, must not go unseen.
import { createHash } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { rustPeerSources } from '../../rust-peer/sources.mjs'
import { root, run } from '../workspace.mjs'

let folder

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ockam-rust-peer-'))
})

afterEach(() => rmSync(folder, { recursive: true }))

test('a build that fails leaves no program of earlier sources behind', async () => {
  const program = join(folder, 'ockam-typescript', 'rust-peer', 'release', 'rust-peer')
  mkdirSync(join(program, '..'), { recursive: true })
  writeFileSync(program, 'of earlier sources')
  // Says its version and builds nothing.
  writeFileSync(join(folder, 'cargo'), '#!/bin/sh\n[ "$1" = --version ]\n')
  chmodSync(join(folder, 'cargo'), 0o755)
  const env = { XDG_CACHE_HOME: folder, OCKAM_RUST_PEER: '', PATH: [folder, process.env.PATH].join(delimiter) }
  const { code, output } = await run(process.execPath, [join('tools', 'setup', 'interop.mjs'), '--build-only'], { capture: true, env })
  expect(output).toContain('could not be built')
  expect(code).toBe(1)
  expect(existsSync(program)).toBe(false)
})

test.each([
  ['all', 1, /1 failed/],
  ['', 0, /1 skipped/],
])('without the peer its tests end so when OCKAM_TEST_REQUIRE is "%s"', { timeout: 120_000 }, async (required, expected, counted) => {
  const env = { OCKAM_TEST_REQUIRE: required, OCKAM_RUST_PEER: join(folder, 'nothing'), NO_COLOR: '1' }
  const { code, output } = await run('vitest', ['run', '--project', 'interop'], { capture: true, env })
  expect(output).toMatch(counted)
  expect(code).toBe(expected)
})

test('the sources of the peer are one hash over every file that makes it, in the order of their paths', () => {
  const write = (path, content) => {
    mkdirSync(join(folder, path, '..'), { recursive: true })
    writeFileSync(join(folder, path), content)
  }
  const files = [
    ['Cargo.lock', 'lock'],
    ['Cargo.toml', 'manifest'],
    ['src/Upper.rs', '1'],
    ['src/main.rs', '2'],
    ['src/main/part.rs', '3'],
    ['src/main_part.rs', '4'],
  ]
  for (const [path, content] of files.toReversed()) write(path, content)
  write('README.md', 'not part of it')
  const hashOf = (some) =>
    createHash('sha256')
      .update(some.map(([path, content]) => `${path}\0${content}\0`).join(''))
      .digest('hex')
  expect(rustPeerSources(folder)).toBe(hashOf(files))
  write('build.rs', 'script')
  expect(rustPeerSources(folder)).toBe(hashOf(files.toSpliced(2, 0, ['build.rs', 'script'])))
  expect(rustPeerSources(join(root, 'tools', 'rust-peer'))).toBe(rustPeerSources())
})
