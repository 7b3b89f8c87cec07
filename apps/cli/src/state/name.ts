/** Names that people give to nodes, vaults and identities. They become names of files. */

import { readdirSync } from 'node:fs'
import { usageError } from '../error.ts'

const PATTERN = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/

/** @param kind what is named, for the message. @throws {CommandError} `cli/usage` */
export function checkName(kind: string, name: string): void {
  if (PATTERN.test(name)) return
  throw usageError(
    `"${name.slice(0, 80)}" is not a possible ${kind} name.`,
    'Use 1 to 64 letters, digits, and _ . - , beginning with a letter, digit or _.',
  )
}

/** Names in a folder, sorted, of entries that are a name and then `ending`; drafts and remnants are none. Empty when there is no folder. */
export function namesIn(folder: string, ending = ''): string[] {
  try {
    return readdirSync(folder)
      .filter((entry) => entry.endsWith(ending))
      .map((entry) => entry.slice(0, entry.length - ending.length))
      .filter((name) => PATTERN.test(name))
      .sort()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
