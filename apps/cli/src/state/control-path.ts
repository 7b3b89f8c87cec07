/**
 * Where the control socket of a node lies: in the node's folder, or, because the address of a Unix socket may have about a hundred bytes only, in a
 * short folder of the user's own under the runtime folder of the system.
 */

import { createHash } from 'node:crypto'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { CommandError } from '../error.ts'
import { makePrivateFolder } from './private-folder.ts'

/** `sun_path` has 108 bytes on Linux and 104 on macOS and the BSDs, one of them for its end. */
const LONGEST = process.platform === 'linux' ? 107 : 103

/**
 * @param nodeFolder absolute.
 * @throws {CommandError} `cli/refused` when the short folder is not this user's own, `cli/failed` when no path is short enough.
 */
export function controlPathIn(nodeFolder: string, environment: Readonly<Record<string, string | undefined>>): string {
  const direct = join(nodeFolder, 'control.sock')
  if (Buffer.byteLength(direct) <= LONGEST) return direct
  // Half of a SHA-256: nobody can find a second state folder that leads to the same name.
  const name = `${createHash('sha256').update(nodeFolder).digest('hex').slice(0, 32)}.sock`
  for (const runtime of [environment['XDG_RUNTIME_DIR'], tmpdir(), '/tmp']) {
    if (runtime === undefined || !runtime.startsWith('/')) continue
    const folder = join(runtime, `ockam-ts-${userInfo().uid}`)
    const path = join(folder, name)
    if (Buffer.byteLength(path) > LONGEST) continue
    makePrivateFolder(folder)
    return path
  }
  throw new CommandError('cli/failed', `There is no path short enough for the control socket of ${nodeFolder}.`, {
    hint: `Set OCKAM_HOME to a shorter path: a socket's path may have ${LONGEST} bytes.`,
  })
}
