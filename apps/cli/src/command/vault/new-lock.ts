/** How a vault shall be locked from now on: `--passphrase`, `--key-file`, or neither. */

import { rmSync } from 'node:fs'
import { usageError } from '../../error.ts'
import type { OptionDefinition } from '../../program/command.ts'
import type { Input } from '../../program/input.ts'
import type { Shell } from '../../program/shell.ts'
import { askNewPassphraseOf } from '../../terminal/question.ts'
import type { VaultLock } from '../../state/vault-secret.ts'

export const LOCK_OPTIONS: readonly OptionDefinition[] = [
  { flags: '--passphrase', description: 'encrypt the keys under a passphrase' },
  { flags: '--key-file <file>', description: 'encrypt the keys under a key in a file, which is made' },
]

/**
 * Does something with the new lock. A key file that was made for it goes again when that fails: nothing is locked by it, and it would be in the way of
 * the next attempt.
 * @param passphrases variables with the new passphrase, if they have other names than those with the present one.
 * @throws {CommandError} `cli/usage` for both options, `cli/conflict` for a file that exists, `cli/refused` without a passphrase.
 */
export async function withNewLock<T>(
  vault: string,
  input: Input,
  { secrets, isInteractive }: Shell,
  passphrases: { readonly OCKAM_VAULT_PASSPHRASE?: string | undefined; readonly OCKAM_VAULT_PASSPHRASE_FILE?: string | undefined },
  work: (lock: VaultLock) => Promise<T>,
): Promise<T> {
  const keyFile = input.text('key-file')
  const hasPassphrase = input.flag('passphrase')
  if (keyFile !== undefined && hasPassphrase) throw usageError('A vault is locked by a passphrase or by a key file: give one of them.')
  const { createKeyFile, findSecret } = await import('../../state/vault-secret.ts')
  if (keyFile === undefined) {
    if (!hasPassphrase) return work('none')
    const environment = { ...secrets.environment, ...passphrases }
    return work(
      await findSecret(vault, 'passphrase', undefined, { environment, ...(isInteractive && { askPassphrase: askNewPassphraseOf }) }),
    )
  }
  createKeyFile(keyFile)
  try {
    return await work({ keyFile })
  } catch (error) {
    rmSync(keyFile, { force: true })
    throw error
  }
}
