/**
 * Folders and files that belong to one user alone. What others could have written is refused, because it cannot be trusted; what others could only
 * read is closed to them.
 */

import { chmodSync, existsSync, lstatSync, mkdirSync, type Stats } from 'node:fs'
import { CommandError } from '../error.ts'

const GROUP_AND_OTHERS = 0o077
const WRITE_OF_GROUP_AND_OTHERS = 0o022
const FOR_OWNER_ONLY = 0o700

/**
 * Creates a folder for this user alone, with the ones above it, or checks the one that is there.
 * @throws {CommandError} `cli/refused` when it is no folder, is somebody else's, or could be written by others.
 */
export function makePrivateFolder(path: string): void {
  makeOwnFolder(path)
  if (isLoose(lstatSync(path).mode, GROUP_AND_OTHERS)) chmodSync(path, FOR_OWNER_ONLY)
}

/**
 * As {@link makePrivateFolder}, for a place where anybody may make folders: whoever made this one could exchange what is in it, so it has to be this
 * very user's, for root too.
 * @throws {CommandError} `cli/refused`
 */
export function makeUsersFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: FOR_OWNER_ONLY })
  const { uid } = lstatSync(path)
  const own = process.getuid?.()
  if (own !== undefined && uid !== own) throw foreign(path, uid, own)
  makePrivateFolder(path)
}

/** As {@link makePrivateFolder}, but leaves a folder that is there as it is: it may be meant for other things too, and others may list it. */
export function makeOwnFolder(path: string): void {
  if (!existsSync(path)) mkdirSync(path, { recursive: true, mode: FOR_OWNER_ONLY })
  requireOwnFolder(path)
  if (isLoose(lstatSync(path).mode, WRITE_OF_GROUP_AND_OTHERS)) {
    throw new CommandError('cli/refused', `Others may write into ${path}, so what is in it cannot be trusted.`, {
      hint: `Check what is in it, then: chmod 700 ${path}`,
    })
  }
}

/** @throws {CommandError} `cli/refused` unless it is a real folder of this user. */
export function requireOwnFolder(path: string): void {
  const status = lstatSync(path)
  if (!status.isDirectory()) throw new CommandError('cli/refused', `${path} is not a folder.`, { hint: 'Choose another place.' })
  requireOwner(path, status)
}

/**
 * Checks a file that holds a secret.
 * @throws {CommandError} `cli/not-found`, or `cli/refused` when others may read or write it.
 */
export function requirePrivateFile(path: string, what: string): void {
  const status = lstatSync(path, { throwIfNoEntry: false })
  if (status === undefined) throw new CommandError('cli/not-found', `There is no ${what} at ${path}.`)
  if (!status.isFile()) throw new CommandError('cli/refused', `The ${what} ${path} is not a plain file.`)
  requireOwner(path, status)
  if (isLoose(status.mode, GROUP_AND_OTHERS)) {
    throw new CommandError('cli/refused', `Others may read the ${what} ${path}.`, { hint: `Close it to them: chmod 600 ${path}` })
  }
}

function requireOwner(path: string, { uid }: Stats): void {
  const own = process.getuid?.()
  // Root is allowed everything anyway, and in containers often meets folders of others.
  if (own === undefined || own === 0 || uid === own) return
  throw foreign(path, uid, own)
}

function foreign(path: string, uid: number, own: number): CommandError {
  return new CommandError('cli/refused', `${path} belongs to user ${uid}, and this command runs as user ${own}.`, {
    hint: 'Run it as that user, or set OCKAM_HOME to a short path of a folder of your own.',
  })
}

/** Windows has no such bits. */
function isLoose(mode: number, bits: number): boolean {
  return process.platform !== 'win32' && (mode & bits) !== 0
}
