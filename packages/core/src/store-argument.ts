/**
 * What every store checks and copies before it acts, so that a program which works with one store is not refused by another.
 *
 * For implementers of {@link Store}: call these first, in the same turn as the caller's call, because the caller may change its bytes as soon
 * as it has its promise. They throw; inside an `async` method that becomes the rejection the interface promises.
 */

import { OckamError } from './error.ts'
import type { StoreErrorCode, StoreStep } from './store.ts'

/** What fits into any store. */
export const STORE_LIMIT: {
  /** Longest key, in UTF-16 code units. The shortest has one. */
  readonly keyLength: number
  /** Longest value, in bytes. An empty value is a value. */
  readonly valueLength: number
  /** Most steps of one batch. */
  readonly batchSteps: number
  /** Most bytes in the values of one batch, those of checks included. */
  readonly batchBytes: number
} = { keyLength: 1024, valueLength: 16 * 1024 * 1024, batchSteps: 65_536, batchBytes: 64 * 1024 * 1024 }

/** A step as a store may keep it: its value is a copy of the caller's. */
export type OwnedStoreStep =
  | { readonly kind: 'set'; readonly key: string; readonly value: Uint8Array<ArrayBuffer> }
  | { readonly kind: 'delete'; readonly key: string }
  | { readonly kind: 'check'; readonly key: string; readonly value: Uint8Array<ArrayBuffer> | undefined }

/** @throws {OckamError} `store/invalid-argument` unless `key` is well-formed text of 1 to 1024 code units. */
export function checkStoreKey(key: unknown): asserts key is string {
  if (typeof key !== 'string') throw invalid(`The key of a store entry must be a string, got ${typeof key}.`)
  if (key.length === 0) throw invalid('The key of a store entry must not be empty.')
  if (key.length > STORE_LIMIT.keyLength) {
    throw invalid(`The key of a store entry is ${key.length} characters long; at most ${STORE_LIMIT.keyLength} are allowed.`)
  }
  // Half of a surrogate pair has no UTF-8 form: media would store two such keys under one name.
  if (/\p{Surrogate}/u.test(key))
    throw invalid('The key of a store entry is not well-formed Unicode: it contains half of a surrogate pair.')
}

/** @throws {OckamError} `store/invalid-argument` unless `prefix` is a string; the empty one means every entry. */
export function checkStorePrefix(prefix: unknown): asserts prefix is string {
  if (typeof prefix !== 'string') throw invalid(`The prefix of a scan must be a string, got ${typeof prefix}.`)
}

/**
 * A copy of `value` that is the store's own.
 * @throws {OckamError} `store/invalid-argument` unless it is a `Uint8Array` of at most 16 MiB.
 */
export function copyStoreValue(value: unknown): Uint8Array<ArrayBuffer> {
  if (!(value instanceof Uint8Array)) throw invalid(`The value of a store entry must be a Uint8Array, got ${typeof value}.`)
  if (value.length > STORE_LIMIT.valueLength) {
    throw invalid(`The value of a store entry has ${value.length} bytes; at most ${STORE_LIMIT.valueLength} are allowed.`)
  }
  return new Uint8Array(value)
}

/**
 * Copies of all steps, in order.
 * @throws {OckamError} `store/invalid-argument` when a step is not one, or the batch is over a limit.
 */
export function copyStoreSteps(steps: readonly StoreStep[]): OwnedStoreStep[] {
  if (!Array.isArray(steps)) throw invalid('A batch must be an array of steps.')
  if (steps.length > STORE_LIMIT.batchSteps) {
    throw invalid(`A batch has ${steps.length} steps; at most ${STORE_LIMIT.batchSteps} are allowed. Split it.`)
  }
  let room = STORE_LIMIT.batchBytes
  return steps.map((step: StoreStep | null | undefined) => {
    const value = step?.kind === 'set' || step?.kind === 'check' ? step.value : undefined
    if (value instanceof Uint8Array) room -= value.length
    if (room < 0) throw invalid(`The values of a batch have more than ${STORE_LIMIT.batchBytes} bytes. Split it.`)
    return copyStep(step)
  })
}

function copyStep(step: StoreStep | null | undefined): OwnedStoreStep {
  checkStoreKey(step?.key)
  switch (step?.kind) {
    case 'set':
      return { kind: 'set', key: step.key, value: copyStoreValue(step.value) }
    case 'delete':
      return { kind: 'delete', key: step.key }
    case 'check':
      return { kind: 'check', key: step.key, value: step.value === undefined ? undefined : copyStoreValue(step.value) }
    default:
      throw invalid('A step of a batch must be of kind set, delete or check.')
  }
}

function invalid(message: string): OckamError<StoreErrorCode> {
  return new OckamError('store/invalid-argument', message)
}
