/**
 * What the store needs of an operating system, as an interface, so that tests can be a disk that is full, lies, or loses power.
 *
 * Errors are those of `node:fs` (their `code` is `ENOENT`, `ENOSPC` …). Nothing is durable until the matching sync resolved: bytes and length of
 * a file through `DiskFile.sync`, names in a directory through `Disk.syncDirectory`.
 */

export interface DiskFile {
  /** Length in bytes. */
  size(): Promise<number>
  /** Fills `into` from `position`; fewer bytes only at the end of the file. Returns how many. */
  read(into: Uint8Array, position: number): Promise<number>
  /** Writes all of `bytes` at `position`; when it rejects, any part of them may have been written. Does not keep `bytes`. */
  write(bytes: Uint8Array, position: number): Promise<void>
  truncate(length: number): Promise<void>
  /** Resolves when bytes and length are on the medium. After a rejection nobody knows what is, and asking again proves nothing. */
  sync(): Promise<void>
  close(): Promise<void>
}

export interface Disk {
  /** Makes the directory and its missing parents, readable by this user only, their names synced. Leaves one that exists as it is. */
  makeDirectory(path: string): Promise<void>
  /** Opens a file to read and write; rejects with `ENOENT` when it is not there. Takes away what others may do with it. */
  open(path: string): Promise<DiskFile>
  /** Creates an empty file that only this user may read; rejects with `EEXIST` when the name is taken. */
  create(path: string): Promise<DiskFile>
  /** Atomic; replaces what is at `to`, which nobody may have open. */
  rename(from: string, to: string): Promise<void>
  /** Removes the file if it is there. */
  remove(path: string): Promise<void>
  syncDirectory(path: string): Promise<void>
  /**
   * Takes the directory for this store alone. The operating system lets go of it when the process ends, however it ends.
   * @throws {OckamError} `store/locked` when another store, in this or another process, has it.
   */
  lock(directory: string): Promise<DiskLock>
}

/** A directory held by one store. Does not keep the process alive. */
export interface DiskLock {
  release(): Promise<void>
}
