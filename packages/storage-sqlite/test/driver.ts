/**
 * The SQLite drivers that can be loaded here: `node:sqlite`, where this Node has it, and better-sqlite3, where `npm ci` in `test/driver` has
 * installed it (which compiles it when there is no built one for the platform; the workspace's own install never does).
 */

import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import type { SqliteDriver } from '../src/index.ts'

/** Where better-sqlite3 is looked for; child programs get it as an argument. */
export const driverFolder: string = fileURLToPath(new URL('./driver/package.json', import.meta.url))

const driverNames = ['better-sqlite3', 'node:sqlite'] as const
type DriverName = (typeof driverNames)[number]

/** Those that there are for this Node: its own came with 22.13. */
export function possibleDrivers(): readonly DriverName[] {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  return driverNames.filter((name) => name !== 'node:sqlite' || major > 22 || (major === 22 && minor >= 13))
}

/** Undefined when this driver cannot be loaded here. */
function loadDriver(name: DriverName): SqliteDriver | undefined {
  if (name === 'node:sqlite') {
    return (process.getBuiltinModule(name) as { DatabaseSync: SqliteDriver } | undefined)?.DatabaseSync
  }
  try {
    const driver = createRequire(driverFolder)(name) as SqliteDriver
    // The package can be there without its native part, which is loaded by the first connection.
    new driver(':memory:').close()
    return driver
  } catch (error) {
    console.log(
      `better-sqlite3 cannot be loaded (${String(error).split('\n', 1)[0]}). Install it: npm ci --prefix packages/storage-sqlite/test/driver`,
    )
    return undefined
  }
}

/** Every driver with what loads it, for `describe.each`. */
export function loadableDrivers(): { readonly name: DriverName; readonly driver: SqliteDriver }[] {
  return driverNames.flatMap((name) => {
    const driver = loadDriver(name)
    return driver === undefined ? [] : [{ name, driver }]
  })
}
