/** The few assertions of the vault kit. Failures say what was promised; they print lengths and verdicts, never secrets. */

import { OckamError } from '@ockam/core'

export function assert(condition: boolean, promise: string): asserts condition {
  if (!condition) throw new Error(`The vault breaks a promise: ${promise}.`)
}

/** Equality of bytes; on failure only the lengths are told. */
export function assertBytes(actual: Uint8Array, expected: Uint8Array, promise: string): void {
  assert(
    actual instanceof Uint8Array && actual.length === expected.length && actual.every((byte, at) => byte === expected[at]),
    `${promise} (got ${actual?.length} bytes, expected ${expected.length})`,
  )
}

/** A result as core's types demand it: a plain Uint8Array, not a subclass such as Buffer, of the given length. */
export function assertPlainBytes(value: Uint8Array, length: number, promise: string): void {
  assert(Object.getPrototypeOf(value) === Uint8Array.prototype, `${promise}: a plain Uint8Array`)
  assert(value.length === length, `${promise}: ${length} bytes, got ${value.length}`)
}

/** @param operation throws or rejects with an OckamError of this code. */
export async function assertFails(operation: () => unknown, code: string, promise: string): Promise<void> {
  const failure = await failureOf(operation)
  assert(OckamError.is(failure, code), `${promise} fails with ${code}, got ${describe(failure)}`)
}

/** @param operation rejects with exactly this reason. */
export async function assertRejectsWith(operation: () => unknown, reason: unknown, promise: string): Promise<void> {
  const failure = await failureOf(operation)
  assert(failure === reason, `${promise} rejects with the signal's reason, got ${describe(failure)}`)
}

const NOTHING = Symbol('nothing')

async function failureOf(operation: () => unknown): Promise<unknown> {
  try {
    await operation()
    return NOTHING
  } catch (failure) {
    return failure
  }
}

function describe(failure: unknown): string {
  if (failure === NOTHING) return 'no failure'
  if (OckamError.is(failure)) return failure.code
  return failure instanceof Error ? failure.name : typeof failure
}
