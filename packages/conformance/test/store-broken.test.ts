import { memoryStore, OckamError, type Store, type StoreEntry, type StoreStep } from '@ockam/core'
import { describe, expect, it } from 'vitest'
import { storeConformance, type StoreConformanceOptions } from '../src/index.ts'

// A kit that cannot fail proves nothing. Each store here breaks one promise; the checks that must notice are listed, and no other may fail.

/** A correct store with some methods replaced. */
function withFault(fault: (sound: Store) => Partial<Store>): () => Store {
  return () => {
    const sound = memoryStore()
    const whole: Store = {
      get: (key) => sound.get(key),
      set: (key, value) => sound.set(key, value),
      delete: (key) => sound.delete(key),
      scan: (prefix) => sound.scan(prefix),
      batch: (steps) => sound.batch(steps),
      close: () => sound.close(),
    }
    return { ...whole, ...fault(sound) }
  }
}

async function failuresOf(options: StoreConformanceOptions): Promise<string[]> {
  const failed: string[] = []
  for (const { name, run } of storeConformance(options)) {
    await run().catch(() => failed.push(name))
  }
  return failed
}

const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0))

async function all(entries: AsyncIterable<StoreEntry>): Promise<StoreEntry[]> {
  const found: StoreEntry[] = []
  for await (const entry of entries) found.push(entry)
  return found
}

/** A scan that sees the entries of `sound` after `change`. */
function scanOf(
  sound: Store,
  change: (entries: StoreEntry[], prefix: string) => StoreEntry[],
  widen = (prefix: string) => prefix,
): Store['scan'] {
  return async function* (prefix) {
    yield* change(await all(sound.scan(typeof prefix === 'string' ? widen(prefix) : prefix)), prefix)
  }
}

