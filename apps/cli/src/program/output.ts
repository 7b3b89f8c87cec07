/**
 * Standard output and standard error that nobody reads any more, or that cannot be written, as on a full disk. `ockam … | head -1` ends in silence;
 * what cannot be printed for another reason is a failure; talk that cannot be written is lost and harms nothing.
 */

import type { Writable } from 'node:stream'
import { CommandError } from '../error.ts'

export interface WatchedOutput {
  /** Whether the reader of standard output has gone. */
  readonly isClosed: boolean
  /** Resolves when everything printed was taken. @throws {CommandError} `cli/failed` when it could not be written. */
  flushed(): Promise<void>
}

/** @param onClosed called when nobody reads standard output any more: whatever goes on printing may stop. */
export function watchOutput(
  { stdout, stderr }: { readonly stdout: Writable; readonly stderr: Writable },
  onClosed: () => void,
): WatchedOutput {
  let failure: NodeJS.ErrnoException | undefined
  const isBrokenPipe = (): boolean => failure?.code === 'EPIPE'
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    failure ??= error
    if (isBrokenPipe()) onClosed()
  })
  stderr.on('error', () => undefined)
  return {
    get isClosed() {
      return isBrokenPipe()
    },
    async flushed() {
      // Errors are told a turn after the write they are about.
      await new Promise<void>((resolve) => void stdout.write('', () => setImmediate(resolve)))
      if (failure === undefined || isBrokenPipe()) return
      throw new CommandError('cli/failed', `Standard output cannot be written: ${failure.code ?? failure.message}.`, { cause: failure })
    },
  }
}
