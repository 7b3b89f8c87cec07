import { conflictError } from '../../error.ts'
import type { CommandDefinition } from '../../program/command.ts'
import { freeName } from '../name.ts'
import { refused } from '../rust-option.ts'
import { LOCK_OPTIONS, withNewLock } from './new-lock.ts'
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
    ...LOCK_OPTIONS,
    refused('--aws-kms', 'this command has vaults of its own, and none in a cloud'),
  ],
  examples: ['ockam vault create v1', 'ockam vault create v2 --key-file /media/stick/v2.key'],
  async run(input, shell) {
    const state = await shell.openState()
    const name = input.argument(0) ?? freeName(state.vaults.list().map((vault) => vault.name))
    if (state.vaults.find(name) !== undefined) throw conflictError(`There is a vault "${name}" already.`, 'Choose another name.')
    const vault = await withNewLock(name, input, shell, {}, (lock) => state.vaults.create({ name, path: input.text('path'), lock }))
    shell.terminal.note(`Created the vault "${name}"${vault.isDefault ? ', the default vault' : ''}.`)
    shell.terminal.data(vaultJson(vault), name)
  },
}
