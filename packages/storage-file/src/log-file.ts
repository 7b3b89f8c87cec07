/**
 * The log of one store: opens and replays it, appends commits, compacts it.
 *
 * Rules that durability rests on:
 * - `append` resolves only when the frame is on the medium. When writing fails, the part written is cut off again and the log goes on. When
 *   syncing fails, the state of the medium is unknown and asking again proves nothing, so the log takes no further writes until it is reopened.
 * - A new log is written beside the old one, synced, renamed over it, and the rename synced before anything is appended. A log under its final
 *   name therefore always has a whole header.
 *
 * One caller at a time. Does not know keys from values: `file-store.ts` does.
 */

import { join } from 'node:path'
import { reasonOf, storeError, systemCode } from './error.ts'
import type { Disk, DiskFile } from './disk.ts'
import { type Change, changeLength, decodeFileHeader, encodeFileHeader, encodeFrame, FILE_HEADER_LENGTH } from './log-format.ts'
import { replayLog } from './log-replay.ts'

const LOG_NAME = 'log'
const NEW_LOG_NAME = 'log.new'
/** Bytes of changes gathered into one frame of a compacted log. */
const COMPACTED_FRAME_LENGTH = 1024 * 1024

export class LogFile {
  readonly path: string
  /** Length of the log in bytes: where the next frame goes. */
  size = 0
  /** Bytes of a torn last write that opening cut off. */
  tornBytes = 0
  readonly #disk: Disk
  readonly #directory: string
  #file: DiskFile | undefined
  #salt: Uint8Array = new Uint8Array(0)
  #nextSequence = 1
  /** Why no more can be written, once that is so. */
  #failure: unknown

  private constructor(disk: Disk, directory: string) {
    this.#disk = disk
    this.#directory = directory
    this.path = join(directory, LOG_NAME)
  }

  /**
   * Opens the log in a directory that is locked, making an empty one when there is none; `apply` gets what it holds, commit by commit.
   * @throws {OckamError} `store/corrupt`. Disk errors pass through.
   */
  static async open(disk: Disk, directory: string, apply: (changes: readonly Change[]) => void): Promise<LogFile> {
    const log = new LogFile(disk, directory)
    try {
      // Left by a process that died while compacting; the old log is still whole.
      await disk.remove(join(directory, NEW_LOG_NAME))
      const file = await openIfThere(disk, log.path)
      if (file === undefined) await log.#install([])
      else await log.#replay(file, apply)
      return log
    } catch (error) {
      await log.close()
      throw error
    }
  }

  async #replay(file: DiskFile, apply: (changes: readonly Change[]) => void): Promise<void> {
    this.#file = file
    const { salt, end, nextSequence, tornBytes } = await replayLog(file, this.path, apply)
    this.#salt = salt
    this.size = end
    this.#nextSequence = nextSequence
    this.tornBytes = tornBytes
    if (tornBytes > 0) {
      await file.truncate(end)
      await file.sync()
    }
  }

  /**
   * Makes one commit durable.
   * @param bodyLength the sum of `changeLength` over `changes`.
   * @throws {OckamError} `store/write-failed`; then none of `changes` counts as written.
   */
  async append(changes: readonly Change[], bodyLength: number): Promise<void> {
    const file = this.#file
    if (file === undefined || this.#failure !== undefined) throw this.#refusal()
    const frame = encodeFrame(this.#salt, this.#nextSequence, changes, bodyLength)
    try {
      await file.write(frame, this.size)
    } catch (error) {
      await this.#cutBack(file)
      if (this.#failure !== undefined) throw this.#refusal()
      throw storeError('store/write-failed', `Writing to ${this.path} failed (${reasonOf(error)}). Nothing of this write was kept.`, error)
    }
    try {
      await file.sync()
    } catch (error) {
      this.#fail(error)
      // So that what was refused does not turn up after a restart; whether that works changes nothing.
      await this.#cutBack(file)
      throw this.#refusal()
    }
    this.size += frame.length
    this.#nextSequence += 1
  }

  /**
   * Replaces the log by one that makes exactly `changes`. On rejection the old log is in use, and whole, unless the log says that it failed.
   */
  async compact(changes: Iterable<Change>): Promise<void> {
    if (this.#failure !== undefined) throw this.#refusal()
    await this.#install(changes)
  }

  async close(): Promise<void> {
    const file = this.#file
    this.#file = undefined
    await file?.close()
  }

  async #install(changes: Iterable<Change>): Promise<void> {
    const newPath = join(this.#directory, NEW_LOG_NAME)
    await this.#disk.remove(newPath)
    const file = await this.#disk.create(newPath)
    const { bytes, salt } = encodeFileHeader()
    let size = FILE_HEADER_LENGTH
    let sequence = 1
    try {
      await file.write(bytes, 0)
      for (const { part, bodyLength } of parts(changes)) {
        const frame = encodeFrame(salt, sequence, part, bodyLength)
        await file.write(frame, size)
        size += frame.length
        sequence += 1
      }
      await file.sync()
    } catch (error) {
      await file.close().catch(() => undefined)
      await this.#disk.remove(newPath).catch(() => undefined)
      throw error
    }
    // Some systems refuse to rename over a file that is open.
    await this.close()
    try {
      await this.#disk.rename(newPath, this.path)
    } catch (error) {
      await file.close().catch(() => undefined)
      await this.#reopen(error)
      throw error
    }
    this.#file = file
    this.#salt = salt
    this.size = size
    this.#nextSequence = sequence
    try {
      await this.#disk.syncDirectory(this.#directory)
    } catch (error) {
      // Both logs hold the same now, but only the new one would get what is appended, and a power cut might bring back the old.
      this.#fail(error)
      throw this.#refusal()
    }
  }

  /** Goes back to the old log after a rename that failed, if the old log is really what the name stands for. */
  async #reopen(reason: unknown): Promise<void> {
    try {
      this.#file = await this.#disk.open(this.path)
      const header = new Uint8Array(FILE_HEADER_LENGTH)
      await this.#file.read(header, 0)
      const decoded = decodeFileHeader(header)
      if (typeof decoded === 'string' || Buffer.compare(decoded.salt, this.#salt) !== 0) this.#fail(reason)
    } catch {
      this.#fail(reason)
    }
  }

  /** Removes what a failed write left behind its good end. */
  async #cutBack(file: DiskFile): Promise<void> {
    try {
      await file.truncate(this.size)
      await file.sync()
    } catch (error) {
      this.#fail(error)
    }
  }

  #fail(reason: unknown): void {
    this.#failure ??= reason ?? new Error('unknown failure')
  }

  #refusal(): Error {
    return storeError(
      'store/write-failed',
      `The store in ${this.#directory} takes no more writes, because the medium failed (${reasonOf(this.#failure)}). ` +
        'What was acknowledged before can still be read. Check the medium, then close the store and open it again.',
      this.#failure,
    )
  }
}

/** Cuts `changes` into the contents of frames. */
function* parts(changes: Iterable<Change>): Generator<{ readonly part: readonly Change[]; readonly bodyLength: number }> {
  let part: Change[] = []
  let bodyLength = 0
  for (const change of changes) {
    part.push(change)
    bodyLength += changeLength(change)
    if (bodyLength < COMPACTED_FRAME_LENGTH) continue
    yield { part, bodyLength }
    part = []
    bodyLength = 0
  }
  if (part.length > 0) yield { part, bodyLength }
}

async function openIfThere(disk: Disk, path: string): Promise<DiskFile | undefined> {
  try {
    return await disk.open(path)
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw error
  }
}