const faults: readonly { fault: string; create: () => Store; fails: readonly string[] }[] = [
  {
    fault: 'finds what every object has',
    create: withFault((sound) => ({ get: async (key) => (key === 'toString' ? new Uint8Array(0) : await sound.get(key)) })),
    fails: ['get resolves with undefined for a key that was never set'],
  },
  {
    fault: 'forgets empty values',
    create: withFault((sound) => ({ get: async (key) => ((await sound.get(key))?.length === 0 ? undefined : sound.get(key)) })),
    fails: ['get resolves with the last value set, empty and long ones included'],
  },
  {
    fault: 'ignores the case of keys',
    create: withFault((sound) => ({
      get: (key) => sound.get(typeof key === 'string' ? key.toLowerCase() : key),
      set: (key, value) => sound.set(typeof key === 'string' ? key.toLowerCase() : key, value),
    })),
    fails: [
      'keys that look alike are different keys',
      'scan yields the entries whose key starts with the prefix, and no others',
      'scan yields entries by ascending Unicode code units of their keys',
    ],
  },
  {
    fault: 'normalises keys',
    create: withFault((sound) => ({
      set: (key, value) => sound.set(typeof key === 'string' ? key.normalize('NFC') : key, value),
    })),
    fails: ['keys that look alike are different keys'],
  },
  {
    fault: 'copies the value of set too late',
    create: withFault((sound) => ({
      async set(key, value) {
        if (!(value instanceof Uint8Array)) return await sound.set(key, value)
        await Promise.resolve()
        await sound.set(key, value)
      },
    })),
    fails: ['set copies the value before it returns its promise', 'close waits for the writes under way'],
  },
  {
    fault: 'keeps the whole buffer of a view',
    create: withFault((sound) => ({
      set: (key, value) => sound.set(key, value instanceof Uint8Array && value.length < 100 ? new Uint8Array(value.buffer) : value),
    })),
    fails: ['set copies only its part of a larger buffer'],
  },
  {
    fault: 'hands out the same array from get',
    create: withFault((sound) => {
      const shared = new Map<string, Uint8Array<ArrayBuffer>>()
      return {
        async get(key) {
          const value = await sound.get(key)
          const before = shared.get(key)
          if (value === undefined || before?.length === value.length) return before?.length === 0 ? value : value && before
          shared.set(key, value)
          return value
        },
        async set(key, value) {
          await sound.set(key, value)
          shared.delete(key)
        },
        async batch(steps) {
          const isDone = await sound.batch(steps)
          shared.clear()
          return isDone
        },
      }
    }),
    fails: ['get hands out a fresh copy'],
  },
  {
    fault: 'hands out the same arrays from scan',
    create: withFault((sound) => {
      let shared: StoreEntry[] | undefined
      const changing =
        <Arguments extends unknown[], Result>(call: (...given: Arguments) => Promise<Result>) =>
        async (...given: Arguments): Promise<Result> => {
          shared = undefined
          return await call(...given)
        }
      return {
        set: changing(sound.set.bind(sound)),
        delete: changing(sound.delete.bind(sound)),
        batch: changing(sound.batch.bind(sound)),
        async *scan(prefix) {
          if (prefix !== '') return yield* sound.scan(prefix)
          shared ??= await all(sound.scan(prefix))
          return yield* shared
        },
      }
    }),
    fails: ['scan hands out fresh copies'],
  },
  {
    fault: 'hands out Node buffers',
    create: withFault((sound) => ({
      async get(key) {
        const value = await sound.get(key)
        return value === undefined ? undefined : Buffer.from(value.buffer)
      },
    })),
    fails: ['values come back as plain Uint8Array'],
  },
  {
    fault: 'says that every delete found something',
    create: withFault((sound) => ({ delete: async (key) => (await sound.delete(key)) || true })),
    fails: [
      'delete resolves with whether there was something to delete',
      'of overlapping deletes of one key, exactly one finds something',
      'a long sequence of random calls does what it does to a map',
    ],
  },
  {
    fault: 'takes an empty value for nothing in delete',
    create: withFault((sound) => ({
      async delete(key) {
        const isEmpty = (await sound.get(key))?.length === 0
        return (await sound.delete(key)) && !isEmpty
      },
    })),
    fails: ['delete resolves with whether there was something to delete'],
  },
  {
    fault: 'scans too much',
    create: withFault((sound) => ({ scan: (prefix) => sound.scan(typeof prefix === 'string' ? prefix.replace(/\/$/, '') : prefix) })),
    fails: [
      'scan yields the entries whose key starts with the prefix, and no others',
      'a long sequence of random calls does what it does to a map',
    ],
  },
  {
    fault: 'takes _ for any character',
    create: withFault((sound) => ({
      scan: scanOf(
        sound,
        (entries, prefix) => entries.filter(({ key }) => prefix.endsWith('_') || key.startsWith(prefix)),
        (prefix) => prefix.replace('_', ''),
      ),
    })),
    fails: ['scan takes characters that are patterns elsewhere literally'],
  },
  {
    fault: 'ends a scan at the prefix followed by the highest character',
    create: withFault((sound) => ({
      scan: scanOf(sound, (entries, prefix) => (prefix === '' ? entries : entries.filter(({ key }) => key < `${prefix}\uffff`))),
    })),
    fails: ['scan finds keys that continue with the highest character'],
  },
  {
    fault: 'orders a scan by code points',
    create: withFault((sound) => ({
      scan: scanOf(sound, (entries) => entries.sort((left, right) => Buffer.compare(Buffer.from(left.key), Buffer.from(right.key)))),
    })),
    fails: ['scan yields entries by ascending Unicode code units of their keys'],
  },
  {
    fault: 'reads values while the scan runs',
    create: withFault((sound) => ({
      async *scan(prefix) {
        for await (const entry of sound.scan(prefix)) {
          const value = await sound.get(entry.key)
          if (value !== undefined) yield { key: entry.key, value }
        }
      },
    })),
    fails: ['scan yields the entries as they were when it began', 'no reader sees half a batch'],
  },
  {
    fault: 'runs one scan at a time',
    create: withFault((sound) => {
      let isScanning = false
      return {
        async *scan(prefix) {
          if (isScanning) return
          isScanning = true
          yield* sound.scan(prefix)
          isScanning = false
        },
      }
    }),
    fails: ['scan can be abandoned, and several can run at once', 'a prefix that is not a string is refused'],
  },
  {
    fault: 'refuses writes while a scan runs',
    create: withFault((sound) => {
      let scans = 0
      const refusing =
        <Arguments extends unknown[], Result>(call: (...given: Arguments) => Promise<Result>) =>
        async (...given: Arguments): Promise<Result> => {
          if (scans > 0) throw new OckamError('store/write-failed', 'Busy.')
          return await call(...given)
        }
      return {
        set: refusing(sound.set.bind(sound)),
        async *scan(prefix) {
          scans += 1
          try {
            yield* sound.scan(prefix)
          } finally {
            scans -= 1
          }
        },
      }
    }),
    fails: ['scan yields the entries as they were when it began', 'writing while scanning does not stall'],
  },
  {
    fault: 'takes a check of absence for one of emptiness',
    create: withFault((sound) => ({
      batch: (steps) =>
        sound.batch(
          Array.isArray(steps)
            ? steps.map((step) =>
                step?.kind === 'check' && step.value === undefined && step.key !== '' ? { ...step, value: new Uint8Array(0) } : step,
              )
            : steps,
        ),
    })),
    fails: [
      'batch writes when every check holds, by content and by absence',
      'batch resolves with false and writes nothing when a check does not hold',
      'batch evaluates all checks before any write',
      'overlapping compare and set loses no update',
      'of overlapping batches that create one key, exactly one succeeds',
      'a long sequence of random calls does what it does to a map',
    ],
  },
  {
    fault: 'applies only the first step for a key',
    create: withFault((sound) => ({
      batch: (steps) =>
        sound.batch(
          Array.isArray(steps)
            ? steps.filter(
                (step, at) =>
                  step?.kind === 'check' || steps.findIndex((other) => other?.key === step?.key && other?.kind !== 'check') === at,
              )
            : steps,
        ),
    })),
    fails: ['batch applies its steps in order and resolves with true', 'a long sequence of random calls does what it does to a map'],
  },
  {
    fault: 'compares checks by length alone',
    create: withFault((sound) => ({
      async batch(steps) {
        const loose: StoreStep[] = []
        for (const step of steps) {
          if (step?.kind !== 'check' || typeof step.key !== 'string' || step.key === '') loose.push(step)
          else {
            const value = await sound.get(step.key)
            loose.push(value?.length === step.value?.length ? { ...step, value } : step)
          }
        }
        return await sound.batch(loose)
      },
    })),
    fails: [
      'batch resolves with false and writes nothing when a check does not hold',
      'batch copies its values and checks before it returns its promise',
      'batch evaluates all checks before any write',
      'a long sequence of random calls does what it does to a map',
    ],
  },
  {
    fault: 'writes what stands before a check that fails',
    create: withFault((sound) => ({
      async batch(steps) {
        const isDone = await sound.batch(steps)
        if (!isDone)
          for (const step of steps.slice(
            0,
            steps.findIndex(({ kind }) => kind === 'check'),
          ))
            await sound.batch([step])
        return isDone
      },
    })),
    fails: [
      'batch resolves with false and writes nothing when a check does not hold',
      'batch evaluates all checks before any write',
      'a long sequence of random calls does what it does to a map',
    ],
  },
  {
    fault: 'evaluates checks between writes',
    create: withFault((sound) => ({
      async batch(steps) {
        const model = new Map<string, Uint8Array | undefined>()
        const isUsual = !Array.isArray(steps) || steps.some((step) => typeof step?.key !== 'string' || step.key === '')
        if (isUsual || !steps.every(({ kind }) => ['set', 'delete', 'check'].includes(kind))) return await sound.batch(steps)
        const kept: StoreStep[] = []
        for (const step of steps) {
          if (step.kind === 'set') model.set(step.key, new Uint8Array(step.value))
          else if (step.kind === 'delete') model.set(step.key, undefined)
          else if (
            model.has(step.key) &&
            Buffer.compare(model.get(step.key) ?? Buffer.from('absent'), step.value ?? Buffer.from('absent')) !== 0
          )
            return false
          else if (model.has(step.key)) continue
          kept.push(step)
        }
        return await sound.batch(kept)
      },
    })),
    fails: ['batch evaluates all checks before any write', 'a long sequence of random calls does what it does to a map'],
  },
  {
    fault: 'applies a batch step by step, with waiting in between',
    create: withFault((sound) => ({
      async batch(steps) {
        const checks = steps.filter((step) => step?.kind === 'check')
        const writes = structuredClone(steps).filter((step) => step?.kind !== 'check')
        const copies = structuredClone(checks)
        if (!(await sound.batch(copies))) return false
        for (const step of writes) {
          await turn()
          await sound.batch([step])
        }
        return true
      },
    })),
    fails: [
      'batch writes nothing when one of its steps is not acceptable',
      'overlapping compare and set loses no update',
      'of overlapping batches that create one key, exactly one succeeds',
      'no reader sees half a batch',
    ],
  },
  {
    fault: 'keeps the arrays given to batch until it writes',
    create: withFault((sound) => ({
      async batch(steps) {
        await Promise.resolve()
        return await sound.batch(steps)
      },
    })),
    fails: ['batch copies its values and checks before it returns its promise'],
  },
  {
    fault: 'lets overlapping writes overtake each other',
    create: withFault((sound) => {
      let isSlow = false
      return {
        async set(key, value) {
          isSlow = !isSlow
          const copy = value instanceof Uint8Array ? new Uint8Array(value) : value
          if (isSlow && key === 'same') await turn()
          await sound.set(key, copy)
        },
      }
    }),
    fails: ['overlapping writes are all kept, the last to one key winning'],
  },
  {
    fault: 'lets overlapping deletes find the same entry',
    create: withFault((sound) => ({
      async delete(key) {
        const isThere = (await sound.get(key)) !== undefined
        await sound.delete(key)
        return isThere
      },
    })),
    fails: ['of overlapping deletes of one key, exactly one finds something'],
  },
  {
    fault: 'accepts any key in get and an empty key everywhere',
    create: withFault((sound) => ({
      get: async (key) => (typeof key === 'string' && key !== '' && key.length <= 1024 ? await sound.get(key) : undefined),
    })),
    fails: ['an empty key is refused', 'a key that is not a string is refused', 'a key as long as allowed is kept, a longer one refused'],
  },
  {
    fault: 'stores halves of surrogate pairs as U+FFFD',
    create: withFault((sound) => ({
      set: (key, value) => sound.set(typeof key === 'string' ? Buffer.from(key).toString() : key, value),
    })),
    fails: ['a key with half of a surrogate pair is refused'],
  },
  {
    fault: 'limits keys to 1024 bytes',
    create: withFault((sound) => ({
      async set(key, value) {
        if (typeof key === 'string' && Buffer.byteLength(key) > 1024) throw new OckamError('store/invalid-argument', 'Too long.')
        await sound.set(key, value)
      },
    })),
    fails: ['a key as long as allowed is kept, a longer one refused'],
  },
  {
    fault: 'cuts long values',
    create: withFault((sound) => ({
      set: (key, value) => sound.set(key, value instanceof Uint8Array ? value.subarray(0, 2 ** 20) : value),
    })),
    fails: ['a value as long as allowed is kept, a longer one refused'],
  },
  {
    fault: 'takes text for a value',
    create: withFault((sound) => ({ set: (key, value) => sound.set(key, typeof value === 'string' ? Buffer.from(value) : value) })),
    fails: ['a value that is not a Uint8Array is refused'],
  },
  {
    fault: 'throws plain errors',
    create: withFault((sound) => ({
      async get(key) {
        try {
          return await sound.get(key)
        } catch {
          throw new TypeError('Bad key or closed.')
        }
      },
    })),
    fails: [
      'an empty key is refused',
      'a key that is not a string is refused',
      'a key with half of a surrogate pair is refused',
      'a key as long as allowed is kept, a longer one refused',
      'every call after close is refused with store/closed',
    ],
  },
  {
    fault: 'scans everything for a prefix that is not a string',
    create: withFault((sound) => ({ scan: (prefix) => sound.scan(typeof prefix === 'string' ? prefix : '') })),
    fails: ['a prefix that is not a string is refused'],
  },
  {
    fault: 'stays usable after close',
    create: withFault(() => ({ close: async () => undefined })),
    fails: ['every call after close is refused with store/closed', 'calls are refused from the moment close was called'],
  },
  {
    fault: 'refuses a second close',
    create: withFault((sound) => {
      let isClosed = false
      return {
        async close() {
          if (isClosed) throw new OckamError('store/closed', 'Closed already.')
          isClosed = true
          await sound.close()
        },
      }
    }),
    fails: ['close may be called again, and on a store that was never used'],
  },
  {
    fault: 'drops writes under way when it is closed',
    create: withFault((sound) => {
      let isClosed = false
      return {
        async set(key, value) {
          if (isClosed || !(value instanceof Uint8Array)) return await sound.set(key, value)
          const copy = new Uint8Array(value)
          await sound.get(key)
          await turn()
          return await sound.set(key, copy)
        },
        async close() {
          isClosed = true
          await sound.close()
        },
      }
    }),
    fails: ['close waits for the writes under way'],
  },
]

