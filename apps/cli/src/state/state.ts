/**
 * The state folder of the command, `~/.ockam-ts` or what `OCKAM_HOME` names: nodes, vaults, identities, defaults, and the locks between processes.
 * Its folders have mode 0700 and its files 0600. A folder with anything else in it is not taken over, so that a slip in `OCKAM_HOME` harms nothing.
 */

import { chmodSync, existsSync, readdirSync, realpathSync, rmdirSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { OckamError } from '@ockam/core'
import { z } from 'zod'
import { CommandError } from '../error.ts'
import { DefaultNames } from './default-names.ts'
import { IdentityRecords } from './identity-records.ts'
import { NodeRecords } from './node-records.ts'
import { makePrivateFolder, requireOwnFolder } from './private-folder.ts'
import { removeRemnants } from './remnant.ts'
import { takeLock } from './process-lock.ts'
import { createRecord, readRecord } from './record-file.ts'
import { VaultRecords } from './vault-records.ts'

type Environment = Readonly<Record<string, string | undefined>>

const VERSION = 1
const LONGEST_WAIT_MS = 30_000
const MARKER = 'state.json'
const FOLDERS = ['nodes', 'vaults', 'identities', 'defaults', 'locks'] as const
const FORMAT = z.object({ version: z.int().positive() })

export interface State {
  /** Absolute. */
  readonly path: string
  readonly nodes: NodeRecords
  readonly vaults: VaultRecords
  readonly identities: IdentityRecords
  readonly defaults: DefaultNames
  /**
   * Does something while no other process does the same, such as making what the first of several commands needs.
   * @throws {CommandError} `cli/timeout` when another process takes too long.
   */
  alone<T>(what: string, work: () => Promise<T>): Promise<T>
  /**
   * Deletes everything, keys too. Vaults that were put elsewhere stay there; their folders are returned.
   * @throws {CommandError} `cli/conflict`, and nothing is deleted, when a node runs.
   */
  reset(): Promise<readonly string[]>
}

/** Where the state is: `OCKAM_HOME`, or `.ockam-ts` in the user's own folder; where a link leads there, its end. */
export function statePath(environment: Environment): string {
  const path = resolve(environment['OCKAM_HOME'] || join(homedir(), '.ockam-ts'))
  return existsSync(path) ? realpathSync(path) : path
}

/**
 * Opens the state folder, and makes it when there is none.
 * @throws {CommandError} `cli/refused` when the folder is not this user's own, others may write into it, or it has other things in it; `cli/failed`
 * when a newer version made it.
 */
export function openState(path: string): State {
  // Nothing was in it that others could have written.
  if (existsSync(path) && !hasState(path)) chmodSync(path, 0o700)
  makePrivateFolder(path)
  if (!existsSync(join(path, MARKER))) createRecord(join(path, MARKER), { version: VERSION })
  for (const name of FOLDERS) makePrivateFolder(join(path, name))
  for (const name of ['nodes', 'vaults']) removeRemnants(join(path, name))
  const [folder, locks] = [(name: (typeof FOLDERS)[number]): string => join(path, name), join(path, 'locks')]
  const defaults = new DefaultNames(folder('defaults'))
  const identities = new IdentityRecords(folder('identities'), defaults)
  const usersOf = (vault: string): string[] =>
    identities
      .list()
      .filter((identity) => identity.vault === vault)
      .map((identity) => identity.name)
  const nodes = new NodeRecords({ folder: folder('nodes'), locks, defaults })
  const vaults = new VaultRecords({ folder: folder('vaults'), locks, defaults, usersOf })
  return {
    path,
    nodes,
    vaults,
    identities,
    defaults,
    alone: (what, work) => alone(join(locks, what), work),
    reset: () => reset(path, nodes, vaults),
  }
}

/** False for an empty folder. @throws as {@link openState}. */
function hasState(path: string): boolean {
  requireOwnFolder(path)
  const format = readRecord(join(path, MARKER), FORMAT)
  if (format === undefined) {
    // What a first command that was stopped left behind.
    const others = readdirSync(path).filter((name) => !name.startsWith(`.${MARKER}.`))
    if (others.length === 0) return false
    throw new CommandError('cli/refused', `${path} is no state folder of this command: it has ${others.length} other things in it.`, {
      hint: 'Set OCKAM_HOME to a new or empty folder.',
    })
  }
  if (format.version > VERSION) {
    throw new CommandError('cli/failed', `${path} was made by a newer version of this command.`, {
      hint: 'Use that version, or another OCKAM_HOME.',
    })
  }
  return true
}

async function alone<T>(path: string, work: () => Promise<T>): Promise<T> {
  const lock = await takeLock(path, LONGEST_WAIT_MS).catch((cause: unknown) => {
    if (!OckamError.is(cause, 'store/locked')) throw cause
    throw new CommandError('cli/timeout', `Another process has been busy with ${basename(path)} for ${LONGEST_WAIT_MS} ms.`, { cause })
  })
  try {
    return await work()
  } finally {
    await lock.release()
  }
}

async function reset(path: string, nodes: NodeRecords, vaults: VaultRecords): Promise<readonly string[]> {
  const locks = await nodes.lockAll()
  const inside = join(path, 'vaults')
  const elsewhere = vaults.list().flatMap((vault) => (vault.path.startsWith(`${inside}/`) ? [] : [vault.path]))
  try {
    // Only what this command made, by name; the marker last, so that a reset that was interrupted can be repeated.
    for (const name of FOLDERS.filter((each) => each !== 'locks')) rmSync(join(path, name), { recursive: true, force: true })
  } finally {
    for (const lock of locks) await lock.release()
  }
  rmSync(join(path, 'locks'), { recursive: true, force: true })
  rmSync(join(path, MARKER), { force: true })
  if (readdirSync(path).length === 0) rmdirSync(path)
  return elsewhere
}
