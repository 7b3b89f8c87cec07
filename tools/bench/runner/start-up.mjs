/**
 * How long programs take from their start to their end, beside Node alone: the built `ockam` command as a shell starts it, with a state folder that is
 * gone afterwards. Wall time, because that is what somebody at a terminal waits for.
 */
import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { median } from './median.mjs'

const COMMAND = fileURLToPath(new URL('../../../apps/cli/dist/ockam.js', import.meta.url))

/** `argv` for Node; the first is what the others are compared with. */
export const PROGRAMS = [
  { name: 'node -e 0', argv: ['-e', '0'] },
  { name: 'ockam --version', argv: [COMMAND, '--version'] },
  { name: 'ockam --help', argv: [COMMAND, '--help'] },
  { name: 'ockam node create --help', argv: [COMMAND, 'node', 'create', '--help'] },
  { name: 'ockam node list', argv: [COMMAND, 'node', 'list'] },
]

/** Why a program cannot be started, or undefined when it can. */
export const absenceOf = ({ argv: [file] }, command = COMMAND) =>
  file === COMMAND && !existsSync(command) ? 'the ockam command is not built' : undefined

/** The median of a few starts, one after the other; the first fills the system's caches and does not count. */
export async function measureStart({ name, argv }, { starts, longestMs }) {
  const home = mkdtempSync(join(tmpdir(), 'ockam-bench-'))
  const times = []
  try {
    for (let start = 0; start <= starts; start++) {
      const startedAt = performance.now()
      await promisify(execFile)(process.execPath, argv, {
        timeout: longestMs,
        env: { ...process.env, NODE_OPTIONS: '', OCKAM_HOME: join(home, 'state') },
      }).catch((error) => {
        throw new Error(`${name} failed: ${error.stderr || error.message}`)
      })
      if (start > 0) times.push(performance.now() - startedAt)
    }
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
  return { ms: median(times) }
}
