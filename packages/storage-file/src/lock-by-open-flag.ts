/**
 * Locks a directory by opening a file in it with the operating system's flag for exclusive use: `O_EXLOCK` of macOS and the BSDs (an flock taken
 * while opening), libuv's `UV_FS_O_EXLOCK` on Windows (no sharing). The file stays; only being open means something.
 */

import { constants } from 'node:fs'
import { join } from 'node:path'
import { openDescriptor } from './descriptor.ts'
import type { DiskLock } from './disk.ts'
import { storeError, systemCode } from './error.ts'

/** `O_EXLOCK` from BSD's <fcntl.h>, with `O_NONBLOCK` (4) so that opening fails instead of waiting. */
const BSD_FLAG = 0x20 | 0x04
/** `UV_FS_O_EXLOCK` from libuv's uv/win.h. */
const WINDOWS_FLAG = 0x1000_0000

/** The flag, on platforms that have one. */
export const EXCLUSIVE_OPEN_FLAG: Readonly<Partial<Record<NodeJS.Platform, number>>> = {
  darwin: BSD_FLAG,
  freebsd: BSD_FLAG,
  openbsd: BSD_FLAG,
  netbsd: BSD_FLAG,
  win32: WINDOWS_FLAG,
}

/** Opens a file with numeric flags. */
export type OpenFile = (path: string, flags: number, mode: number) => Promise<{ close(): Promise<void> }>

export async function lockByOpenFlag(directory: string, flag: number, openFile: OpenFile = openDescriptor): Promise<DiskLock> {
  const path = join(directory, 'lock')
  const openExclusively = (): ReturnType<OpenFile> => openFile(path, constants.O_RDWR | constants.O_CREAT | flag, 0o600)
  const file = await openExclusively().catch((error: unknown) => {
    if (isTaken(error))
      throw storeError(
        'store/locked',
        `The store in ${directory} is open already, here or in another process. Close it there first.`,
        error,
      )
    throw error
  })
  // Some runtimes and file systems accept the flag and ignore it. Only a second attempt that fails proves that the first means anything.
  const second = await openExclusively().catch((error: unknown) => {
    if (isTaken(error)) return undefined
    throw error
  })
  if (second !== undefined) {
    await second.close()
    await file.close()
    throw storeError(
      'store/locked',
      `The file system or runtime cannot lock ${path}, so the store could be damaged by a second process. Use another directory.`,
    )
  }
  return { release: () => file.close() }
}

function isTaken(error: unknown): boolean {
  return ['EAGAIN', 'EWOULDBLOCK', 'EBUSY'].includes(systemCode(error) ?? '')
}
