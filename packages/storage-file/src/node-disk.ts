/**
 * The disk of this machine, through `node:fs`.
 *
 * Platform differences end here: Windows can neither open nor sync a directory, and has no permission bits; there, renames are as durable as the
 * file system's own journal makes them.
 */

import { constants } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { changeMode, type Descriptor, openDescriptor, readAt, status, syncAll, syncData, truncate, writeAt } from './descriptor.ts'
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
    const file = await openDescriptor(path, 'r+')
    if (!isWindows && ((await status(file.number)).mode & 0o077) !== 0) await changeMode(file.number, FOR_OWNER_ONLY)
    return nodeFile(file)
  },

  create: async (path) => nodeFile(await openDescriptor(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, FOR_OWNER_ONLY)),
  rename,
  remove: (path) => rm(path, { force: true }),
  syncDirectory,
  lock: lockDirectory,
}

async function syncDirectory(path: string): Promise<void> {
  if (isWindows) return
  const directory = await openDescriptor(path, 'r')
  try {
    await syncAll(directory.number)
  } finally {
    await directory.close()
  }
}

function nodeFile({ number, close }: Descriptor): DiskFile {
  return {
    size: async () => (await status(number)).size,
    async read(into, position) {
      let filled = 0
      while (filled < into.length) {
        const length = await readAt(number, into.subarray(filled), position + filled)
        if (length === 0) break
        filled += length
      }
      return filled
    },
    async write(bytes, position) {
      // A disk that fills up takes a part first and says why only when asked again.
      for (let written = 0; written < bytes.length; ) written += await writeAt(number, bytes.subarray(written), position + written)
    },
    truncate: (length) => truncate(number, length),
    // Data and length; on macOS this asks the drive, too, to empty its cache.
    sync: () => syncData(number),
    close,
  }
}
