import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { memoryStore } from '../src/memory-store.ts'
import { OckamError } from '../src/error.ts'
import type { Store, StoreStep } from '../src/store.ts'
import { copyStoreSteps, STORE_LIMIT } from '../src/store-argument.ts'

// The whole contract is the conformance kit's business (packages/conformance/test/store.test.ts runs it on this store). Here stands what core
// can say without the kit, and what the kit does not know: limits of batches.

const bytes = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text)
const code = (value: unknown): string | undefined => (OckamError.is(value) ? value.code : undefined)

async function entries(store: Store, prefix = ''): Promise<[string, string][]> {
  const found: [string, string][] = []
  for await (const { key, value } of store.scan(prefix)) found.push([key, new TextDecoder().decode(value)])
  return found
}

describe('memoryStore', () => {
  it('is closed by asyncDispose', async () => {
    const store = memoryStore()
    await store[Symbol.asyncDispose]()
    await expect(store.get('a')).rejects.toSatisfy((error) => code(error) === 'store/closed')
  })

  it('copies values in and out', async () => {
    const store = memoryStore()
    const value = bytes('value')
    const setting = store.set('key', value)
    value.fill(0)
    await setting
    ;(await store.get('key'))?.fill(0)
    for await (const entry of store.scan('')) entry.value.fill(0)
    expect(await store.get('key')).toEqual(bytes('value'))
  })

  it('scans what was there when the scan began, ordered by code units', async () => {
    const store = memoryStore()
    for (const key of ['\uff5e', '\u{1f600}', 'b', 'a', 'B']) await store.set(key, bytes('old'))
    const scan = store.scan('')[Symbol.asyncIterator]()
    const keys = [(await scan.next()).value?.key]
    await store.set('a', bytes('new'))
    await store.delete('b')
    await store.set('c', bytes('late'))
    for (let next = await scan.next(); next.done !== true; next = await scan.next()) {
      keys.push(next.value.key)
      expect(next.value.value).toEqual(bytes('old'))
    }
    expect(keys).toEqual(['B', 'a', 'b', '\u{1f600}', '\uff5e'])
  })

  it('applies all steps of a batch or none', async () => {
    const store = memoryStore()
    await store.set('a', bytes('1'))
    const steps = (expected: string): StoreStep[] => [
      { kind: 'set', key: 'a', value: bytes('2') },
      { kind: 'set', key: 'b', value: bytes('2') },
      { kind: 'check', key: 'a', value: bytes(expected) },
    ]
    expect(await store.batch(steps('x'))).toBe(false)
    expect(await entries(store)).toEqual([['a', '1']])
    expect(await store.batch(steps('1'))).toBe(true)
    expect(await entries(store)).toEqual([
      ['a', '2'],
      ['b', '2'],
    ])
  })

  it('refuses every call after close, and a scan that is still running', async () => {
    const store = memoryStore()
    await store.set('a', bytes('1'))
    await store.set('b', bytes('1'))
    const scan = store.scan('')[Symbol.asyncIterator]()
    await scan.next()
    await store.close()
    await store.close()
    const calls = [scan.next(), store.get('a'), store.set('a', bytes('1')), store.delete('a'), store.batch([]), entries(store)]
    for (const call of calls) expect(code(await call.catch((error: unknown) => error))).toBe('store/closed')
  })

  it('does to random batches what they do to a map', async () => {
    const key = fc.constantFrom('a', 'b', 'a/b', '\u00e9', '\u{1f600}', '\uff5e')
    const value = fc.uint8Array({ maxLength: 2 }).map((array) => new Uint8Array(array))
    const step: fc.Arbitrary<StoreStep> = fc.oneof(
      fc.record({ kind: fc.constant('set' as const), key, value }),
      fc.record({ kind: fc.constant('delete' as const), key }),
      fc.record({ kind: fc.constant('check' as const), key, value: fc.option(value, { nil: undefined }) }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(step, { maxLength: 4 }), { maxLength: 30 }), async (batches) => {
        const store = memoryStore()
        const model = new Map<string, string>()
        for (const steps of batches) {
          const isHeld = steps.every((each) => each.kind !== 'check' || each.value?.join() === model.get(each.key))
          expect(await store.batch(steps)).toBe(isHeld)
          if (!isHeld) continue
          for (const each of steps) {
            if (each.kind === 'set') model.set(each.key, each.value.join())
            else if (each.kind === 'delete') model.delete(each.key)
          }
        }
        const found: [string, string][] = []
        for await (const entry of store.scan('')) found.push([entry.key, entry.value.join()])
        expect(found).toEqual([...model].sort(([left], [right]) => (left < right ? -1 : 1)))
      }),
    )
  })
})

describe('copyStoreSteps', () => {
  const refusal = (steps: readonly StoreStep[]): unknown => {
    try {
      return copyStoreSteps(steps)
    } catch (error) {
      return code(error)
    }
  }

  it('refuses a batch with too many steps', () => {
    const step: StoreStep = { kind: 'delete', key: 'key' }
    expect(refusal(Array.from({ length: STORE_LIMIT.batchSteps + 1 }, () => step))).toBe('store/invalid-argument')
    expect(copyStoreSteps(Array.from({ length: STORE_LIMIT.batchSteps }, () => step))).toHaveLength(STORE_LIMIT.batchSteps)
  })

  it('refuses a batch with too many bytes before it copies those that are too many', () => {
    const value = new Uint8Array(STORE_LIMIT.valueLength)
    const count = STORE_LIMIT.batchBytes / STORE_LIMIT.valueLength
    const steps = Array.from({ length: count + 1 }, (_, at): StoreStep => ({ kind: at % 2 === 0 ? 'set' : 'check', key: `${at}`, value }))
    expect(refusal(steps)).toBe('store/invalid-argument')
  })

  it('refuses what is not an array of steps', () => {
    for (const steps of [undefined, 'steps', [null], [{ kind: 'set', key: 'a' }], [{ kind: 'get', key: 'a' }]]) {
      expect(refusal(steps as never)).toBe('store/invalid-argument')
    }
  })
})
