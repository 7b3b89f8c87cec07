/**
 * Where the control socket of a node lies: in the node's folder, or, because the address of a Unix socket may have about a hundred bytes only, in a
 * short folder of the user's own in `/tmp`. No variable of the environment has a say in it: a shell, a cron job and the node itself have to come to
 * the same path.
 */

import { createHash } from 'node:crypto'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { makeUsersFolder } from './private-folder.ts'

/** `sun_path` has 108 bytes on Linux and 104 on macOS and the BSDs, one of them for its end. */
const LONGEST = process.platform === 'linux' ? 107 : 103

/**
 * @param nodeFolder absolute.
 * @param shared where everybody may make folders.
 * @throws {CommandError} `cli/refused` when the short folder is not this user's own.
 */
export function controlPathIn(nodeFolder: string, shared = '/tmp'): string {
  const direct = join(nodeFolder, 'control.sock')
  if (Buffer.byteLength(direct) <= LONGEST) return direct
  const folder = join(shared, `ockam-ts-${userInfo().uid}`)
  makeUsersFolder(folder)
  // Half of a SHA-256: nobody can find a second state folder that leads to the same name.
  return join(folder, `${createHash('sha256').update(nodeFolder).digest('hex').slice(0, 32)}.sock`)
}
