import type { CommandDefinition } from '../../program/command.ts'
import { freeName } from '../name.ts'

export const identityCreate: CommandDefinition = {
  name: 'create',
  summary: 'Create an identity',
  details: 'The first identity becomes the default one. Its keys stay in its vault; the default vault is made if there is none.',
  parameters: [{ name: 'name', description: 'name of the identity on this machine (default: default, then a random one)' }],
  options: [{ flags: '--vault <name>', description: 'vault for its keys', fallback: 'the default vault' }],
  examples: ['ockam identity create alice', 'ockam identity create alice --vault v1'],
  async run(input, { terminal, openState, secrets }) {
    const state = await openState()
    const { createIdentity } = await import('../../node/own-identity.ts')
    const taken = state.identities.list().map(({ name }) => name)
    const name = input.argument(0) ?? freeName(taken)
    const record = await terminal.progress(`Creating the identity ${name}`, () => createIdentity(state, secrets, name, input.text('vault')))
    terminal.note(`Created the identity "${name}" in vault "${record.vault}"${record.isDefault ? ', the default identity' : ''}.`)
    terminal.data(identityJson(record), record.identifier)
  },
}

export const identityJson = (record: { name: string; identifier: string; vault: string; isDefault: boolean }): unknown => ({
  name: record.name,
  identifier: record.identifier,
  vault: record.vault,
  is_default: record.isDefault,
})
