/**
 * The few assertions the store kit is written with; no test runner is needed. Failures print what was expected and what was found: the values of
 * these checks are made up and no secret.
 */

import { OckamError } from '@ockam/core'

/** @throws {Error} with `message` unless `condition` holds. */
export function expectThat(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(message)
}

/** @throws {Error} unless both are the same, arrays, plain objects and bytes compared by what is in them. */
export function expectEqual(actual: unknown, expected: unknown, what: string): void {
  if (!isEqual(actual, expected)) throw new Error(`${what}: expected ${print(expected)}, found ${print(actual)}.`)
}

/** @throws {Error} unless `promise` rejects with an `OckamError` of that code. */
export async function expectRejection(promise: Promise<unknown>, code: string, what: string): Promise<void> {
  const outcome = await promise.then(
    () => 'it succeeded',
    (error: unknown) => {
      if (OckamError.is(error)) return error.code === code ? undefined : `it failed with ${error.code}`
      return `it failed with something else than an OckamError: ${String(error)}`
    },
  )
  expectThat(outcome === undefined, `${what}: expected the error ${code}, but ${outcome}.`)
}

function isEqual(left: unknown, right: unknown): boolean {
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return Object.is(left, right)
  if (left instanceof Uint8Array || right instanceof Uint8Array) {
    if (!(left instanceof Uint8Array && right instanceof Uint8Array) || left.length !== right.length) return false
    for (let at = 0; at < left.length; at++) if (left[at] !== right[at]) return false
    return true
  }
  const [mine, others] = [Object.entries(left), new Map(Object.entries(right))]
  return mine.length === others.size && mine.every(([key, value]) => others.has(key) && isEqual(value, others.get(key)))
}

const PRINT_LIMIT = 300

/** Enough of a value to recognise it. */
function print(value: unknown): string {
  if (value instanceof Uint8Array) {
    const start = Array.from(value.subarray(0, 16), (byte) => byte.toString(16).padStart(2, '0')).join('')
    return value.length <= 16 ? `0x${start}` : `0x${start}… (${value.length} bytes)`
  }
  if (Array.isArray(value)) return cut(`[${value.map(print).join(', ')}]`)
  if (typeof value === 'object' && value !== null) {
    return cut(
      `{ ${Object.entries(value)
        .map(([key, part]) => `${key}: ${print(part)}`)
        .join(', ')} }`,
    )
  }
  return cut(typeof value === 'string' ? JSON.stringify(value) : String(value))
}

function cut(text: string): string {
  return text.length <= PRINT_LIMIT ? text : `${text.slice(0, PRINT_LIMIT)}… (${text.length} characters)`
}
