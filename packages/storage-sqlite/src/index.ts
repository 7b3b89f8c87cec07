export type { StorageSqliteErrorCode } from './error.ts'
export type { SqliteDatabase, SqliteDriver, SqliteStatement, SqliteValue } from './sqlite-driver.ts'
export { sqliteStore, type SqliteStore, type SqliteStoreOptions } from './sqlite-store.ts'
