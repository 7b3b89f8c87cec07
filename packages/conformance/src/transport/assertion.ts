/** The few assertions of the transport kit. They compare plain values; payloads are compared by what the checks know about them. */

import { OckamError } from '@ockam/core'

/** @throws {Error} with `message` unless `condition` holds. */
export function expectThat(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(message)
}

/** @throws {Error} unless both are the same number, text or undefined. */
export function expectSame(actual: unknown, expected: string | number | undefined, what: string): void {
  expectThat(actual === expected, `${what}: expected ${String(expected)}, found ${String(actual)}.`)
}

/** @throws {Error} unless `promise` rejects with an `OckamError` of that code. */
export async function expectRejection(promise: Promise<unknown>, code: string, what: string): Promise<void> {
  const outcome = await promise.then(
    () => 'it succeeded',
    (error: unknown) => (OckamError.is(error) ? error.code : `it failed with something else than an OckamError: ${String(error)}`),
  )
  expectThat(outcome === code, `${what}: expected the error ${code}, but ${outcome}.`)
}
