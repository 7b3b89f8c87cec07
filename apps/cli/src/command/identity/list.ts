import type { CommandDefinition } from '../../program/command.ts'
import { identityJson } from './create.ts'

export const identityList: CommandDefinition = {
  name: 'list',
  summary: 'List the identities of this machine',
  examples: ['ockam identity list'],
  async run(_, { terminal, openState }) {
    const columns = [
      { title: 'NAME', value: (row: { name: string }) => row.name },
      { title: 'IDENTIFIER', value: (row: { identifier: string }) => row.identifier },
      { title: 'VAULT', value: (row: { vault: string }) => row.vault },
      {
        title: 'DEFAULT',
        value: (row: { isDefault: boolean; hasKeys: boolean }) => (row.isDefault ? 'default' : row.hasKeys ? '' : 'no keys here'),
      },
    ]
    const state = await openState()
    await terminal.table(state.identities.list(), columns, identityJson, 'There are no identities yet: ockam identity create')
  },
}
