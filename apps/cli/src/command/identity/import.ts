import { readFile } from 'node:fs/promises'
import { notFoundError, usageError } from '../../error.ts'
import type { CommandDefinition } from '../../program/command.ts'

const MAX_TEXT = 256 * 1024

export const identityImport: CommandDefinition = {
  name: 'import',
  summary: 'Verify and remember the change history of somebody else',
  details:
    'Handshakes bring the history of a peer by themselves. Import one to pin it before the first contact: a peer that then shows an older or another history is refused.',
  parameters: [
    {
      name: 'file',
      description: 'file with the hexadecimal digits that ockam identity export printed, or the digits themselves',
      isRequired: true,
    },
  ],
  options: [
    { flags: '--expected <identifier>', description: 'refuse a history of anybody else' },
    { flags: '--vault <name>', description: 'vault to remember it in', fallback: 'the default vault' },
  ],
  examples: ['ockam identity import bob.identity'],
  async run(input, { terminal, openState, secrets }) {
    const state = await openState()
    const { vaultOrDefault, withIdentities } = await import('../../node/own-identity.ts')
    const given = input.required(0)
    const history = /^[0-9a-fA-F]{64,}$/.test(given) ? given : await readFile(given, 'utf8').catch((cause: Error) => cause)
    if (history instanceof Error) throw notFoundError(`"${given}" cannot be read: ${history.message}.`)
    if (history.length > MAX_TEXT) throw usageError(`"${given}" is too large to be a change history.`)
    const vault = await vaultOrDefault(state, input.text('vault'))
    const identifier = await withIdentities(state, secrets, vault, (identities) => identities.import(history, input.text('expected')))
    terminal.note(`Verified and remembered in vault "${vault}".`)
    terminal.data({ identifier: identifier.toString(), vault }, identifier.toString())
  },
}
