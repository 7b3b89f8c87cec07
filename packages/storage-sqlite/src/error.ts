/**
 * The errors of this package, and what the errors of a driver mean. SQLite's result codes: https://sqlite.org/rescode.html. The driver's error
 * is kept as the local `cause`.
 */

import { OckamError, type StoreErrorCode } from '@ockam/core'

export type StorageSqliteErrorCode =
  /** The database was written by a newer version of this package. Nothing was changed. */
  | 'storage-sqlite/newer-version'
  /** The file is the database of another program. Nothing was changed. */
  | 'storage-sqlite/foreign-database'
  /** Too many long scans were begun and not ended. */
  | 'storage-sqlite/too-many-scans'
  /** What every store throws. */
  | StoreErrorCode

export function storeError(code: StorageSqliteErrorCode, message: string, cause?: unknown): OckamError<StorageSqliteErrorCode> {
  return new OckamError(code, message, cause === undefined ? undefined : { cause })
}

/** Primary result codes by the names that better-sqlite3 reports; `node:sqlite` reports the numbers. */
const RESULT = { BUSY: 5, LOCKED: 6, CORRUPT: 11, FULL: 13, PROTOCOL: 15, NOTADB: 26 } as const

/** SQLite's primary result code behind a driver's error; undefined for any other error. */
function resultCodeOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  const { code, errcode } = error as { code?: unknown; errcode?: unknown }
  // The low byte of an extended code is the primary one.
  if (code === 'ERR_SQLITE_ERROR' && typeof errcode === 'number') return errcode & 0xff
  if (typeof code !== 'string' || !code.startsWith('SQLITE_')) return undefined
  const name = code.split('_')[1] ?? ''
  return Object.entries(RESULT).find(([known]) => known === name)?.[1]
}

/** Whether another connection is in the way, so that the same call may succeed a little later. */
export function isBusy(error: unknown): boolean {
  const code = resultCodeOf(error)
  return code === RESULT.BUSY || code === RESULT.LOCKED || code === RESULT.PROTOCOL
}

/** The error to throw for whatever a driver threw while `path` was used. Errors of this package pass through. */
export function explain(error: unknown, path: string): Error {
  if (error instanceof Error && OckamError.is(error)) return error
  const reason = error instanceof Error ? error.message : String(error)
  switch (resultCodeOf(error)) {
    case RESULT.BUSY:
    case RESULT.LOCKED:
    case RESULT.PROTOCOL:
      return storeError(
        'store/locked',
        `Another connection kept the database ${path} locked (${reason}). Find out which process holds it, or raise lockTimeoutMs.`,
        error,
      )
    case RESULT.CORRUPT:
    case RESULT.NOTADB:
      return storeError(
        'store/corrupt',
        `The database ${path} is damaged (${reason}). Restore a copy of it, together with its -wal file if there is one.`,
        error,
      )
    case RESULT.FULL:
      return storeError(
        'store/write-failed',
        `There is no room left for the database ${path} (${reason}). Make room; what was acknowledged is safe.`,
        error,
      )
    default:
      return storeError(
        'store/write-failed',
        `The database ${path} cannot be used (${reason}). Check the path and its permissions; what was acknowledged is safe.`,
        error,
      )
  }
}
