/**
 * A directory for one store at a time, held by something that the operating system itself lets go of when the process ends, however it ends.
 * A process id in a file cannot do that: ids are reused, and in containers every process is number 1.
 *
 * - Windows, macOS, BSD: a file opened with the system's exclusive flag (`lock-by-open-flag.ts`).
 * - Linux and others, which have no such flag: a listening Unix socket in the directory (`lock-by-socket.ts`).
 *
 * Both hold within one process as well as between processes, and between containers that share the directory on one machine. Neither reaches
 * across machines: a directory on a network file system must not be opened from two of them.
 */

import type { DiskLock } from './disk.ts'
import { EXCLUSIVE_OPEN_FLAG, lockByOpenFlag } from './lock-by-open-flag.ts'
import { lockBySocket } from './lock-by-socket.ts'

/** @throws {OckamError} `store/locked` when another store has the directory. Errors of the operating system pass through. */
export function lockDirectory(directory: string): Promise<DiskLock> {
  const flag = EXCLUSIVE_OPEN_FLAG[process.platform]
  return flag === undefined ? lockBySocket(directory) : lockByOpenFlag(directory, flag)
}
