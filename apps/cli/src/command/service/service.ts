/** `ockam service …` */

import { usageError } from '../../error.ts'
import type { ServiceInfo } from '../../node/method/service.ts'
import type { CommandDefinition, CommandGroup } from '../../program/command.ts'
import { askNode, atOption, chosenNode } from '../node-choice.ts'

const list: CommandDefinition = {
  name: 'list',
  summary: 'List the services of a node',
  options: [atOption()],
  examples: ['ockam service list --at n1'],
  async run(input, { terminal, openState }) {
    const state = await openState()
    const node = chosenNode(state, input.text('at'))
    const services = (await askNode(state, node, 'service.list', {})) as readonly ServiceInfo[]
    const columns = [
      { title: 'ADDRESS', value: (row: ServiceInfo) => row.addr },
      { title: 'TYPE', value: (row: ServiceInfo) => row.type },
    ]
    await terminal.table(services, columns, (row) => row, `Node "${node}" has no services.`)
  },
}

const start: CommandDefinition = {
  name: 'start',
  summary: 'Start a service on a node',
  details:
    'hop: passes messages on along their route. Anyone who reaches the node may then hop through it to its services, and through the TCP connections made after the service was started to those who know their addresses.',
  parameters: [{ name: 'service', description: 'which service: hop', isRequired: true }],
  options: [atOption(), { flags: '--addr <name>', description: 'address of the service', fallback: 'hop' }],
  examples: ['ockam service start hop --at n1 --addr h1'],
  async run(input, { terminal, openState }) {
    const state = await openState()
    const node = chosenNode(state, input.text('at'))
    const type = input.required(0)
    if (type !== 'hop') throw usageError(`There is no service "${type}" to start.`, 'The service that can be started is: hop')
    const info = (await askNode(state, node, 'service.start-hop', { address: input.text('addr') ?? 'hop' })) as ServiceInfo
    terminal.note(`Started the service "${info.addr}" on node "${node}".`)
    terminal.data(info, `/service/${info.addr}`)
  },
}

export const service: CommandGroup = { name: 'service', summary: 'Services of a node', commands: [list, start] }
