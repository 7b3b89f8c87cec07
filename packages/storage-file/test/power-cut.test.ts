import type { StoreStep } from '@ockam/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fileStoreOn } from '../src/file-store.ts'
import { type RandomNumber, SimulatedDisk } from './simulated-disk.ts'

// The promise: what was acknowledged is there, and what is there is what some prefix of the calls made, whole calls only, however the process or
// the machine ends. Calls are atomic and made durable in order, so the state after a crash must be that of the first n calls, where n is at least
// the number acknowledged and at most the number made.

const KEYS = ['a', 'b', 'c', 'd']

const step: fc.Arbitrary<StoreStep> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('set' as const), key: fc.constantFrom(...KEYS), value: fc.uint8Array({ maxLength: 150 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('delete' as const), key: fc.constantFrom(...KEYS) }) },
)
/** Batches made without waiting, then a pause. */
const bursts = fc.array(fc.array(fc.array(step, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 4 }), {
  minLength: 1,
  maxLength: 15,
})

type State = Readonly<Record<string, string>>

function stateAfter(state: State, steps: readonly StoreStep[]): State {
  const next = { ...state }
  for (const each of steps) {
    if (each.kind === 'set') next[each.key] = each.value.join()
    else if (each.kind === 'delete') delete next[each.key]
  }
  return next
}

async function stateOf(disk: SimulatedDisk): Promise<State> {
  const store = fileStoreOn(disk, '/store')
  const state: Record<string, string> = {}
  for await (const { key, value } of store.scan('')) state[key] = value.join()
  await store.set('probe', new Uint8Array(1))
  expect(await store.delete('probe')).toBe(true)
  await store.close()
  return state
}

interface Run {
  readonly disk: SimulatedDisk
  /** States after none, one, two … of the calls. */
  readonly states: readonly State[]
  readonly acknowledged: number
  readonly made: number
}

async function runUntilCrash(calls: readonly (readonly (readonly StoreStep[])[])[], operations: number, part: number): Promise<Run> {
  const disk = new SimulatedDisk()
  disk.operationsUntilCrash = operations
  disk.partOfFailedWrite = part
  const store = fileStoreOn(disk, '/store', { compactAboveBytes: 300 })
  const states: State[] = [{}]
  let acknowledged = 0
  for (const burst of calls) {
    if (disk.isCrashed) break
    const results = await Promise.allSettled(
      burst.map(async (steps) => {
        states.push(stateAfter(states.at(-1) ?? {}, steps))
        await store.batch(steps)
        acknowledged += 1
      }),
    )
    if (!disk.isCrashed) for (const { status } of results) expect(status).toBe('fulfilled')
  }
  return { disk, states, acknowledged, made: states.length - 1 }
}

const random = fc.infiniteStream(fc.nat()).map(
  (numbers): RandomNumber =>
    (below) =>
      (numbers.next().value as number) % below,
)

describe('a crash at any operation', () => {
  it.each<[string, (disk: SimulatedDisk, random: RandomNumber) => SimulatedDisk]>([
    ['the process is killed', (disk) => disk.afterKill()],
    ['the power fails', (disk, choose) => disk.afterPowerCut(choose)],
  ])('loses nothing acknowledged and splits no batch when %s', async (_name, recover) => {
    let crashes = 0
    await fc.assert(
      fc.asyncProperty(
        bursts,
        fc.integer({ min: 1, max: 120 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        random,
        async (calls, operations, part, choose) => {
          const { disk, states, acknowledged, made } = await runUntilCrash(calls, operations, part)
          if (disk.isCrashed) crashes += 1
          const found = await stateOf(recover(disk, choose))
          const possible = states.slice(acknowledged, made + 1)
          expect(possible).toContainEqual(found)
        },
      ),
      { numRuns: 400 },
    )
    // The property is about crashes: most runs must have had one.
    expect(crashes).toBeGreaterThan(100)
  })

  it('loses nothing at any operation of one compaction', async () => {
    const value = new Uint8Array(100).fill(7)
    const calls = Array.from({ length: 8 }, (): StoreStep[][] => [[{ kind: 'set', key: 'a', value }]])
    let compactions = 0
    for (let operations = 1; operations < 60; operations++) {
      const { disk, acknowledged } = await runUntilCrash(calls, operations, 0.5)
      if ((disk.counts.get('rename') ?? 0) > 1) compactions += 1
      for (const survivor of [disk.afterKill(), disk.afterPowerCut(() => 0), disk.afterPowerCut((below) => below - 1)]) {
        const state = await stateOf(survivor)
        if (acknowledged > 0) expect(state).toEqual({ a: value.join() })
        expect(survivor.paths).toEqual(['/store/log'])
      }
    }
    expect(compactions).toBeGreaterThan(10)
  })

  it('would be noticed if the log were not synced before the acknowledgement', async () => {
    const careless = new SimulatedDisk()
    const [open, create] = [careless.open.bind(careless), careless.create.bind(careless)]
    // A disk that says it has synced and has not.
    careless.create = async (path) => ({ ...(await create(path)), sync: async () => undefined })
    careless.open = async (path) => ({ ...(await open(path)), sync: async () => undefined })
    const store = fileStoreOn(careless, '/store')
    await store.set('a', new Uint8Array(1))
    const found = await stateOf(careless.afterPowerCut(() => 0)).catch((error: unknown) => error)
    expect(found).not.toEqual({ a: '0' })
  })
})
