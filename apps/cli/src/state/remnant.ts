/**
 * Folders on their way in or out of the state. A new one is filled under a name that begins with `.new-` and then renamed; one that is deleted is
 * renamed to `.gone-` and then removed. So each is there as a whole or not at all; what a crash leaves has such a name.
 */

import { randomBytes } from 'node:crypto'
import { readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** No folder takes so long to fill. */
const ABANDONED_AFTER_MS = 3_600_000

/** A path for a folder that is being filled. */
export function arriving(parent: string): string {
  return join(parent, `.new-${randomBytes(6).toString('hex')}`)
}

/** A path for a folder that is to be removed. */
export function leaving(parent: string): string {
  return join(parent, `.gone-${randomBytes(6).toString('hex')}`)
}

/** Removes what crashes left behind; they may be keys that somebody meant to delete. */
export function removeRemnants(parent: string): void {
  for (const name of readdirSync(parent)) {
    const path = join(parent, name)
    if (name.startsWith('.gone-') || (name.startsWith('.new-') && isAbandoned(path))) rmSync(path, { recursive: true, force: true })
  }
}

function isAbandoned(path: string): boolean {
  const changedAtMs = statSync(path, { throwIfNoEntry: false })?.mtimeMs
  return changedAtMs !== undefined && Date.now() - changedAtMs > ABANDONED_AFTER_MS
}
