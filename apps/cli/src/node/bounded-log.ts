/**
 * Keeps a node's log small while the node runs: whoever reaches its port causes lines. Of each event so many a second are written, and how many more
 * there were; a file that is full is put aside, and the one that was put aside before is dropped.
 */

import { copyFileSync, statSync, truncateSync } from 'node:fs'
import type { DiagnosticDetails, Diagnostics } from '@ockam/core'

/** A log longer than this is put aside, also when the node starts. */
export const MAX_LOG_BYTES = 16 * 1024 * 1024
const MAX_EVENTS = 20
const WINDOW_MS = 1000

/**
 * @param path where `write` appends to. The file itself stays, emptied: the process has it open as its standard error, and others follow it.
 * @param write takes a line without its end.
 */
export function boundedLog(path: string, write: (line: string) => void, maxBytes = MAX_LOG_BYTES): (line: string) => void {
  let bytes = sizeOf(path)
  return (line) => {
    const length = Buffer.byteLength(line) + 1
    if (bytes + length > maxBytes) bytes = beginAnew(path)
    bytes += length
    write(line)
  }
}

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0

function beginAnew(path: string): number {
  try {
    copyFileSync(path, `${path}.1`)
  } catch {
    // Without room for the old lines they are dropped.
  }
  try {
    truncateSync(path)
  } catch {
    // Tried again when as much has been written once more.
  }
  return 0
}

/** Passes on so many events of a name in a second, then, as one more event of that name, how many were left out. */
export class LimitedDiagnostics implements Diagnostics {
  readonly #next: Diagnostics
  readonly #counts = new Map<string, number>()
  #timer: NodeJS.Timeout | undefined

  constructor(next: Diagnostics) {
    this.#next = next
  }

  event(name: string, details?: DiagnosticDetails): void {
    const count = (this.#counts.get(name) ?? 0) + 1
    this.#counts.set(name, count)
    this.#timer ??= setTimeout(() => this.flush(), WINDOW_MS).unref()
    if (count <= MAX_EVENTS) this.#next.event(name, details)
  }

  /** Says what was left out, and begins to count anew. */
  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    for (const [name, count] of this.#counts) if (count > MAX_EVENTS) this.#next.event(name, { leftOut: count - MAX_EVENTS })
    this.#counts.clear()
  }
}
