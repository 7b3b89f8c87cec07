/**
 * The disk of this machine, through `node:fs`.
 *
 * Platform differences end here: Windows can neither open nor sync a directory, and has no permission bits; there, renames are as durable as the
 * file system's own journal makes them.
 */

import { constants } from 'node:fs'
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { lockDirectory } from './directory-lock.ts'
import type { Disk, DiskFile } from './disk.ts'

const isWindows: boolean = process.platform === 'win32'
const FOR_OWNER_ONLY = 0o600

export const nodeDisk: Disk = {
  async makeDirectory(path) {
    const topmost = await mkdir(path, { recursive: true, mode: 0o700 })
    if (topmost === undefined) return
    // A new name is durable once the directory it stands in is synced.
    for (let made = path; made.length >= topmost.length; made = dirname(made)) await syncDirectory(dirname(made))
  },

  async open(path) {
    const handle = await open(path, 'r+')
    const { mode } = await handle.stat()
    if (!isWindows && (mode & 0o077) !== 0) await handle.chmod(FOR_OWNER_ONLY)
    return nodeFile(handle)
  },

  create: async (path) => nodeFile(await open(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, FOR_OWNER_ONLY)),
  rename,
  remove: (path) => rm(path, { force: true }),
  syncDirectory,
  lock: lockDirectory,
}

async function syncDirectory(path: string): Promise<void> {
  if (isWindows) return
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function nodeFile(handle: FileHandle): DiskFile {
  return {
    size: async () => (await handle.stat()).size,
    async read(into, position) {
      let filled = 0
      while (filled < into.length) {
        const { bytesRead } = await handle.read(into, filled, into.length - filled, position + filled)
        if (bytesRead === 0) break
        filled += bytesRead
      }
      return filled
    },
    async write(bytes, position) {
      // A disk that fills up takes a part first and says why only when asked again.
      for (let written = 0; written < bytes.length; ) {
        written += (await handle.write(bytes, written, bytes.length - written, position + written)).bytesWritten
      }
    },
    truncate: (length) => handle.truncate(length),
    // Data and length; on macOS this asks the drive, too, to empty its cache.
    sync: () => handle.datasync(),
    close: () => handle.close(),
  }
}
