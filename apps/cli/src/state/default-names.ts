/** Which node, identity and vault is meant when none is named. One file each, so that nobody overwrites what another process changes. */

import { join } from 'node:path'
import { z } from 'zod'
import { createRecord, readRecord, removeRecord, writeRecord } from './record-file.ts'

export const DEFAULT_KINDS = ['node', 'identity', 'vault'] as const
export type DefaultKind = (typeof DEFAULT_KINDS)[number]

const RECORD = z.object({ name: z.string() })

export class DefaultNames {
  readonly #folder: string

  /** @internal Use `openState`. */
  constructor(folder: string) {
    this.#folder = folder
  }

  get(kind: DefaultKind): string | undefined {
    return readRecord(this.#path(kind), RECORD)?.name
  }

  /** The caller has made sure that there is such a thing. */
  set(kind: DefaultKind, name: string): void {
    writeRecord(this.#path(kind), { name })
  }

  /** Makes it the default unless there is one. */
  setFirst(kind: DefaultKind, name: string): void {
    createRecord(this.#path(kind), { name })
  }

  /** For a thing that was deleted: if it was the default, the first of the remaining becomes it. */
  forget(kind: DefaultKind, name: string, remaining: readonly string[]): void {
    if (this.get(kind) !== name) return
    const [next] = remaining
    if (next === undefined) removeRecord(this.#path(kind))
    else this.set(kind, next)
  }

  #path(kind: DefaultKind): string {
    return join(this.#folder, `${kind}.json`)
  }
}
