/** Diagnostics a person can read: one line an event. */

import type { DiagnosticDetails, Diagnostics } from '@ockam/core'

/**
 * Writes every event as `time area/what key=value …`.
 * @param write takes a line without its end. Default: `console.error`, so that data on standard output stays clean.
 */
export function printDiagnostics(write: (line: string) => void = printLine): Diagnostics {
  return {
    event(name: string, details: DiagnosticDetails = {}) {
      const values = Object.entries(details).flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${printable(value)}`]))
      write([new Date().toISOString(), name, ...values].join(' '))
    },
  }
}

function printLine(line: string): void {
  // oxlint-disable-next-line no-console -- printing is what this is for
  console.error(line)
}

/** Text of peers may try to look like further fields or lines. */
function printable(value: string | number | boolean): string {
  return typeof value === 'string' && !/^[\w.:/#@-]+$/.test(value) ? JSON.stringify(value) : String(value)
}
