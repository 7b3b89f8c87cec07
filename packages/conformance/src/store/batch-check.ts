/**
 * Checks of batches: all steps or none, checks before any write.
 */

import type { StoreStep } from '@ockam/core'
import { expectEqual, expectRejection } from './assertion.ts'
import { bytes, collect } from './entry.ts'
import type { StoreCheck } from './store-check.ts'

const set = (key: string, value: string): StoreStep => ({ kind: 'set', key, value: bytes(value) })
const remove = (key: string): StoreStep => ({ kind: 'delete', key })
const check = (key: string, value: string | undefined): StoreStep => ({
  kind: 'check',
  key,
  value: value === undefined ? undefined : bytes(value),
})

export const batchChecks: readonly StoreCheck[] = [
  {
    name: 'batch applies its steps in order and resolves with true',
    async run(store) {
      await store.set('old', bytes('1'))
      expectEqual(await store.batch([set('a', '1'), remove('old'), remove('absent'), set('b', '1'), set('a', '2')]), true, 'the batch')
      const entries = [
        { key: 'a', value: bytes('2') },
        { key: 'b', value: bytes('1') },
      ]
      expectEqual(await collect(store, ''), entries, 'the entries after the batch')
      expectEqual(await store.batch([set('b', '2'), remove('b')]), true, 'a batch that sets and deletes')
      expectEqual(await store.get('b'), undefined, 'a key set and then deleted in one batch')
      expectEqual(await store.batch([remove('a'), set('a', '3')]), true, 'a batch that deletes and sets')
      expectEqual(await store.get('a'), bytes('3'), 'a key deleted and then set in one batch')
      expectEqual(await store.batch([]), true, 'an empty batch')
    },
  },
  {
    name: 'batch writes when every check holds, by content and by absence',
    async run(store) {
      await store.set('a', bytes('1'))
      await store.set('empty', new Uint8Array(0))
      expectEqual(await store.batch([check('a', '1'), check('absent', undefined), check('empty', ''), set('b', '1')]), true, 'the batch')
      expectEqual(await store.get('b'), bytes('1'), 'the value written')
      expectEqual(await store.batch([check('a', '1')]), true, 'a batch of a check alone')
    },
  },
  {
    name: 'batch resolves with false and writes nothing when a check does not hold',
    async run(store) {
      await store.set('a', bytes('12'))
      await store.set('empty', new Uint8Array(0))
      const before = await collect(store, '')
      const failing = [
        check('a', '13'),
        check('a', '1'),
        check('a', '123'),
        check('a', ''),
        check('a', undefined),
        check('absent', ''),
        check('empty', undefined),
      ]
      for (const step of failing) {
        const what = `a batch with the check ${JSON.stringify(step)}`
        expectEqual(await store.batch([set('a', 'x'), set('b', 'x'), step, remove('empty')]), false, what)
        expectEqual(await collect(store, ''), before, `the entries after ${what}`)
      }
      expectEqual(await store.batch([check('a', '12'), set('b', 'x'), check('absent', 'x')]), false, 'a batch whose last check fails')
      expectEqual(await collect(store, ''), before, 'the entries after a batch whose last check fails')
    },
  },
  {
    name: 'batch evaluates all checks before any write',
    async run(store) {
      expectEqual(await store.batch([set('a', '1'), check('a', undefined)]), true, 'a check of absence behind the write of the same key')
      expectEqual(await store.batch([set('a', '2'), check('a', '2')]), false, 'a check of the value that the batch itself writes')
      expectEqual(await store.get('a'), bytes('1'), 'the value')
    },
  },
  {
    name: 'batch copies its values and checks before it returns its promise',
    async run(store) {
      await store.set('a', bytes('1'))
      const [value, expected] = [bytes('2'), bytes('1')]
      const writing = store.batch([
        { kind: 'check', key: 'a', value: expected },
        { kind: 'set', key: 'a', value },
      ])
      value.fill(0)
      expected.fill(0)
      expectEqual(await writing, true, 'a batch whose check was changed after the call')
      expectEqual(await store.get('a'), bytes('2'), 'the value, after the array given to batch was changed')
    },
  },
  {
    name: 'batch writes nothing when one of its steps is not acceptable',
    async run(store) {
      const bad = [set('', 'x'), { kind: 'set', key: 'b', value: 'text' }, { kind: 'swap', key: 'b' }, undefined] as unknown as StoreStep[]
      for (const step of bad) {
        await expectRejection(store.batch([set('a', '1'), step]), 'store/invalid-argument', `a batch with the step ${JSON.stringify(step)}`)
      }
      expectEqual(await collect(store, ''), [], 'the entries')
    },
  },
]
