/** `ockam reset` */

import type { CommandDefinition } from '../program/command.ts'
import { confirmed } from '../terminal/question.ts'

export const reset: CommandDefinition = {
  name: 'reset',
  summary: 'Stop all nodes and delete everything of this command on this machine, keys too',
  options: [
    { flags: '-y, --yes', description: 'do not ask' },
    { flags: '--all', description: 'accepted; everything is deleted in any case', isHidden: true },
    { flags: '-f, --force', description: 'kill nodes instead of letting them end' },
  ],
  examples: ['ockam reset --yes'],
  async run(input, shell) {
    const { terminal } = shell
    const state = await shell.openState()
    const { stopNode } = await import('../node/stop-node.ts')
    if (!(await confirmed(shell, input.flag('yes'), `Delete everything in ${state.path}, keys too?`))) return
    for (const name of state.nodes.names()) {
      await terminal.progress(`Stopping node ${name}`, () => stopNode(state, name, input.flag('force')))
    }
    const elsewhere = await state.reset()
    for (const path of elsewhere) terminal.warn(`The keys of a vault stay at ${path}, where it was put.`)
    terminal.note(`Deleted everything in ${state.path}.`)
    terminal.data({ home: state.path, left: elsewhere }, '')
  },
}
