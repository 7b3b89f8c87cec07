/**
 * Checks of single entries: what is set is what comes back, as copies, under exactly its own key.
 */

import { expectEqual, expectThat } from './assertion.ts'
import { bytes, collect } from './entry.ts'
import type { StoreCheck } from './store-check.ts'

/** Pairs of keys that media with a looser idea of equality take for one. */
const DISTINCT_KEYS: readonly string[] = [
  'key',
  'KEY',
  'key ',
  ' key',
  'key/',
  'key/..',
  '../key',
  'caf\u00e9',
  'cafe\u0301',
  '\ufeffkey',
  '__proto__',
  'constructor',
  '%',
  '_',
  "'",
  '1',
  '01',
  '\u{1f511}',
]

export const valueChecks: readonly StoreCheck[] = [
  {
    name: 'get resolves with undefined for a key that was never set',
    async run(store) {
      expectEqual(await store.get('absent'), undefined, 'the value of an absent key')
      expectEqual(await store.get('toString'), undefined, 'the value of an absent key that every object has')
    },
  },
  {
    name: 'get resolves with the last value set, empty and long ones included',
    async run(store) {
      const long = Uint8Array.from({ length: 1024 * 1024 }, (_, at) => at % 251)
      for (const value of [bytes('one'), new Uint8Array(0), long, Uint8Array.of(0, 255, 128)]) {
        await store.set('key', value)
        expectEqual(await store.get('key'), value, 'the value after set')
      }
    },
  },
  {
    name: 'keys that look alike are different keys',
    async run(store) {
      for (const key of DISTINCT_KEYS) await store.set(key, bytes(`value of ${key}`))
      for (const key of DISTINCT_KEYS) expectEqual(await store.get(key), bytes(`value of ${key}`), `the value of ${JSON.stringify(key)}`)
      expectEqual((await collect(store, '')).length, DISTINCT_KEYS.length, 'the number of entries')
    },
  },
  {
    name: 'set copies the value before it returns its promise',
    async run(store) {
      const value = bytes('before')
      const setting = store.set('key', value)
      value.fill(0)
      await setting
      expectEqual(await store.get('key'), bytes('before'), 'the value, after the array given to set was changed')
    },
  },
  {
    name: 'set copies only its part of a larger buffer',
    async run(store) {
      const buffer = bytes('..value..')
      await store.set('key', buffer.subarray(2, 7))
      expectEqual(await store.get('key'), bytes('value'), 'the value of a view')
    },
  },
  {
    name: 'get hands out a fresh copy',
    async run(store) {
      await store.set('key', bytes('value'))
      const first = await store.get('key')
      first?.fill(0)
      expectEqual(await store.get('key'), bytes('value'), 'the value, after the array from get was changed')
    },
  },
  {
    name: 'scan hands out fresh copies',
    async run(store) {
      await store.set('key', bytes('value'))
      for (const { value } of await collect(store, '')) value.fill(0)
      expectEqual(await store.get('key'), bytes('value'), 'the value, after the array from scan was changed')
      expectEqual(await collect(store, ''), [{ key: 'key', value: bytes('value') }], 'the entries, after an earlier scan was changed')
    },
  },
  {
    name: 'values come back as plain Uint8Array',
    async run(store) {
      await store.set('key', bytes('value'))
      const values = [await store.get('key'), ...(await collect(store, '')).map(({ value }) => value)]
      for (const value of values) {
        expectThat(
          value instanceof Uint8Array && Object.getPrototypeOf(value) === Uint8Array.prototype,
          'A value is not a plain Uint8Array.',
        )
      }
    },
  },
  {
    name: 'delete resolves with whether there was something to delete',
    async run(store) {
      expectEqual(await store.delete('key'), false, 'delete of an absent key')
      await store.set('key', new Uint8Array(0))
      expectEqual(await store.delete('key'), true, 'delete of a key with an empty value')
      expectEqual(await store.get('key'), undefined, 'the value after delete')
      expectEqual(await store.delete('key'), false, 'a second delete')
      expectEqual(await collect(store, ''), [], 'the entries after delete')
    },
  },
]
