import type { CommandDefinition } from '../../program/command.ts'
import { chosenNode } from '../node-choice.ts'
import { startPrepared } from './create-background.ts'

export const nodeStart: CommandDefinition = {
  name: 'start',
  summary: 'Start a node that was stopped, with the settings and things it had',
  parameters: [{ name: 'name', description: 'name of the node (default: the default node)' }],
  examples: ['ockam node start n1'],
  async run(input, shell) {
    const { terminal } = shell
    const state = await shell.openState()
    const name = chosenNode(state, input.argument(0))
    const running = state.nodes.running(name)
    if (running !== undefined) {
      terminal.note(`Node "${name}" is running already: process ${running.pid}.`)
      return terminal.data({ name, ...running }, name)
    }
    const started = await startPrepared(state, shell, name)
    terminal.note(`Started node "${name}": process ${started.pid}, listening at ${started.address}.`)
    terminal.data(started, name)
  },
}
