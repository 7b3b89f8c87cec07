import { existsSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, test } from 'vitest'
import { hasTitle, linksOf, namedTests, pointsOf, titlesOf } from '../src/named-test.ts'
import { filesBelow, root, textOf } from '../src/repository.ts'

const model = await textOf('docs/threat-model.md')
const compatibility = await textOf('docs/compatibility.md')
const documents = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  ...(await filesBelow('docs', '.md')),
  ...(await filesBelow('packages', 'README.md')),
  ...(await filesBelow('apps', 'README.md')),
]

describe('docs/threat-model.md', () => {
  test.each([
    ['Threat', 28],
    ['Rule', 16],
  ])('has every %s up to %i, in order, each with a test or with the reason why there is none', (kind, count) => {
    const points = pointsOf(model).filter((point) => point.kind === kind)
    expect(points.map(({ number }) => number)).toEqual(Array.from({ length: count }, (_, at) => at + 1))
    for (const { heading, tests, open } of points) expect(tests.length + open.length, heading).toBeGreaterThan(0)
  })
})

/**
 * Points of docs/compatibility.md that may be open, and what is missing. Every other point needs a test and no open part; those without a test have
 * nothing but their open part. What comes to exist has to leave this list.
 */
const MAY_BE_OPEN: Readonly<Record<string, { readonly missing: string; readonly hasTest: boolean }>> = {
  'Case 11': { missing: 'our UDP transport', hasTest: true },
  'Identity 7': { missing: 'only who has an account', hasTest: false },
  'Routing 5': { missing: 'Bluetooth and Unix sockets', hasTest: true },
  'Routing 7': { missing: 'only who has an account', hasTest: true },
  'Correction 6': { missing: 'our UDP transport', hasTest: true },
}

describe('docs/compatibility.md', () => {
  test.each([
    ['Case', 12],
    ['Identity', 8],
    ['Routing', 10],
    ['Correction', 6],
    ['Fact', 15],
  ])('answers every %s up to %i, in order, with a test, or says why there is none where one is known to be missing', (kind, count) => {
    const points = pointsOf(compatibility).filter((point) => point.kind === kind)
    expect(points.map(({ number }) => number)).toEqual(Array.from({ length: count }, (_, at) => at + 1))
    for (const { number, heading, tests, open } of points) {
      const known = MAY_BE_OPEN[`${kind} ${number}`]
      expect(tests.length > 0, heading).toBe(known?.hasTest ?? true)
      expect(open, heading).toEqual(known === undefined ? [] : [expect.stringContaining(known.missing)])
    }
  })

  test('names every test against the Rust peer, by file and title', async () => {
    const named = new Set(namedTests(compatibility).map(({ path, title }) => `${path.split('/').at(-1)}: ${title}`))
    const titles: string[] = []
    for (const path of await filesBelow('tools/interop/test', '.test.ts'))
      for (const title of titlesOf(await textOf(path))) titles.push(`${path.split('/').at(-1)}: ${title}`)
    expect(titles.length).toBeGreaterThan(120)
    // The one that says that there is no peer.
    const said = /^rust-peer\.test\.ts: the Rust peer is there/
    expect(titles.filter((title) => !named.has(title) && !said.test(title))).toEqual([])
  })
})

test('every test that a document names exists, by file and title', async () => {
  let checked = 0
  const missing: string[] = []
  for (const document of documents) {
    for (const { title, path, line } of namedTests(await textOf(document))) {
      checked += 1
      const file = normalize(join(dirname(document), path))
      if (!existsSync(join(root, file)) || !hasTitle(await textOf(file), title)) missing.push(`${document}:${line} ${file}: ${title}`)
    }
  }
  expect(missing).toEqual([])
  expect(checked).toBeGreaterThan(80)
})

test('every relative link of a document leads to a file or folder', async () => {
  const broken: string[] = []
  for (const document of documents) {
    for (const target of linksOf(await textOf(document))) {
      if (!existsSync(join(root, dirname(document), target))) broken.push(`${document}: ${target}`)
    }
  }
  expect(broken).toEqual([])
})

describe('looking up tests and links', () => {
  test('finds a title only as a whole', () => {
    const source = "test('keeps its promise', f)\ntest('it\\'s so', f)\ntest(`with ${what}`, f)"
    expect(['keeps its promise', "it's so", 'with ${what}'].every((title) => hasTitle(source, title))).toBe(true)
    expect(['keeps its', 'its promise', 'broken'].some((title) => hasTitle(source, title))).toBe(false)
  })

  test('finds titles behind tables, and none of groups', () => {
    const source = `describe('a group', () => {
      test('it\\'s so', () => expect(regex.test('text')).toBe(true))
      test.each<[string, number]>([
        ['a (', 1], // one ( more, and it's fine
      ])('with %s', { timeout: 1 }, async () => undefined)
      test.each(TABLE)(
        'over %i lines',
        f,
      )
      describe.each(TABLE)('another', () => undefined)
      test(title, f)
    })`
    expect(titlesOf(source)).toEqual(["it's so", 'with %s', 'over %i lines'])
  })

  test('reads points with their tests and reasons', () => {
    const text =
      '## All\n\n### Threat 1. One\n\nWords.\n\n- [a title](../a/b.test.ts)\n\n### Rule 2. Two\n\n- **Open:** comes with the next package.\n- **Open:** no.\n'
    const [one, two] = pointsOf(text)
    expect(one).toMatchObject({ kind: 'Threat', number: 1, tests: [{ title: 'a title', path: '../a/b.test.ts' }], open: [] })
    expect(two).toMatchObject({ kind: 'Rule', number: 2, tests: [], open: ['comes with the next package'] })
  })

  test('finds links in prose, not in programs', () => {
    expect(linksOf('[a](b/c.md#d) [e](https://f.g) `[h](i)`\n```ts\nx[0](j)\n```\n')).toEqual(['b/c.md'])
  })
})
