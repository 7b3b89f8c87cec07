import { usageError } from '../../error.ts'
import type { CommandDefinition } from '../../program/command.ts'
import type { IdentityRecord } from '../../state/identity-records.ts'
import { freeName } from '../name.ts'
import { refused } from '../rust-option.ts'

const HISTORY = 'It is printed by: ockam identity export <name>'

export const identityCreate: CommandDefinition = {
  name: 'create',
  summary: 'Create an identity',
  details: 'The first identity becomes the default one. Its keys stay in its vault; the default vault is made if there is none.',
  parameters: [{ name: 'name', description: 'name of the identity on this machine (default: default, then a random one)' }],
  options: [
    { flags: '--vault <name>', description: 'vault for its keys', fallback: 'the default vault' },
    {
      flags: '--identity <history>',
      description: 'a name for an identity of somebody else, by its change history in hexadecimal digits; nobody here can speak as it',
    },
    refused('-k, --key-id <key>', 'keys of this command are made in its vaults, not in a cloud'),
  ],
  examples: [
    'ockam identity create alice',
    'ockam identity create alice --vault v1',
    'ockam identity create bob --identity $(cat bob.identity)',
  ],
  async run(input, { terminal, openState, secrets }) {
    const state = await openState()
    const { createIdentity, nameIdentity } = await import('../../node/own-identity.ts')
    const taken = state.identities.list().map(({ name }) => name)
    const name = input.argument(0) ?? freeName(taken)
    const changeHistory = input.text('identity')?.trim()
    if (changeHistory !== undefined) {
      if (!/^(?:[0-9a-fA-F]{2})+$/.test(changeHistory))
        throw usageError('--identity takes a change history in hexadecimal digits.', HISTORY)
      const named = await nameIdentity(state, secrets, name, { vault: input.text('vault'), changeHistory })
      terminal.note(`"${name}" is a name for ${named.identifier}, whose keys are elsewhere.`)
      return terminal.data(identityJson(named), named.identifier)
    }
    const record = await terminal.progress(`Creating the identity ${name}`, () => createIdentity(state, secrets, name, input.text('vault')))
    terminal.note(`Created the identity "${name}" in vault "${record.vault}"${record.isDefault ? ', the default identity' : ''}.`)
    terminal.data(identityJson(record), record.identifier)
  },
}

export const identityJson = (record: Pick<IdentityRecord, 'name' | 'identifier' | 'vault' | 'isDefault' | 'hasKeys'>): unknown => ({
  name: record.name,
  identifier: record.identifier,
  vault: record.vault,
  is_default: record.isDefault,
  has_keys: record.hasKeys,
})
