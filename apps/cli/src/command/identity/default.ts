import type { CommandDefinition } from '../../program/command.ts'
import { identityJson } from './create.ts'

export const identityDefault: CommandDefinition = {
  name: 'default',
  summary: 'Print or choose the default identity',
  parameters: [{ name: 'name', description: 'the identity that becomes the default one; without it the present one is printed' }],
  examples: ['ockam identity default', 'ockam identity default alice'],
  async run(input, { terminal, openState }) {
    const state = await openState()
    const { ownIdentityRecord } = await import('../../node/own-identity.ts')
    const record = ownIdentityRecord(state, input.argument(0))
    if (input.argument(0) !== undefined) {
      state.defaults.set('identity', record.name)
      terminal.note(`"${record.name}" is now the default identity.`)
    }
    terminal.data(identityJson({ ...record, isDefault: true }), record.name)
  },
}
