import { openHome } from '../../home.ts'
import type { CommandDefinition } from '../../program/command.ts'
import { chosenNode } from '../node-choice.ts'

export const nodeDefault: CommandDefinition = {
  name: 'default',
  summary: 'Print or choose the default node',
  parameters: [{ name: 'name', description: 'the node that becomes the default one; without it the present one is printed' }],
  examples: ['ockam node default', 'ockam node default n1'],
  async run(input, { terminal, environment }) {
    const home = openHome(environment)
    const name = chosenNode(home, input.argument(0))
    if (input.argument(0) !== undefined) {
      home.setDefault('node', name)
      terminal.note(`"${name}" is now the default node.`)
    }
    terminal.data({ name }, name)
  },
}
