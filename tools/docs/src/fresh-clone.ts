/**
 * The repository as somebody has it who has just cloned it: committed files and those that are about to be, nothing installed, nothing built, in a home
 * folder with nothing in it. Only what package managers have downloaded before is shared, so that a second download is not what is tested.
 */

import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { root } from './repository.ts'

const run = promisify(execFile)

export interface FreshClone {
  /** The clone. */
  readonly folder: string
  /** For files nobody but the test sees. */
  readonly scripts: string
  readonly environment: Readonly<Record<string, string>>
  readonly close: () => Promise<void>
}

/** Whether this folder is a clone itself, and git is there to clone it. */
export const canBeCloned = async (): Promise<boolean> =>
  existsSync(join(root, '.git')) &&
  run('git', ['--version']).then(
    () => true,
    () => false,
  )

export async function freshClone(): Promise<FreshClone> {
  const shared = await downloads()
  const above = await mkdtemp(join(tmpdir(), 'ockam-clone-'))
  const close = (): Promise<void> => rm(above, { recursive: true, force: true, maxRetries: 3 })
  const [folder, home, scripts] = [join(above, 'ockam'), join(above, 'home'), join(above, 'scripts')]
  try {
    await Promise.all([home, scripts].map((path) => mkdir(path)))
    await run('git', ['clone', '--quiet', '--depth', '1', `file://${root}`, folder])
    for (const path of await listed('--deleted')) await rm(join(folder, path), { force: true })
    for (const path of await listed('--modified', '--others', '--exclude-standard')) {
      if (existsSync(join(root, path))) await cp(join(root, path), join(folder, path), { recursive: true })
    }
  } catch (error) {
    await close()
    throw error
  }
  return { folder, scripts, environment: { HOME: home, LC_ALL: 'C.UTF-8', PATH: ownPath(), ...shared }, close }
}

/** Files of the work tree, from its root. */
async function listed(...which: readonly string[]): Promise<readonly string[]> {
  const { stdout } = await run('git', ['ls-files', '-z', ...which], { cwd: root, maxBuffer: 64 * 1024 * 1024 })
  return stdout.split('\0').filter((path) => path !== '')
}

/** The Node that runs the tests comes first; nothing of this clone is on it. */
function ownPath(): string {
  const others = (process.env.PATH ?? '').split(delimiter).filter((path) => !path.startsWith(root))
  return [dirname(process.execPath), ...others].join(delimiter)
}

/** What npm and pnpm have of earlier installations, and where they are told to look for the rest. */
async function downloads(): Promise<Readonly<Record<string, string>>> {
  const setting = async (name: string): Promise<string> => (await run('npm', ['config', 'get', name], { cwd: homedir() })).stdout.trim()
  const store = (await run(join(root, 'node_modules', '.bin', 'pnpm'), ['store', 'path'], { cwd: root })).stdout.trim()
  const cacheFolder = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'pnpm')
  return {
    npm_config_cache: await setting('cache'),
    npm_config_userconfig: await setting('userconfig'),
    npm_config_registry: await setting('registry'),
    npm_config_prefer_offline: 'true',
    // Without the version, which pnpm adds.
    pnpm_config_store_dir: dirname(store),
    pnpm_config_cache_dir: cacheFolder,
    pnpm_config_prefer_offline: 'true',
  }
}
