/**
 * A long sequence of pseudo-random calls, compared with a plain map after each: finds what no single check thought of. The sequence is the same in
 * every run; a failure names the call.
 */

import type { Store, StoreEntry, StoreStep } from '@ockam/core'
import { expectEqual } from './assertion.ts'
import { bytes, collect, pseudoRandom } from './entry.ts'
import type { StoreCheck } from './store-check.ts'

const KEYS: readonly string[] = ['a', 'a/1', 'a/2', 'b', 'b/\u00e9', 'c']
const CALLS = 400

export const modelChecks: readonly StoreCheck[] = [
  {
    name: 'a long sequence of random calls does what it does to a map',
    async run(store) {
      const model = new Map<string, Uint8Array<ArrayBuffer>>()
      const random = pseudoRandom(0x0ca3)
      for (let call = 1; call <= CALLS; call++) await callOnce(store, model, random, `call ${call}`)
    },
  },
]

type Model = Map<string, Uint8Array<ArrayBuffer>>

async function callOnce(store: Store, model: Model, random: (below: number) => number, call: string): Promise<void> {
  const key = KEYS[random(KEYS.length)] ?? ''
  switch (random(5)) {
    case 0: {
      const value = bytes(String(random(4)))
      await store.set(key, value)
      model.set(key, value)
      break
    }
    case 1:
      expectEqual(await store.delete(key), model.delete(key), `${call}, delete ${key}`)
      break
    case 2:
      expectEqual(await store.get(key), model.get(key), `${call}, get ${key}`)
      break
    case 3: {
      const prefix = key.slice(0, random(3))
      expectEqual(await collect(store, prefix), entriesOf(model, prefix), `${call}, scan ${prefix}`)
      break
    }
    default: {
      const steps = Array.from({ length: random(5) }, () => randomStep(model, random))
      expectEqual(await store.batch(steps), batchOn(model, steps), `${call}, batch ${JSON.stringify(steps)}`)
    }
  }
}

function randomStep(model: Model, random: (below: number) => number): StoreStep {
  const key = KEYS[random(KEYS.length)] ?? ''
  switch (random(5)) {
    case 0:
      return { kind: 'delete', key }
    case 1:
      return { kind: 'check', key, value: model.get(key) }
    case 2:
      return { kind: 'check', key, value: random(2) === 0 ? undefined : bytes(String(random(4))) }
    default:
      return { kind: 'set', key, value: bytes(String(random(4))) }
  }
}

function batchOn(model: Model, steps: readonly StoreStep[]): boolean {
  const text = (value: Uint8Array | undefined): string | undefined => value && new TextDecoder().decode(value)
  if (steps.some((step) => step.kind === 'check' && text(step.value) !== text(model.get(step.key)))) return false
  for (const step of steps) {
    if (step.kind === 'set') model.set(step.key, new Uint8Array(step.value))
    else if (step.kind === 'delete') model.delete(step.key)
  }
  return true
}

function entriesOf(model: Model, prefix: string): StoreEntry[] {
  return [...model.keys()]
    .filter((key) => key.startsWith(prefix))
    .sort()
    .map((key) => ({ key, value: model.get(key) ?? new Uint8Array(0) }))
}
