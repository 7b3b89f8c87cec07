/**
 * Checks of calls that overlap: each is atomic, and none is lost.
 */

import type { Store } from '@ockam/core'
import { expectEqual, expectThat } from './assertion.ts'
import { bytes, collect } from './entry.ts'
import type { StoreCheck } from './store-check.ts'

/** Adds one to a decimal number by compare and set, as often as it takes. */
async function increment(store: Store, key: string): Promise<void> {
  for (let attempt = 0; attempt < 10_000; attempt++) {
    const value = await store.get(key)
    const next = bytes(String(Number(new TextDecoder().decode(value ?? bytes('0'))) + 1))
    const isDone = await store.batch([
      { kind: 'check', key, value },
      { kind: 'set', key, value: next },
    ])
    if (isDone) return
  }
  throw new Error('Compare and set never succeeded in 10000 attempts.')
}

export const concurrencyChecks: readonly StoreCheck[] = [
  {
    name: 'overlapping writes are all kept, the last to one key winning',
    async run(store) {
      const writes = Array.from({ length: 200 }, (_, index) => store.set(`key/${index}`, bytes(String(index))))
      const same = Array.from({ length: 20 }, (_, index) => store.set('same', bytes(String(index))))
      await Promise.all([...writes, ...same])
      for (let index = 0; index < 200; index++)
        expectEqual(await store.get(`key/${index}`), bytes(String(index)), `the value of key/${index}`)
      expectEqual(await store.get('same'), bytes('19'), 'the value of a key that was set twenty times at once')
    },
  },
  {
    name: 'overlapping compare and set loses no update',
    async run(store) {
      await Promise.all(
        Array.from({ length: 8 }, async () => {
          for (let round = 0; round < 10; round++) await increment(store, 'counter')
        }),
      )
      expectEqual(await store.get('counter'), bytes('80'), 'a counter that eight loops raised by ten')
    },
  },
  {
    name: 'of overlapping batches that create one key, exactly one succeeds',
    async run(store) {
      const results = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          store.batch([
            { kind: 'check', key: 'leader', value: undefined },
            { kind: 'set', key: 'leader', value: bytes(String(index)) },
          ]),
        ),
      )
      expectEqual(results.filter(Boolean).length, 1, 'how many of twenty succeeded')
      expectEqual(await store.get('leader'), bytes(String(results.indexOf(true))), 'the value left by the one that succeeded')
    },
  },
  {
    name: 'of overlapping deletes of one key, exactly one finds something',
    async run(store) {
      await store.set('key', bytes('value'))
      const results = await Promise.all(Array.from({ length: 10 }, () => store.delete('key')))
      expectEqual(results.filter(Boolean).length, 1, 'how many of ten deletes found something')
    },
  },
  {
    name: 'no reader sees half a batch',
    async run(store) {
      let isWriting = true
      const writer = (async () => {
        for (let round = 0; round < 60; round++) {
          await store.batch(['a', 'b', 'c'].map((key) => ({ kind: 'set', key, value: bytes(String(round)) })))
        }
        isWriting = false
      })()
      const reader = (async () => {
        for (let scans = 0; isWriting && scans < 10_000; scans++) {
          const values = (await collect(store, '')).map(({ value }) => new TextDecoder().decode(value))
          expectThat(
            new Set(values).size <= 1 && (values.length === 0 || values.length === 3),
            `A scan saw half a batch: ${values.join(', ')}.`,
          )
          await new Promise((resolve) => setTimeout(resolve, 0))
        }
      })()
      await Promise.all([writer, reader])
    },
  },
]
