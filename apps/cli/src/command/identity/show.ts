import { usageError } from '../../error.ts'
import type { CommandDefinition } from '../../program/command.ts'
import { identityJson } from './create.ts'

export const identityShow: CommandDefinition = {
  name: 'show',
  summary: 'Print the identifier of an identity, or its change history',
  details: 'Identifier and change history are public: give them to whoever shall trust the identity.',
  parameters: [{ name: 'name', description: 'name of the identity (default: the default identity)' }],
  options: [
    { flags: '-f, --full', description: 'print the change history' },
    { flags: '--encoding <encoding>', description: 'how the change history is written', choices: ['hex', 'plain'], fallback: 'plain' },
  ],
  examples: ['ockam identity show alice', 'ockam identity show alice --full --encoding hex'],
  async run(input, { terminal, openState }) {
    const state = await openState()
    const { identityRecord } = await import('../../node/own-identity.ts')
    const record = identityRecord(state, input.argument(0))
    const isFull = input.flag('full')
    if (input.text('encoding') !== undefined && !isFull) throw usageError('--encoding says how --full prints: give both.')
    if (!isFull) return terminal.data(identityJson(record), record.identifier)
    const history = Buffer.from(record.changeHistory).toString('hex')
    const json = { ...(identityJson(record) as object), change_history: history }
    if (input.text('encoding') === 'hex') return terminal.data(json, history)
    await terminal.properties(json, [
      ['name', record.name],
      ['identifier', record.identifier],
      ['vault', record.vault],
      ['change history', history],
    ])
  },
}
