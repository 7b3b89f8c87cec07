import type { CommandDefinition } from '../../program/command.ts'
import { chosenNode } from '../node-choice.ts'

export const nodeStop: CommandDefinition = {
  name: 'stop',
  summary: 'Stop a node; its settings stay',
  details: 'The node drains what is under way, says goodbye to its channels and ends. With --force it is killed.',
  parameters: [{ name: 'name', description: 'name of the node (default: the default node)' }],
  options: [
    { flags: '-f, --force', description: 'kill it' },
    { flags: '--all', description: 'stop all nodes' },
  ],
  examples: ['ockam node stop n1'],
  async run(input, { terminal, openState }) {
    const state = await openState()
    const { stopNode } = await import('../../node/stop-node.ts')
    const names = input.flag('all') ? state.nodes.names() : [chosenNode(state, input.argument(0))]
    const stopped: { name: string; was_running: boolean }[] = []
    for (const name of names) {
      const wasRunning = await terminal.progress(`Stopping node ${name}`, () => stopNode(state, name, input.flag('force')))
      terminal.note(wasRunning ? `Node "${name}" was stopped.` : `Node "${name}" was not running.`)
      stopped.push({ name, was_running: wasRunning })
    }
    terminal.data(stopped, '')
  },
}
