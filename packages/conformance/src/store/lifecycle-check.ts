/**
 * Checks of closing and of reopening.
 */

import { expectEqual, expectRejection } from './assertion.ts'
import { bytes, collect } from './entry.ts'
import type { ReopeningStoreCheck, StoreCheck } from './store-check.ts'

const VALUE = bytes('value')

export const lifecycleChecks: readonly StoreCheck[] = [
  {
    name: 'every call after close is refused with store/closed',
    async run(store) {
      await store.set('key', VALUE)
      await store.close()
      await expectRejection(store.get('key'), 'store/closed', 'get after close')
      await expectRejection(store.set('key', VALUE), 'store/closed', 'set after close')
      await expectRejection(store.delete('key'), 'store/closed', 'delete after close')
      await expectRejection(store.batch([]), 'store/closed', 'batch after close')
      await expectRejection(collect(store, ''), 'store/closed', 'scan after close')
    },
  },
  {
    name: 'calls are refused from the moment close was called',
    async run(store) {
      await store.set('key', VALUE)
      const closing = store.close()
      await expectRejection(store.set('key', VALUE), 'store/closed', 'set while closing')
      await closing
    },
  },
  {
    name: 'close may be called again, and on a store that was never used',
    async run(store) {
      await Promise.all([store.close(), store.close()])
      await store.close()
    },
  },
  {
    name: 'close waits for the writes under way',
    async run(store) {
      const settled: string[] = []
      const writes = Array.from({ length: 20 }, (_, index) => store.set(`key/${index}`, VALUE).then(() => settled.push(`key/${index}`)))
      await store.close()
      await Promise.all(writes)
      expectEqual(settled.length, 20, 'how many of the writes made before close succeeded')
    },
  },
]

export const persistenceChecks: readonly ReopeningStoreCheck[] = [
  {
    name: 'what was written is there after reopening, and what was deleted is not',
    async run(store, reopen) {
      const long = Uint8Array.from({ length: 300_000 }, (_, at) => at % 253)
      await store.set('a', bytes('old'))
      await store.set('gone', VALUE)
      await store.set('empty', new Uint8Array(0))
      await store.set('long', long)
      await store.set('\u{1f511}/caf\u00e9', VALUE)
      await store.delete('gone')
      await store.batch([
        { kind: 'set', key: 'a', value: bytes('new') },
        { kind: 'set', key: 'b', value: bytes('new') },
        { kind: 'delete', key: 'absent' },
      ])
      await store.batch([
        { kind: 'check', key: 'a', value: bytes('old') },
        { kind: 'set', key: 'refused', value: VALUE },
      ])
      const before = await collect(store, '')
      await store.close()
      const second = await reopen(store)
      expectEqual(await collect(second, ''), before, 'the entries after reopening')
      expectEqual(
        before.map(({ key }) => key),
        ['a', 'b', 'empty', 'long', '\u{1f511}/caf\u00e9'],
        'the keys',
      )
      expectEqual(await second.get('long'), long, 'the long value')
    },
  },
  {
    name: 'a write made just before close is there after reopening',
    async run(store, reopen) {
      const writes = Array.from({ length: 20 }, (_, index) => store.set(`key/${index}`, VALUE))
      await store.close()
      await Promise.all(writes)
      const second = await reopen(store)
      expectEqual((await collect(second, 'key/')).length, 20, 'the number of entries')
    },
  },
  {
    name: 'a store can be reopened and changed many times',
    async run(store, reopen) {
      let current = store
      for (let round = 0; round < 8; round++) {
        await current.set(`round/${round}`, bytes(String(round)))
        if (round > 0) expectEqual(await current.delete(`round/${round - 1}`), true, `delete of what round ${round - 1} wrote`)
        await current.close()
        current = await reopen(current)
        expectEqual(
          await collect(current, ''),
          [{ key: `round/${round}`, value: bytes(String(round)) }],
          `the entries after round ${round}`,
        )
      }
    },
  },
]
