/**
 * Counts what a channel drops and refuses. Diagnostics hear of the 1st, 2nd, 4th, 8th … time: a flood of forgeries must not
 * become a flood of log lines.
 */

import type { Diagnostics } from '@ockam/core'

export interface ChannelCounters {
  /** A message of this node that did not get out. */
  dropped(reason: string): void
  /** A ciphertext that was not accepted. */
  refused(reason: string): void
  snapshot(): { readonly dropped: number; readonly refused: Readonly<Record<string, number>> }
}

export function createCounters(diagnostics: Diagnostics): ChannelCounters {
  const refused: Record<string, number> = {}
  let dropped = 0
  return {
    dropped(reason): void {
      dropped++
      if (isPowerOfTwo(dropped)) diagnostics.event('secure-channel/message-dropped', { reason, dropped })
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
