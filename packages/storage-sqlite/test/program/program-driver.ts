/** The driver a child program was told to use. */

import { createRequire } from 'node:module'
import type { SqliteDriver } from '../../src/index.ts'

/** Arguments of every program: the driver's name, where it is looked for, the path of the database; then its own. */
export function programArguments(): { readonly driver: SqliteDriver; readonly path: string; readonly rest: readonly string[] } {
  const [name = '', folder = '', path = '', ...rest] = process.argv.slice(2)
  const builtIn = process.getBuiltinModule(name) as { DatabaseSync: SqliteDriver } | undefined
  return { driver: builtIn?.DatabaseSync ?? (createRequire(folder)(name) as SqliteDriver), path, rest }
}
