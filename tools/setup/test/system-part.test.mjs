// What .ci/install-system-parts does on machines that lack one thing or another. Every command it could run is a stand-in that writes down how it was called.
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test } from 'vitest'

const script = fileURLToPath(new URL('../../../.ci/install-system-parts', import.meta.url))
const folders = []

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

/**
 * A machine with these commands and no others: names with the shell code that they are.
 * @param later commands that are in the folder `later` until something moves them; `apt-get` of these is there at once.
 */
const machine = (commands, later = () => ({})) => {
  const folder = mkdtempSync(join(tmpdir(), 'ockam-system-part-'))
  folders.push(folder)
  mkdirSync(join(folder, 'later'))
  for (const name of ['cut', 'grep', 'sort', 'env']) {
    const path = [`/usr/bin/${name}`, `/bin/${name}`].find((one) => existsSync(one))
    symlinkSync(path, join(folder, name))
  }
  const log = join(folder, 'log')
  writeFileSync(log, '')
  const add = (path, name, code) => {
    writeFileSync(join(folder, path), `#!/bin/bash\necho "${name} $*" >> ${log}\n${code}\n`)
    chmodSync(join(folder, path), 0o755)
  }
  const { 'apt-get': install = '', ...others } = later(folder)
  const usual = { id: 'echo 0', mkdir: '', tee: 'while read -r _; do :; done', 'apt-get': install }
  for (const [name, code] of Object.entries({ ...usual, ...commands })) if (code !== undefined) add(name, name, code)
  for (const [name, code] of Object.entries(others)) add(`later/${name}`, name, code)
  return {
    run: () => {
      const { status, stdout, stderr } = spawnSync('/bin/bash', [script], { env: { PATH: folder }, encoding: 'utf8' })
      return { status, output: stdout + stderr, calls: readFileSync(log, 'utf8').split('\n') }
    },
  }
}

const compilers = { 'c++': '', cc: '', make: '', python3: '' }
const allPackages = { 'dpkg-query': 'echo install ok installed' }
const noPackages = { 'dpkg-query': 'exit 1' }
const installed = ({ calls }) =>
  calls
    .find((call) => call.startsWith('apt-get install'))
    ?.split('--no-install-recommends ')[1]
    ?.split(' ')

describe.skipIf(!existsSync('/bin/bash'))('.ci/install-system-parts', () => {
  test('installs nothing where all is there', () => {
    const result = machine({ ...compilers, ...allPackages, cargo: 'echo "cargo 1.100.0 (of a day)"' }).run()
    expect(result).toMatchObject({ status: 0, output: 'system parts: all there\n' })
    expect(result.calls.filter((call) => call.startsWith('apt-get'))).toEqual([])
  })

  test('installs compilers, and Rust through rustup, where nothing is there', () => {
    const later = (folder) => ({
      rustup: `[ "$1" != default ] || /bin/mv ${folder}/later/cargo ${folder}`,
      cargo: 'echo cargo 1.88.0',
      'apt-get': `[ "$1" != install ] || /bin/mv ${folder}/later/rustup ${folder}`,
    })
    const result = machine({ ...noPackages, 'apt-cache': '' }, later).run()
    expect(result.status, result.output).toBe(0)
    expect(installed(result)).toEqual(expect.arrayContaining(['curl', 'postgresql', 'build-essential', 'python3', 'rustup']))
    expect(result.calls).toContain('rustup default 1.88.0')
    expect(result.output).not.toContain('by hand')
  })

  test('leaves compilers alone that are there without a package', () => {
    const result = machine({ ...compilers, ...noPackages, cargo: 'echo cargo 1.95.0' }).run()
    expect(installed(result)).toContain('curl')
    for (const name of ['build-essential', 'python3', 'rustup']) expect(installed(result)).not.toContain(name)
  })

  test('says in one line what is missing where no rustup can be had, and goes on', () => {
    const result = machine({ ...compilers, ...allPackages, 'apt-cache': 'exit 100' }).run()
    expect(result.status).toBe(0)
    expect(installed(result)).toBeUndefined()
    expect(result.output).toMatch(/^system parts: there is no cargo 1\.88\.0 or newer; install it by hand .*\n$/)
  })

  test('says the same of a cargo that is too old, and leaves it as it is', () => {
    const result = machine({ ...compilers, ...allPackages, cargo: 'echo cargo 1.87.0', rustup: '', 'apt-cache': '' }).run()
    expect(result.status).toBe(0)
    expect(result.calls.filter((call) => /^(rustup|apt-get)/.test(call))).toEqual([])
    expect(result.output).toContain('there is no cargo 1.88.0 or newer')
  })

  test('says what is missing where the toolchain cannot be fetched', () => {
    const result = machine({ ...compilers, ...allPackages, rustup: '[ "$1" != default ] || exit 1' }).run()
    expect(result.status).toBe(0)
    expect(result.output).toContain('there is no cargo 1.88.0 or newer')
  })

  test('installs nothing where there is no apt-get, and names what to install', () => {
    const result = machine({ 'apt-get': undefined, cargo: 'echo cargo 1.90.0' }).run()
    expect(result.status).toBe(0)
    expect(result.output).toMatch(/^system parts: no apt-get here; .*curl.*build-essential python3\n$/)
  })
})
