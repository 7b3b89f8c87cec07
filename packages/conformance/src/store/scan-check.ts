/**
 * Checks of scans: which entries, in which order, as of when.
 */

import { expectEqual } from './assertion.ts'
import { bytes, collect, keysOf } from './entry.ts'
import type { StoreCheck } from './store-check.ts'

const EMPTY = new Uint8Array(0)

export const scanChecks: readonly StoreCheck[] = [
  {
    name: 'scan yields the entries whose key starts with the prefix, and no others',
    async run(store) {
      for (const key of ['a', 'a/1', 'a/2', 'aa', 'b/1', 'A/1', ' a/1']) await store.set(key, bytes(key))
      expectEqual(
        await collect(store, 'a/'),
        ['a/1', 'a/2'].map((key) => ({ key, value: bytes(key) })),
        'a scan for a/',
      )
      expectEqual(await keysOf(store, 'a'), ['a', 'a/1', 'a/2', 'aa'], 'a scan for a')
      expectEqual(await keysOf(store, 'c'), [], 'a scan for c')
      expectEqual((await keysOf(store, '')).length, 7, 'the number of entries of a scan for everything')
    },
  },
  {
    name: 'scan takes characters that are patterns elsewhere literally',
    async run(store) {
      for (const key of ['a%b', 'a_b', 'axb', 'a*b', 'a[x]b', 'a\\b']) await store.set(key, EMPTY)
      for (const prefix of ['a%', 'a_', 'a*', 'a[x]', 'a\\'])
        expectEqual(await keysOf(store, prefix), [`${prefix}b`], `a scan for ${prefix}`)
    },
  },
  {
    name: 'scan finds keys that continue with the highest character',
    async run(store) {
      const keys = ['a', 'a\uffff', 'a\uffff\uffffz', 'a\u{10ffff}']
      for (const key of [...keys, 'b']) await store.set(key, EMPTY)
      expectEqual((await keysOf(store, 'a')).length, keys.length, 'the number of keys that start with a')
      expectEqual(await keysOf(store, 'a\uffff'), ['a\uffff', 'a\uffff\uffffz'], 'a scan for a\\uffff')
    },
  },
  {
    name: 'scan yields entries by ascending Unicode code units of their keys',
    async run(store) {
      // Code units put U+1F600 (d83d de00) before U+FF5E; code points and UTF-8 bytes do not. No locale puts Z before a.
      const keys = ['10', '9', 'Z', 'a', 'a/1', 'aa', 'z', '\u00e9', '\u{1f600}', '\uff5e']
      for (const key of keys.toReversed()) await store.set(key, EMPTY)
      expectEqual(await keysOf(store, ''), keys, 'the order of a scan')
    },
  },
  {
    name: 'scan yields the entries as they were when it began',
    async run(store) {
      for (let index = 0; index < 50; index++) await store.set(`key/${index + 100}`, bytes('old'))
      const scan = store.scan('key/')[Symbol.asyncIterator]()
      const first = await scan.next()
      await store.set('key/149', bytes('new'))
      await store.delete('key/148')
      await store.set('key/999', bytes('late'))
      await store.batch([{ kind: 'set', key: 'key/147', value: bytes('new') }])
      const entries = first.done === true ? [] : [first.value]
      for (let next = await scan.next(); next.done !== true; next = await scan.next()) entries.push(next.value)
      expectEqual(
        entries,
        Array.from({ length: 50 }, (_, index) => ({ key: `key/${index + 100}`, value: bytes('old') })),
        'what a scan yields that began before the changes',
      )
      expectEqual((await keysOf(store, 'key/')).length, 50, 'the number of entries of a later scan')
    },
  },
  {
    name: 'scan can be abandoned, and several can run at once',
    async run(store) {
      for (const key of ['a', 'b', 'c']) await store.set(key, EMPTY)
      const seen: string[] = []
      for await (const outer of store.scan('')) {
        for await (const inner of store.scan('')) {
          seen.push(outer.key + inner.key)
          if (inner.key === 'b') break
        }
        if (outer.key === 'b') break
      }
      expectEqual(seen, ['aa', 'ab', 'ba', 'bb'], 'what nested scans saw')
      await store.set('d', EMPTY)
      expectEqual(await keysOf(store, ''), ['a', 'b', 'c', 'd'], 'the keys after abandoned scans')
    },
  },
  {
    name: 'writing while scanning does not stall',
    async run(store) {
      for (const key of ['a', 'b', 'c']) await store.set(key, EMPTY)
      for await (const { key } of store.scan('')) {
        await store.set(`${key}${key}`, EMPTY)
        await store.delete(key)
      }
      expectEqual(await keysOf(store, ''), ['aa', 'bb', 'cc'], 'the keys after rewriting them while scanning')
    },
  },
]
