/**
 * What this package needs of a SQLite driver: the part that `DatabaseSync` of `node:sqlite` (Node 22.5 and newer) and better-sqlite3 have in
 * common. Structural, so that neither is a dependency. Everything is synchronous, as SQLite is.
 */

/** What a parameter may be here. Bytes become a BLOB. */
export type SqliteValue = string | number | Uint8Array

export interface SqliteStatement {
  /** The first row, or undefined. Columns by name; a BLOB is a `Uint8Array` or a subclass. */
  get(...parameters: SqliteValue[]): unknown
  all(...parameters: SqliteValue[]): unknown[]
  run(...parameters: SqliteValue[]): { readonly changes: number | bigint }
}

/** One connection to a database file. */
export interface SqliteDatabase {
  /** Runs statements that take no parameters; rows are ignored. */
  exec(sql: string): unknown
  prepare(sql: string): SqliteStatement
  close(): unknown
}

/**
 * The class that opens connections: `DatabaseSync` of `node:sqlite`, or the default export of better-sqlite3. A store opens several, one for
 * writing and one for each long scan, and closes them. For options of the driver, hand in a subclass that passes them on.
 */
export type SqliteDriver = new (path: string) => SqliteDatabase