describe('storeConformance', () => {
  it.each(faults)('catches a store that $fault', async ({ create, fails }) => {
    expect((await failuresOf({ create })).sort()).toEqual([...fails].sort())
  })

  it('has every check fail for some broken store', () => {
    const caught = new Set(faults.flatMap(({ fails }) => fails))
    const neverCaught = storeConformance({ create: memoryStore }).filter(({ name }) => !caught.has(name))
    expect(neverCaught.map(({ name }) => name)).toEqual([])
  })

  it('adds the checks of persistence when it can reopen, and they catch a store that forgets, half forgets, or brings back', async () => {
    const options = { create: memoryStore, reopen: () => memoryStore() }
    const persistence = storeConformance(options).slice(storeConformance({ create: memoryStore }).length)
    expect(await failuresOf(options)).toEqual(persistence.map(({ name }) => name))

    const copy = async (from: StoreEntry[]): Promise<Store> => {
      const to = memoryStore()
      for (const { key, value } of from) await to.set(key, value)
      return to
    }
    /** Remembers at close what `keep` makes of the entries. */
    const medium = (keep: (entries: StoreEntry[]) => StoreEntry[]): StoreConformanceOptions => {
      const kept = new WeakMap<Store, StoreEntry[]>()
      const watched = (sound: Store): Store => {
        const store: Store = {
          ...withFault(() => ({}))(),
          get: (key) => sound.get(key),
          set: (key, value) => sound.set(key, value),
          delete: (key) => sound.delete(key),
          scan: (prefix) => sound.scan(prefix),
          batch: (steps) => sound.batch(steps),
          async close() {
            if (!kept.has(store)) kept.set(store, await all(sound.scan('')))
            await sound.close()
          },
        }
        return store
      }
      return { create: () => watched(memoryStore()), reopen: async (closed) => watched(await copy(keep(kept.get(closed) ?? []))) }
    }
    const failing = async (keep: (entries: StoreEntry[]) => StoreEntry[]): Promise<string[]> =>
      (await failuresOf(medium(keep))).filter((name) => persistence.some((check) => check.name === name))
    expect(await failing((entries) => entries)).toEqual([])
    expect(await failing((entries) => entries.filter(({ value }) => value.length > 0))).toEqual([persistence[0]?.name])
    expect(await failing((entries) => entries.slice(0, 10))).toEqual([persistence[1]?.name])
    expect(await failing((entries) => [...entries, { key: 'round/0', value: new Uint8Array(1) }])).toContain(persistence[2]?.name)
  })
})
