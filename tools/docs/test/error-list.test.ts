import { readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { declaredCodes, listedNames, mentionedNames, thrownCodes } from '../src/error-code.ts'
import { filesBelow, root, textOf } from '../src/repository.ts'

/** Names of the same form that are neither codes nor events: places in a store, and an import. */
const OTHER_NAMES = new Set(['vault/header', 'vault/generation', 'msgpackr/pack', 'application/json'])

/** Folders of everything that is published. */
const folders = [...(await readdir(join(root, 'packages'))).sort().map((name) => `packages/${name}`), 'apps/cli']
const packages = folders.map((folder) => basename(folder))
const sources = new Map<string, readonly { readonly path: string; readonly text: string }[]>()
for (const folder of folders) {
  const paths = await filesBelow(`${folder}/src`, '.ts')
  sources.set(basename(folder), await Promise.all(paths.map(async (path) => ({ path, text: await textOf(path) }))))
}
const declared = new Map(packages.map((name) => [name, new Set((sources.get(name) ?? []).flatMap(({ text }) => declaredCodes(text)))]))
const allDeclared = new Set([...declared.values()].flatMap((codes) => [...codes]))
const lists = listedNames(await textOf('docs/errors.md'))
const events = lists.get('Events') ?? []
const listedCodes = [...lists].filter(([heading]) => heading !== 'Events').flatMap(([, codes]) => codes)

describe('docs/errors.md', () => {
  test('lists every code that a package declares, once, and no other', () => {
    expect(allDeclared.size).toBeGreaterThan(50)
    expect([...listedCodes].sort()).toEqual([...allDeclared].sort())
  })

  test('lists each code under a package that declares it', () => {
    for (const [heading, codes] of lists) {
      if (heading === 'Events') continue
      for (const code of codes) expect(declared.get(heading.replace('@ockam/', '')), `${code} under ${heading}`).toContain(code)
    }
  })

  test('lists every event that a package reports, and no other', () => {
    const reported = new Set<string>()
    for (const { text } of [...sources.values()].flat()) {
      // A class may have a #report of its own that passes the name on.
      const calls = text.includes('diagnostics.event(name')
        ? /(?:\bevent\(|#report\(|LimitedEvent\()\s*'([^']+)'/g
        : /(?:\bevent\(|LimitedEvent\()\s*'([^']+)'/g
      for (const [, name] of text.matchAll(calls)) {
        if (name?.includes('/')) reported.add(name)
      }
    }
    expect([...events].sort()).toEqual([...reported].sort())
  })
})

/** The command puts all packages together, so it may say what any of them says. */
const mayThrow = (name: string, code: string): boolean =>
  Boolean(declared.get(name)?.has(code) || declared.get('core')?.has(code) || (name === 'cli' && allDeclared.has(code)))

describe('the sources of packages', () => {
  test('throw only codes that they, or core, declare', () => {
    let thrown = 0
    for (const [name, files] of sources) {
      for (const { path, text } of files) {
        for (const code of thrownCodes(text)) {
          thrown += 1
          expect(mayThrow(name, code), `${path} throws ${code}`).toBe(true)
        }
      }
    }
    expect(thrown).toBeGreaterThan(100)
  })

  test('mention no name of that form that is neither a code nor an event', () => {
    for (const { path, text } of [...sources.values()].flat()) {
      for (const name of mentionedNames(text)) {
        expect(allDeclared.has(name) || events.includes(name) || OTHER_NAMES.has(name), `${path} says '${name}'`).toBe(true)
      }
    }
  })

  test('declare no code that nothing uses', () => {
    const used = new Set(
      [...sources].filter(([name]) => name !== 'conformance').flatMap(([, files]) => files.flatMap(({ text }) => mentionedNames(text))),
    )
    expect([...allDeclared].filter((code) => !used.has(code))).toEqual([])
  })
})

describe('reading codes from text', () => {
  test('finds unions, throws and events, and leaves comments alone', () => {
    const source = [
      "/** Like 'a/commented'. */",
      'export type AErrorCode =',
      '  /** One. */',
      "  | 'a/one'",
      "  // 'a/never'",
      "  | 'a/two'",
      "throw new OckamError<AErrorCode>('a/three', `It's over.`)",
      "aError(\n  'a/four')",
      "import x from 'some/thing'",
      "event('a/five')",
    ].join('\n')
    expect(declaredCodes(source)).toEqual(['a/one', 'a/two'])
    expect(thrownCodes(source)).toEqual(['a/three', 'a/four'])
    expect(mentionedNames(source)).toEqual(['a/three', 'a/four', 'a/five'])
  })

  test('finds rows of tables only when they are complete', () => {
    const table = '## X\n| code | when | do |\n|---|---|---|\n| `a/one` | then | that |\n| `a/two` |  | that |\n'
    expect(listedNames(table)).toEqual(new Map([['X', ['a/one']]]))
  })
})
