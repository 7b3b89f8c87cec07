import { conflictError, usageError } from '../../error.ts'
import type { CommandDefinition } from '../../program/command.ts'
import type { Shell } from '../../program/shell.ts'
import type { VaultLock } from '../../state/vault-secret.ts'
import { freeName } from '../name.ts'
import { vaultJson } from './vault-json.ts'

export const vaultCreate: CommandDefinition = {
  name: 'create',
  summary: 'Create a vault: a place for keys',
  details:
    `Without --passphrase or --key-file what guards the keys are the permissions of their files. A passphrase is asked for, or taken from
OCKAM_VAULT_PASSPHRASE or the file that OCKAM_VAULT_PASSPHRASE_FILE names; a key file is made with 32 random bytes.`.replaceAll('\n', ' '),
  parameters: [{ name: 'name', description: 'name of the vault (default: default, then a random one)' }],
  options: [
    { flags: '--path <folder>', description: 'where the keys are kept', fallback: 'in the state folder' },
    { flags: '--passphrase', description: 'encrypt the keys under a passphrase' },
    { flags: '--key-file <file>', description: 'encrypt the keys under a key in a file, which is made' },
  ],
  examples: ['ockam vault create v1', 'ockam vault create v2 --key-file /media/stick/v2.key'],
  async run(input, shell) {
    const state = await shell.openState()
    const name = input.argument(0) ?? freeName(state.vaults.list().map((vault) => vault.name))
    const keyFile = input.text('key-file')
    if (keyFile !== undefined && input.flag('passphrase'))
      throw usageError('A vault is locked by a passphrase or by a key file: give one of them.')
    if (state.vaults.find(name) !== undefined) throw conflictError(`There is a vault "${name}" already.`, 'Choose another name.')
    const lock = await lockOf(name, keyFile, input.flag('passphrase'), shell)
    const vault = await state.vaults.create({ name, path: input.text('path'), lock })
    shell.terminal.note(`Created the vault "${name}"${vault.isDefault ? ', the default vault' : ''}.`)
    shell.terminal.data(vaultJson(vault), name)
  },
}

async function lockOf(
  name: string,
  keyFile: string | undefined,
  hasPassphrase: boolean,
  { secrets, isInteractive }: Shell,
): Promise<VaultLock> {
  const { createKeyFile, findSecret } = await import('../../state/vault-secret.ts')
  if (keyFile !== undefined) {
    createKeyFile(keyFile)
    return { keyFile }
  }
  if (!hasPassphrase) return 'none'
  const { askNewPassphraseOf } = await import('../../terminal/question.ts')
  const asking = isInteractive ? { ...secrets, askPassphrase: askNewPassphraseOf } : secrets
  return findSecret(name, 'passphrase', undefined, asking)
}
