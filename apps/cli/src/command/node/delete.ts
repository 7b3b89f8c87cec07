import { usageError } from '../../error.ts'
import type { CommandDefinition } from '../../program/command.ts'
import { confirmed } from '../../terminal/question.ts'
import { chosenNode } from '../node-choice.ts'

export const nodeDelete: CommandDefinition = {
  name: 'delete',
  summary: 'Stop a node and forget it',
  parameters: [{ name: 'name', description: 'name of the node' }],
  options: [
    { flags: '-y, --yes', description: 'do not ask' },
    { flags: '--all', description: 'delete all nodes' },
    { flags: '-f, --force', description: 'kill it instead of letting it end' },
  ],
  examples: ['ockam node delete n1 --yes', 'ockam node delete --all --yes'],
  async run(input, shell) {
    const state = await shell.openState()
    const { stopNode } = await import('../../node/stop-node.ts')
    const isAll = input.flag('all')
    if (!isAll && input.argument(0) === undefined && state.defaults.get('node') === undefined) {
      throw usageError('Say which node: give its name, or --all.', 'See which there are: ockam node list')
    }
    const names = isAll ? state.nodes.names() : [chosenNode(state, input.argument(0))]
    const what = names.length === 1 ? `node "${names[0]}"` : `${names.length} nodes`
    if (names.length > 0 && !(await confirmed(shell, input.flag('yes'), `Delete ${what}?`))) return
    for (const name of names) {
      await shell.terminal.progress(`Deleting node ${name}`, () => stopNode(state, name, input.flag('force')))
      await state.nodes.delete(name)
      shell.terminal.note(`Deleted node "${name}".`)
    }
    shell.terminal.data(
      names.map((name) => ({ name })),
      '',
    )
  },
}
