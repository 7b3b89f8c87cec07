/**
 * Counts what a channel drops and refuses. Each reason is also reported to diagnostics at its 1st, 2nd, 4th, 8th … time: a flood of forgeries must not
 * become a flood of log lines.
 */

import type { Diagnostics } from '@ockam/core'

export interface ChannelCounters {
  /** Messages of this node that did not get out. */
  dropped(count: number, reason: string): void
  /** Ciphertexts that were not accepted. */
  refused(reason: string): void
  snapshot(): { readonly dropped: number; readonly refused: Readonly<Record<string, number>> }
}

export function createCounters(diagnostics: Diagnostics): ChannelCounters {
  const refused: Record<string, number> = {}
  let dropped = 0
  let dropEvents = 0
  return {
    dropped(count, reason): void {
      dropped += count
      dropEvents++
      if (isPowerOfTwo(dropEvents)) diagnostics.event('secure-channel/message-dropped', { reason, dropped })
    },
    refused(reason): void {
      const count = (refused[reason] ?? 0) + 1
      refused[reason] = count
      if (isPowerOfTwo(count)) diagnostics.event('secure-channel/ciphertext-refused', { reason, count })
    },
    snapshot: () => ({ dropped, refused: { ...refused } }),
  }
}

function isPowerOfTwo(count: number): boolean {
  return 2 ** Math.floor(Math.log2(count)) === count
}
