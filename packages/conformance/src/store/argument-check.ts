/**
 * Checks of what a store takes and refuses as keys and values.
 */

import { STORE_LIMIT, type Store } from '@ockam/core'
import { expectEqual, expectRejection } from './assertion.ts'
import { bytes, collect } from './entry.ts'
import type { StoreCheck } from './store-check.ts'

const VALUE = bytes('value')

/** What is done with a key, by name. */
const USES: readonly (readonly [string, (store: Store, key: string) => Promise<unknown>])[] = [
  ['get', (store, key) => store.get(key)],
  ['set', (store, key) => store.set(key, VALUE)],
  ['delete', (store, key) => store.delete(key)],
  ['batch', (store, key) => store.batch([{ kind: 'set', key, value: VALUE }])],
  ['batch', (store, key) => store.batch([{ kind: 'delete', key }])],
  ['batch', (store, key) => store.batch([{ kind: 'check', key, value: undefined }])],
]

async function refusesKey(store: Store, key: unknown, what: string): Promise<void> {
  for (const [name, use] of USES) await expectRejection(use(store, key as string), 'store/invalid-argument', `${name} with ${what}`)
  expectEqual(await collect(store, ''), [], `the entries after calls with ${what}`)
}

export const argumentChecks: readonly StoreCheck[] = [
  { name: 'an empty key is refused', run: (store) => refusesKey(store, '', 'an empty key') },
  {
    name: 'a key that is not a string is refused',
    async run(store) {
      for (const key of [undefined, null, 7, {}, ['key'], bytes('key')]) await refusesKey(store, key, `the key ${JSON.stringify(key)}`)
    },
  },
  {
    name: 'a key with half of a surrogate pair is refused',
    async run(store) {
      for (const key of ['\ud83d', 'key\udc00', '\udc00\ud83d']) await refusesKey(store, key, 'a key that is not well-formed Unicode')
    },
  },
  {
    name: 'a key as long as allowed is kept, a longer one refused',
    async run(store) {
      await refusesKey(store, 'k'.repeat(STORE_LIMIT.keyLength + 1), 'a key that is too long')
      // Three bytes each in UTF-8: a limit in bytes would be too small.
      const longest = '\u20ac'.repeat(STORE_LIMIT.keyLength)
      await store.set(longest, VALUE)
      expectEqual(await collect(store, longest), [{ key: longest, value: VALUE }], 'the entry with the longest key')
    },
  },
  {
    name: 'a value as long as allowed is kept, a longer one refused',
    async run(store) {
      const tooLong = new Uint8Array(STORE_LIMIT.valueLength + 1)
      await expectRejection(store.set('key', tooLong), 'store/invalid-argument', 'set with a value that is too long')
      const longest = tooLong.subarray(1)
      longest[longest.length - 1] = 7
      await store.set('key', longest)
      const value = await store.get('key')
      expectEqual([value?.length, value?.at(-1)], [longest.length, 7], 'length and last byte of the longest value')
    },
  },
  {
    name: 'a value that is not a Uint8Array is refused',
    async run(store) {
      for (const value of [undefined, null, 'text', [1, 2], new ArrayBuffer(2), new Uint16Array(2)]) {
        await expectRejection(
          store.set('key', value as unknown as Uint8Array),
          'store/invalid-argument',
          `set with a ${Object.prototype.toString.call(value)}`,
        )
      }
      expectEqual(await collect(store, ''), [], 'the entries')
    },
  },
  {
    name: 'a prefix that is not a string is refused',
    async run(store) {
      for (const prefix of [undefined, null, 7]) {
        await expectRejection(collect(store, prefix as unknown as string), 'store/invalid-argument', `scan with ${JSON.stringify(prefix)}`)
      }
    },
  },
]
