/**
 * The built `ockam` command for tutorials: on a PATH of its own, with a state folder of its own, and the certain end of every node it started in the
 * background, whatever became of the tutorial.
 */

import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { cp, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { root } from './repository.ts'

const PACKAGE = join(root, 'apps', 'cli')

export class OckamCommand {
  /** Where a tutorial's terminals start. */
  readonly folder: string
  /** For files nobody but the test sees. */
  readonly scripts: string
  /** All that a tutorial's terminals have: little of what surrounds the test, so that it works anywhere or nowhere. */
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly #root: string
  readonly #program: string

  private constructor(folder: string) {
    this.#root = folder
    this.#program = join(folder, 'package', 'dist', 'ockam.js')
    this.folder = join(folder, 'work')
    this.scripts = join(folder, 'scripts')
    const PATH = `${join(folder, 'bin')}:${process.env.PATH ?? ''}`
    this.environment = {
      PATH,
      HOME: join(folder, 'work'),
      OCKAM_HOME: join(folder, 'state'),
      LC_ALL: 'C.UTF-8',
      TMPDIR: join(folder, 'tmp'),
    }
  }

  /** @throws {Error} when the command is not built. */
  static async open(): Promise<OckamCommand> {
    if (!existsSync(join(PACKAGE, 'dist', 'ockam.js'))) {
      throw new Error('The ockam command is not built. Build it: npx turbo run build --filter=@ockam/cli')
    }
    const command = new OckamCommand(await mkdtemp(join(tmpdir(), 'ockam-tutorial-')))
    for (const name of ['bin', 'work', 'scripts', 'tmp']) await mkdir(join(command.#root, name))
    // What is published, away from the workspace: it needs nothing else, and a build meanwhile does not change it.
    for (const name of ['dist', 'package.json']) await cp(join(PACKAGE, name), join(command.#root, 'package', name), { recursive: true })
    await symlink(command.#program, join(command.#root, 'bin', 'ockam'))
    // The Node that runs the tests, not just any.
    await symlink(process.execPath, join(command.#root, 'bin', 'node'))
    return command
  }

  /** Ends what still runs, and deletes the folder. */
  async close(): Promise<void> {
    for (const pid of await this.running()) kill(pid)
    await rm(this.#root, { recursive: true, force: true, maxRetries: 3 })
  }

  /** Ids of processes whose state folder is below this one. Only Linux shows that; elsewhere the command itself is asked for its nodes. */
  async running(): Promise<readonly number[]> {
    if (!existsSync('/proc/self/environ')) return this.#listed()
    const wanted = `OCKAM_HOME=${this.#root}/`
    return readdirSync('/proc').flatMap((name) => {
      const pid = Number(name)
      return Number.isInteger(pid) && pid !== process.pid && environmentOf(pid).some((line) => line.startsWith(wanted)) ? [pid] : []
    })
  }

  async #listed(): Promise<readonly number[]> {
    const { stdout } = await promisify(execFile)(this.#program, ['node', 'list', '--output', 'json'], { env: this.environment })
    return (JSON.parse(stdout) as readonly { readonly pid?: number }[]).flatMap(({ pid }) => (typeof pid === 'number' ? [pid] : []))
  }
}

function environmentOf(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0')
  } catch {
    // It has ended meanwhile, or is somebody else's.
    return []
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended meanwhile.
  }
}
