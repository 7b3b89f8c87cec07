/** What a node and its process hold, for tests that look for leaks. */

import { readdirSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { FlowControls, Router } from '@ockam/core'

export interface Held {
  /** Things that must be as many afterwards as before, by name. */
  readonly counts: Readonly<Record<string, number>>
  /** Objects and buffers in use, after everything that is garbage has gone. */
  readonly bytes: number
}

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

export async function heldBy(router: Router): Promise<Held> {
  const { workers, connections, waitingMessages, waitingBytes } = router.statistics()
  const { consumerCount } = router.flowControls as FlowControls & { readonly consumerCount: number }
  const handles: Record<string, number> = {}
  for (const kind of process.getActiveResourcesInfo()) handles[kind] = (handles[kind] ?? 0) + 1
  const { TCPSocketWrap: sockets = 0, TCPServerWrap: listeners = 0, Timeout: timers = 0 } = handles
  const counts = {
    workers,
    connections,
    consumers: consumerCount,
    waitingMessages,
    waitingBytes,
    sockets,
    listeners,
    timers,
    files: openFiles(),
  }
  for (let i = 0; i < 4; i++) {
    collectGarbage()
    await new Promise((resolve) => setImmediate(resolve))
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return { counts, bytes: heapUsed + arrayBuffers }
}

/** 0 where the system does not tell. */
function openFiles(): number {
  try {
    return readdirSync('/proc/self/fd').length
  } catch {
    return 0
  }
}
