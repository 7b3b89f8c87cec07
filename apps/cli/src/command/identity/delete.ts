import { conflictError, usageError } from '../../error.ts'
import type { CommandDefinition } from '../../program/command.ts'
import { confirmed } from '../../terminal/question.ts'

export const identityDelete: CommandDefinition = {
  name: 'delete',
  summary: 'Delete an identity and its keys',
  details: 'What others granted to its identifier is lost for good. An identity that a node uses is not deleted.',
  parameters: [{ name: 'name', description: 'name of the identity' }],
  options: [
    { flags: '-y, --yes', description: 'do not ask' },
    { flags: '--all', description: 'delete all identities' },
  ],
  examples: ['ockam identity delete alice --yes'],
  async run(input, shell) {
    const state = await shell.openState()
    const { identityRecord, withIdentities } = await import('../../node/own-identity.ts')
    const given = input.argument(0)
    if (given === undefined && state.identities.list().length === 0) {
      shell.terminal.note('There are no identities.')
      return shell.terminal.data([], '')
    }
    if (given === undefined && !input.flag('all'))
      throw usageError('Say which identity: give its name, or --all.', 'See which there are: ockam identity list')
    const records = input.flag('all') ? state.identities.list() : [identityRecord(state, given)]
    const { readThings } = await import('../../node/kept-thing.ts')
    const hasThingOf = (node: string, identity: string): boolean =>
      readThings(state.nodes.folder(node)).some(({ parameters }) => (parameters as { identity?: unknown } | null)?.identity === identity)
    for (const { name } of records) {
      const user = state.nodes.names().find((node) => state.nodes.find(node)?.identity === name || hasThingOf(node, name))
      if (user !== undefined)
        throw conflictError(`Identity "${name}" is used by node "${user}".`, `Delete what uses it, or the node: ockam node delete ${user}`)
    }
    const what = records.length === 1 ? `the identity "${records[0]?.name}"` : `${records.length} identities`
    if (records.length > 0 && !(await confirmed(shell, input.flag('yes'), `Delete ${what} and the keys?`))) return
    for (const { name, identifier, vault } of records) {
      // The name last: a deletion that was interrupted can be repeated.
      await withIdentities(state, shell.secrets, vault, (identities) => identities.delete(identifier))
      state.identities.delete(name)
      shell.terminal.note(`Deleted the identity "${name}".`)
    }
    shell.terminal.data(
      records.map(({ name, identifier }) => ({ name, identifier })),
      '',
    )
  },
}
