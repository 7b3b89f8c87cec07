/** Prints a node's log, and what is added to it. */

import { type FileHandle, open } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { notFoundError } from '../error.ts'

export interface PrintLogOptions {
  readonly path: string
  /** Only so many of the last lines; undefined: all. */
  readonly lines: number | undefined
  readonly isFollowing: boolean
  /** Following ends with the node. */
  readonly isRunning: () => boolean
  readonly write: (bytes: Uint8Array) => void
  readonly signal: AbortSignal
}

const CHUNK = 64 * 1024
const LOOK_EVERY_MS = 200
const NEWLINE = 0x0a

export async function printLog({ path, lines, isFollowing, isRunning, write, signal }: PrintLogOptions): Promise<void> {
  const file = await open(path, 'r').catch(() => undefined)
  if (file === undefined) throw notFoundError(`There is no log at ${path}.`, 'Nodes in the foreground log to their terminal.')
  try {
    let at = lines === undefined ? 0 : await startOfLast(file, lines)
    for (;;) {
      const wasRunning = isRunning()
      at = await copyFrom(file, at, write)
      if (!isFollowing || !wasRunning || signal.aborted) return
      await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined)
    }
  } finally {
    await file.close()
  }
}

/** Writes everything from `at` on. @returns where the next part begins. */
async function copyFrom(file: FileHandle, at: number, write: (bytes: Uint8Array) => void): Promise<number> {
  const { size } = await file.stat()
  // A log that was begun anew.
  let position = size < at ? 0 : at
  for (;;) {
    const { bytesRead, buffer } = await file.read(new Uint8Array(CHUNK), 0, CHUNK, position)
    if (bytesRead === 0) return position
    write(buffer.subarray(0, bytesRead))
    position += bytesRead
  }
}

/** Offset of the last lines, read from the end. */
async function startOfLast(file: FileHandle, lines: number): Promise<number> {
  let { size: position } = await file.stat()
  let found = 0
  let isLastByte = true
  while (position > 0) {
    const length = Math.min(CHUNK, position)
    const { buffer } = await file.read(new Uint8Array(length), 0, length, position - length)
    for (let i = length - 1; i >= 0; i--) {
      if (buffer[i] === NEWLINE && !isLastByte) found++
      isLastByte = false
      if (found === lines) return position - length + i + 1
    }
    position -= length
  }
  return 0
}
