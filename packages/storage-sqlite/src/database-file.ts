/**
 * The files of a database before SQLite opens them: it would create them readable by everybody, as the umask has it. The `-wal` and `-shm` files
 * get the permissions of the database when SQLite creates them.
 */

import { chmodSync, closeSync, fsyncSync, mkdirSync, openSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

/** Creates the directory (0700) and an empty file (0600) where they are missing; takes group and others their access to existing files. */
export function prepareDatabaseFile(path: string): void {
  const folder = dirname(path)
  const topmost = mkdirSync(folder, { recursive: true, mode: 0o700 })
  if (createEmptyFile(path)) {
    syncFolder(folder)
    // A new name is durable once the folder it stands in is synced.
    for (let made = folder; topmost !== undefined && made.length >= topmost.length; made = dirname(made)) syncFolder(dirname(made))
  }
  // Windows has no such bits.
  if (process.platform === 'win32') return
  for (const file of [path, `${path}-wal`, `${path}-shm`]) {
    const mode = statSync(file, { throwIfNoEntry: false })?.mode ?? 0
    if ((mode & 0o077) !== 0) chmodSync(file, mode & 0o700)
  }
}

/**
 * False when there is a file. Never opens a file that exists: when a process closes any descriptor of a file, POSIX takes all its locks on that file, those of SQLite's
 * connections too, and another process could then damage the database (https://sqlite.org/howtocorrupt.html, 2.2).
 */
function createEmptyFile(path: string): boolean {
  try {
    closeSync(openSync(path, 'wx', 0o600))
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    return false
  }
}

function syncFolder(path: string): void {
  // Windows can neither open nor sync a folder.
  if (process.platform === 'win32') return
  const folder = openSync(path, 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}
