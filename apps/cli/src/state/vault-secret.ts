/**
 * How a vault is locked, and where the secret that opens it comes from: the environment, a file, or a person. Passphrases are never taken from the
 * command line, where every user of the machine could read them.
 */

import { randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, openSync, readFileSync, statSync, writeSync } from 'node:fs'
import type { VaultProtection } from '@ockam/vault-software'
import { CommandError } from '../error.ts'
import { requirePrivateFile } from './private-folder.ts'

/** How a vault shall be locked. `keyFile`: the path of a file with 32 random bytes, see {@link createKeyFile}. */
export type VaultLock = 'none' | { readonly passphrase: string } | { readonly keyFile: string }

export interface SecretSources {
  /** `OCKAM_VAULT_PASSPHRASE`, `OCKAM_VAULT_PASSPHRASE_FILE`, `OCKAM_VAULT_KEY_FILE`; each for all vaults that are locked so. */
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Asks a person. Left out where nobody can be asked. */
  readonly askPassphrase?: ((vault: string) => Promise<string>) | undefined
}

const KEY_LENGTH = 32
const LONGEST_PASSPHRASE_FILE = 4096

/** @throws {CommandError} `cli/not-found`, `cli/refused` when the key file cannot be used. */
export function protectionOf(lock: VaultLock): VaultProtection {
  if (lock === 'none') return 'none'
  return 'passphrase' in lock ? { passphrase: lock.passphrase } : { wrappingKey: readKeyFile(lock.keyFile) }
}

/** What opens a vault that is locked by `kind`. @throws {CommandError} `cli/refused` when there is no secret, and as {@link protectionOf}. */
export async function findSecret(
  vault: string,
  kind: 'none' | 'passphrase' | 'key-file',
  keyFile: string | undefined,
  { environment, askPassphrase }: SecretSources,
): Promise<VaultLock> {
  if (kind === 'none') return 'none'
  if (kind === 'key-file') return { keyFile: environment['OCKAM_VAULT_KEY_FILE'] || keyFile || '' }
  const passphrase = environment['OCKAM_VAULT_PASSPHRASE'] || passphraseFromFile(environment['OCKAM_VAULT_PASSPHRASE_FILE'])
  if (passphrase !== undefined) return { passphrase }
  if (askPassphrase !== undefined) return { passphrase: await askPassphrase(vault) }
  throw new CommandError('cli/refused', `Vault "${vault}" is locked by a passphrase, and there is nobody to ask for it.`, {
    hint: 'Set OCKAM_VAULT_PASSPHRASE_FILE to a file with it that only you may read.',
  })
}

/**
 * Makes a key file: 32 random bytes, for this user alone. Keep a copy of it elsewhere: without it the vault does not open.
 * @throws {CommandError} `cli/conflict` when there is a file already.
 */
export function createKeyFile(path: string): void {
  let file: number
  try {
    file = openSync(path, 'wx', 0o600)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    throw new CommandError('cli/conflict', `There is a file at ${path} already.`, { hint: 'Choose another place for the key.' })
  }
  const key = randomBytes(KEY_LENGTH)
  try {
    writeSync(file, key)
    fsyncSync(file)
  } finally {
    key.fill(0)
    closeSync(file)
  }
}

function readKeyFile(path: string): Uint8Array {
  requirePrivateFile(path, 'key file')
  if (statSync(path).size !== KEY_LENGTH) {
    throw new CommandError('cli/refused', `The key file ${path} does not have the ${KEY_LENGTH} bytes of a key.`)
  }
  return readFileSync(path)
}

function passphraseFromFile(path: string | undefined): string | undefined {
  if (path === undefined || path === '') return undefined
  requirePrivateFile(path, 'passphrase file')
  if (statSync(path).size > LONGEST_PASSPHRASE_FILE) {
    throw new CommandError('cli/refused', `The passphrase file ${path} is longer than ${LONGEST_PASSPHRASE_FILE} bytes.`)
  }
  // Editors end a file with a line end that nobody means.
  const passphrase = readFileSync(path, 'utf8').replace(/\r?\n$/, '')
  if (passphrase === '') throw new CommandError('cli/refused', `The passphrase file ${path} is empty.`)
  return passphrase
}
