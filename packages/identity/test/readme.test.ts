/** The README tells the truth: its example runs, and its list of errors is the one in the code. */

import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8')

test('the example in the README runs as it stands there', async () => {
  const [, example] = /```ts\n([^`]*)```/.exec(read('../README.md')) ?? []
  expect(example).toBe(read('readme-example.ts').replace("'../src/index.ts'", "'@ockam/identity'"))
  await import('./readme-example.ts')
})

test('the README lists every error code, and no other', () => {
  const codes = (text: string, pattern: RegExp): string[] => Array.from(text.matchAll(pattern), ([, code = '']) => code).sort()
  const declared = codes(read('../src/error.ts'), /\| '(identity\/[a-z-]+)'/g)
  expect(declared.length).toBeGreaterThan(10)
  expect(codes(read('../README.md'), /^\| `(identity\/[a-z-]+)` \|/gm)).toEqual(declared)
})

test('every error code is thrown somewhere in the sources, and every one is provoked by a test', () => {
  const declared = Array.from(read('../src/error.ts').matchAll(/'(identity\/[a-z-]+)'/g), ([, code = '']) => code)
  const files = (folder: string, names: readonly string[]): string => names.map((name) => read(`${folder}/${name}.ts`)).join('\n')
  const sources = files('../src', [
    'attestation',
    'change-history',
    'channel-key',
    'credential-key',
    'create-identities',
    'history-verification',
    'identity-registry',
    'identity-store',
    'own-identity',
    'peer-identity',
    'purpose-key',
  ])
  const tests = files('.', [
    'attestation.test',
    'channel-key.test',
    'credential-key.test',
    'history-verification.test',
    'known-peer.test',
    'own-identity.test',
  ])
  for (const code of declared) {
    expect(sources).toContain(`'${code}'`)
    expect(tests).toContain(`code: '${code}'`)
  }
})
