import type { CommandDefinition } from '../../program/command.ts'
import { identityJson } from './create.ts'

export const identityRotate: CommandDefinition = {
  name: 'rotate',
  summary: 'Replace the key of an identity; its identifier stays',
  details:
    'Peers learn the new key with the next channel, and refuse what was signed with the old one from then on. Running nodes use the new key for new channels.',
  parameters: [{ name: 'name', description: 'name of the identity (default: the default identity)' }],
  options: [{ flags: '--revoke-purpose-keys', description: 'also mark the keys of earlier channels as revoked' }],
  examples: ['ockam identity rotate alice'],
  async run(input, { terminal, openState, secrets }) {
    const state = await openState()
    const { ownIdentityRecord, withIdentities } = await import('../../node/own-identity.ts')
    const record = ownIdentityRecord(state, input.argument(0))
    const revokePurposeKeys = input.flag('revoke-purpose-keys')
    const rotated = await terminal.progress(`Rotating the key of ${record.name}`, () =>
      withIdentities(state, secrets, record.vault, (identities) => identities.rotate(record.identifier, { revokePurposeKeys })),
    )
    state.identities.update({ ...record, changeHistory: rotated.changeHistory })
    terminal.note(`Replaced the key of identity "${record.name}".`)
    terminal.data(identityJson(record), record.identifier)
  },
}
