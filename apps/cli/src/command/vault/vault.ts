/** `ockam vault …` */

import { notFoundError, usageError } from '../../error.ts'
import type { CommandDefinition, CommandGroup } from '../../program/command.ts'
import type { State } from '../../state/state.ts'
import type { VaultRecord } from '../../state/vault-records.ts'
import { confirmed } from '../../terminal/question.ts'
import { vaultCreate } from './create.ts'
import { vaultLock } from './lock.ts'
import { vaultJson } from './vault-json.ts'

const COLUMNS = [
  { title: 'NAME', value: (row: VaultRecord) => row.name },
  { title: 'LOCKED BY', value: (row: VaultRecord) => (row.protection === 'none' ? 'file permissions' : row.protection) },
  { title: 'PATH', value: (row: VaultRecord) => row.path },
  { title: 'DEFAULT', value: (row: VaultRecord) => (row.isDefault ? 'default' : '') },
]

/** The named vault, or the default one. @throws {CommandError} `cli/not-found` */
function chosenVault(state: State, given: string | undefined): VaultRecord {
  const name = given ?? state.defaults.get('vault')
  if (name === undefined) throw notFoundError('There is no vault yet.', 'Make one: ockam vault create')
  return state.vaults.get(name)
}

const list: CommandDefinition = {
  name: 'list',
  summary: 'List the vaults of this machine',
  examples: ['ockam vault list'],
  async run(_, { terminal, openState }) {
    const state = await openState()
    await terminal.table(state.vaults.list(), COLUMNS, vaultJson, 'There are no vaults yet: ockam vault create')
  },
}

const show: CommandDefinition = {
  name: 'show',
  summary: 'Show a vault',
  parameters: [{ name: 'name', description: 'name of the vault (default: the default vault)' }],
  examples: ['ockam vault show v1'],
  async run(input, { terminal, openState }) {
    const vault = chosenVault(await openState(), input.argument(0))
    await terminal.properties(vaultJson(vault), [
      ...COLUMNS.slice(0, -1).map(({ title, value }) => [title.toLowerCase(), value(vault)] as const),
      ['default', vault.isDefault ? 'yes' : 'no'],
    ])
  },
}

const move: CommandDefinition = {
  name: 'move',
  summary: 'Move the keys of a vault to another folder',
  parameters: [{ name: 'name', description: 'name of the vault', isRequired: true }],
  options: [{ flags: '--path <folder>', description: 'where the keys shall be kept', isRequired: true }],
  examples: ['ockam vault move v1 --path /media/stick/v1'],
  async run(input, { terminal, openState }) {
    const state = await openState()
    const { name } = state.vaults.get(input.required(0))
    await state.vaults.move(name, input.requiredText('path'))
    const vault = state.vaults.get(name)
    terminal.note(`The keys of vault "${name}" are at ${vault.path} now.`)
    terminal.data(vaultJson(vault), name)
  },
}

const remove: CommandDefinition = {
  name: 'delete',
  summary: 'Delete a vault and every key in it',
  details: 'A vault with keys of identities is not deleted: delete those first.',
  parameters: [{ name: 'name', description: 'name of the vault' }],
  options: [
    { flags: '-y, --yes', description: 'do not ask' },
    { flags: '--all', description: 'delete all vaults' },
  ],
  examples: ['ockam vault delete v1 --yes'],
  async run(input, shell) {
    const state = await shell.openState()
    const given = input.argument(0)
    if (given === undefined && !input.flag('all'))
      throw usageError('Say which vault: give its name, or --all.', 'See which there are: ockam vault list')
    const vaults = input.flag('all') ? state.vaults.list() : [chosenVault(state, given)]
    const what = vaults.length === 1 ? `the vault "${vaults[0]?.name}"` : `${vaults.length} vaults`
    if (vaults.length > 0 && !(await confirmed(shell, input.flag('yes'), `Delete ${what} and the keys?`))) return
    for (const { name } of vaults) {
      await state.vaults.delete(name)
      shell.terminal.note(`Deleted the vault "${name}".`)
    }
    shell.terminal.data(vaults.map(vaultJson), '')
  },
}

export const vault: CommandGroup = {
  name: 'vault',
  summary: 'Where private keys are kept',
  commands: [vaultCreate, list, show, move, vaultLock, remove],
}
