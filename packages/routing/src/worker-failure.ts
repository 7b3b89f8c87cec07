/**
 * What diagnostics are told of an error in a worker. Messages of errors are left out, because they may quote a payload (those of `JSON.parse` do);
 * the code, the name and the place in the program are enough to find it.
 */
import { type Address, type DiagnosticDetails, type Diagnostics, OckamError } from '@ockam/core'

/** @param phase what the worker was doing. */
export function reportFailure(diagnostics: Diagnostics, address: Address, phase: 'start' | 'message' | 'stop', error: unknown): void {
  const details: DiagnosticDetails = {
    address: address.toString(),
    phase,
    error: error instanceof Error ? error.name : typeof error,
    code: OckamError.is(error) ? error.code : undefined,
    at: error instanceof Error ? placeOf(error) : undefined,
  }
  diagnostics.event('routing/worker-failed', details)
}

function placeOf(error: Error): string | undefined {
  const stack = error.stack
  if (stack === undefined) return undefined
  // The message comes first in a stack, and could itself hold a line that looks like a place.
  const behindMessage = stack.indexOf(error.message) + error.message.length
  // Built-in functions have no place of their own: the first line with one is where the program called them.
  return /^\s*at (.{1,200}:\d+:\d+\)?)$/m.exec(stack.slice(behindMessage))?.[1]
}
