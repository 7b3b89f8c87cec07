/**
 * A lock between processes that the operating system lets go of when its process ends, however it ends: a file store that is held open
 * (`@ockam/storage-file` says how). Locks lie in a folder of their own and are never removed, so that nobody can hold one that is not there any more.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { OckamError } from '@ockam/core'
import { fileStore } from '@ockam/storage-file'

export interface ProcessLock {
  release(): Promise<void>
}

const PAUSE_MS = 25

/** @throws {OckamError} `store/locked` when somebody else has it for longer than `waitMs`. */
export async function takeLock(folder: string, waitMs: number): Promise<ProcessLock> {
  const deadline = performance.now() + waitMs
  for (;;) {
    const store = fileStore(folder)
    try {
      await store.get('lock')
      return { release: () => store.close() }
    } catch (error) {
      await store.close()
      if (!OckamError.is(error, 'store/locked') || performance.now() >= deadline) throw error
    }
    await sleep(Math.random() * PAUSE_MS)
  }
}
