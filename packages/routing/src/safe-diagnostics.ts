/** Diagnostics that cannot disturb the node: what a listener throws is dropped, because there is nobody left to tell. */
import type { Diagnostics } from '@ockam/core'

export function safeDiagnostics(diagnostics: Diagnostics): Diagnostics {
  return {
    event(name, details) {
      try {
        diagnostics.event(name, details)
      } catch {
        // A message must not be lost, nor a socket closed, because a log is full.
      }
    },
  }
}
