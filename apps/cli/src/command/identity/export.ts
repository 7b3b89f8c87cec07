import type { CommandDefinition } from '../../program/command.ts'
import { identityJson } from './create.ts'

export const identityExport: CommandDefinition = {
  name: 'export',
  summary: 'Print the change history of an identity, in hexadecimal digits',
  details: 'It holds no secret: whoever has it can verify the identity. The private keys never leave the vault.',
  parameters: [{ name: 'name', description: 'name of the identity (default: the default identity)' }],
  examples: ['ockam identity export alice > alice.identity'],
  async run(input, { terminal, openState }) {
    const state = await openState()
    const { identityRecord } = await import('../../node/own-identity.ts')
    const record = identityRecord(state, input.argument(0))
    const history = Buffer.from(record.changeHistory).toString('hex')
    terminal.data({ ...(identityJson(record) as object), change_history: history }, history)
  },
}
