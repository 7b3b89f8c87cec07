/**
 * Standard output and standard error that nobody reads any more, or that cannot be written, as on a full disk. `ockam … | head -1` ends in silence;
 * what cannot be printed for another reason is a failure; talk that cannot be written is lost and harms nothing.
 */

import type { Writable } from 'node:stream'
import { CommandError } from '../error.ts'

export interface WatchedOutput {
  /** Whether the reader of standard output has gone. */
  readonly isClosed: boolean
  /** Called when that happens: whatever goes on printing may stop. */
  onClosed: () => void
  /** To be called behind the last output. @throws {CommandError} `cli/failed` when it could not be written. */
  flushed(): Promise<void>
}

/** Listens for as long as the process lives: the last error may come behind everything else. */
export function watchOutput({ stdout, stderr }: { readonly stdout: Writable; readonly stderr: Writable }): WatchedOutput {
  let failure: NodeJS.ErrnoException | undefined
  const isBrokenPipe = (): boolean => failure?.code === 'EPIPE'
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    failure ??= error
    if (isBrokenPipe()) output.onClosed()
  })
  stderr.on('error', () => undefined)
  const output: WatchedOutput = {
    get isClosed() {
      return isBrokenPipe()
    },
    onClosed: () => undefined,
    async flushed() {
      // Errors are told a turn after the write they are about. What a slow reader has not taken yet, the process waits for before it ends.
      await new Promise((resolve) => setImmediate(resolve))
      if (failure === undefined || isBrokenPipe()) return
      throw new CommandError('cli/failed', `Standard output cannot be written: ${failure.code ?? failure.message}.`, { cause: failure })
    },
  }
  return output
}
