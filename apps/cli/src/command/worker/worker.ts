/** `ockam worker …` */

import type { CommandGroup } from '../../program/command.ts'
import { askNode, atOption, chosenNode } from '../node-choice.ts'

interface WorkerInfo {
  readonly addr: string
}

export const worker: CommandGroup = {
  name: 'worker',
  summary: 'What receives messages on a node',
  commands: [
    {
      name: 'list',
      summary: 'List the workers of a node',
      details: 'All of them: services, and the workers behind connections, channels and relays, which have random addresses.',
      options: [atOption()],
      examples: ['ockam worker list --at n1'],
      async run(input, { terminal, openState }) {
        const state = await openState()
        const node = chosenNode(state, input.text('at'))
        const workers = (await askNode(state, node, 'worker.list', {})) as readonly WorkerInfo[]
        const columns = [{ title: 'WORKER', value: (row: WorkerInfo) => row.addr }]
        await terminal.table(workers, columns, (row) => row, `Node "${node}" has no workers.`)
      },
    },
  ],
}
