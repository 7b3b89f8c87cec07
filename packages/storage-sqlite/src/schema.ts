/**
 * The tables of a database, and how they came to be: `application_id` says that the file is ours, `user_version` how many of the migrations below
 * have been applied. A file of another program and a file of a newer version are refused before anything is written.
 *
 * Version 1: one table for all stores of the file. `store` is the namespace, `key` as in `entry-key.ts`.
 */

import { storeError } from './error.ts'
import type { SqliteDatabase, SqliteStatement } from './sqlite-driver.ts'

/** "OCKM". */
const APPLICATION_ID = 0x4f434b4d

/** SQL that leads from version n to n + 1, in its place n. Published ones never change. */
export const MIGRATIONS: readonly string[] = [
  `CREATE TABLE entry (
    store TEXT NOT NULL,
    key BLOB NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (store, key)
  )`,
]

/**
 * Brings a database up to date, in one transaction: when it fails, or its process is killed, the old version is as it was. Two processes at the same
 * file are serialised by SQLite's lock; the later one finds nothing to do.
 * @param migrations all of them, also those that were applied long ago.
 * @throws {OckamError} `storage-sqlite/newer-version`, `storage-sqlite/foreign-database`. Errors of the driver pass through.
 */
export function migrate(database: SqliteDatabase, path: string, migrations: readonly string[] = MIGRATIONS): void {
  // What is looked at must be of one moment, or a database that another process is just making looks like another program's.
  database.exec('BEGIN')
  try {
    if (isCurrent(database, path, migrations.length)) return
  } finally {
    rollBack(database)
  }
  database.exec('BEGIN IMMEDIATE')
  try {
    // Again, now that nobody else can be at it.
    if (!isCurrent(database, path, migrations.length)) {
      for (const migration of migrations.slice(numberOf(database.prepare('PRAGMA user_version')))) database.exec(migration)
      database.exec(`PRAGMA application_id = ${APPLICATION_ID}`)
      database.exec(`PRAGMA user_version = ${migrations.length}`)
    }
    database.exec('COMMIT')
  } catch (error) {
    rollBack(database)
    throw error
  }
}

/** Ends a transaction that failed. SQLite has done so by itself after some errors. */
export function rollBack(database: SqliteDatabase): void {
  try {
    database.exec('ROLLBACK')
  } catch {
    // Nothing to end. Were there something, the next BEGIN would fail and say so.
  }
}

/** @throws {OckamError} `storage-sqlite/newer-version`. */
export function checkVersion(version: number, path: string, known: number = MIGRATIONS.length): void {
  if (version <= known) return
  throw storeError(
    'storage-sqlite/newer-version',
    `The database ${path} has version ${version}; this program knows versions up to ${known}. Use a newer @ockam/storage-sqlite.`,
  )
}

function isCurrent(database: SqliteDatabase, path: string, known: number): boolean {
  const application = numberOf(database.prepare('PRAGMA application_id'))
  const version = numberOf(database.prepare('PRAGMA user_version'))
  const isEmpty = application === 0 && version === 0 && numberOf(database.prepare('SELECT count(*) FROM sqlite_schema')) === 0
  if (application !== APPLICATION_ID && !isEmpty) {
    throw storeError(
      'storage-sqlite/foreign-database',
      `The database ${path} belongs to another program. Give the store a file of its own.`,
    )
  }
  checkVersion(version, path, known)
  return version === known
}

/** The only column of the only row. */
export function numberOf(statement: SqliteStatement): number {
  const row = statement.get()
  return typeof row === 'object' && row !== null ? Number(Object.values(row)[0]) : Number.NaN
}
