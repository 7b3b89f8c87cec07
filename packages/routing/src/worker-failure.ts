/**
 * What diagnostics are told of an error in a worker. Messages of errors are left out, because they may quote a payload (those of `JSON.parse` do);
 * the code, the name and the place in the program are enough to find it.
 */
import { type Address, type DiagnosticDetails, type Diagnostics, OckamError, placeOf } from '@ockam/core'

/** @param phase what the worker was doing. */
export function reportFailure(diagnostics: Diagnostics, address: Address, phase: 'start' | 'message' | 'stop', error: unknown): void {
  const details: DiagnosticDetails = {
    address: address.toString(),
    phase,
    error: error instanceof Error ? error.name : typeof error,
    code: OckamError.is(error) ? error.code : undefined,
    at: placeOf(error),
  }
  diagnostics.event('routing/worker-failed', details)
}
