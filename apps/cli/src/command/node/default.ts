import type { CommandDefinition } from '../../program/command.ts'
import { chosenNode } from '../node-choice.ts'

export const nodeDefault: CommandDefinition = {
  name: 'default',
  summary: 'Print or choose the default node',
  parameters: [{ name: 'name', description: 'the node that becomes the default one; without it the present one is printed' }],
  examples: ['ockam node default', 'ockam node default n1'],
  async run(input, { terminal, openState }) {
    const state = await openState()
    const name = chosenNode(state, input.argument(0))
    if (input.argument(0) !== undefined) {
      state.defaults.set('node', name)
      terminal.note(`"${name}" is now the default node.`)
    }
    terminal.data({ name }, name)
  },
}
