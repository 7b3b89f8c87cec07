import { conflictError, usageError } from '../../error.ts'
import type { CommandDefinition } from '../../program/command.ts'
import { LOCK_OPTIONS, withNewLock } from './new-lock.ts'
import { vaultJson } from './vault-json.ts'

export const vaultLock: CommandDefinition = {
  name: 'lock',
  summary: 'Lock a vault anew: with another passphrase, a key file, or neither',
  details:
    `All keys are sealed under a new key, and no copy under the old one stays. The present secret is needed; the new passphrase is asked for, or taken
from OCKAM_VAULT_NEW_PASSPHRASE or the file that OCKAM_VAULT_NEW_PASSPHRASE_FILE names. Nodes that use the vault have to be stopped.`.replaceAll(
      '\n',
      ' ',
    ),
  parameters: [{ name: 'name', description: 'name of the vault', isRequired: true }],
  options: [...LOCK_OPTIONS, { flags: '--unlocked', description: 'guard the keys by the permissions of their files alone' }],
  examples: ['ockam vault lock v1 --key-file /media/stick/v1.key', 'ockam vault lock v1 --passphrase'],
  async run(input, shell) {
    const state = await shell.openState()
    const { name } = state.vaults.get(input.required(0))
    if ([input.text('key-file') !== undefined, input.flag('passphrase'), input.flag('unlocked')].filter(Boolean).length !== 1)
      throw usageError('Say how the vault shall be locked: --passphrase, --key-file <file> or --unlocked.')
    const isUser = (node: string): boolean => {
      const identity = state.nodes.find(node)?.identity
      return identity !== undefined && state.identities.find(identity)?.vault === name && state.nodes.running(node) !== undefined
    }
    const user = state.nodes.names().find(isUser)
    if (user !== undefined)
      throw conflictError(`Node "${user}" is running and uses vault "${name}".`, `Stop it first: ockam node stop ${user}`)
    const { environment } = shell
    const passphrases = {
      OCKAM_VAULT_PASSPHRASE: environment['OCKAM_VAULT_NEW_PASSPHRASE'],
      OCKAM_VAULT_PASSPHRASE_FILE: environment['OCKAM_VAULT_NEW_PASSPHRASE_FILE'],
    }
    await withNewLock(name, input, shell, passphrases, (lock) => state.vaults.changeLock(name, lock, shell.secrets))
    const vault = state.vaults.get(name)
    const by =
      vault.protection === 'none'
        ? 'the permissions of its files'
        : vault.protection === 'passphrase'
          ? 'the new passphrase'
          : 'the key file'
    shell.terminal.note(`Vault "${name}" is guarded by ${by} now.`)
    shell.terminal.data(vaultJson(vault), name)
  },
}
