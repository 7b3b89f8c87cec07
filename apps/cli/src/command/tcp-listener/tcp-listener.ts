/** `ockam tcp-listener …` */

import type { ListenerInfo } from '../../node/method/tcp.ts'
import type { CommandDefinition, CommandGroup } from '../../program/command.ts'
import { askNode, atOption, chosenNode } from '../node-choice.ts'
import { deleteCommand, listCommand, type NodeThing, showCommand } from '../node-thing.ts'

const LISTENERS: NodeThing<ListenerInfo> = {
  noun: 'tcp-listener',
  plural: 'TCP listeners',
  parameter: 'address',
  parameterDescription: 'where it listens, as tcp-listener list prints it',
  example: '127.0.0.1:4000',
  columns: [
    { title: 'ADDRESS', value: (row) => row.socket_address },
    { title: 'ROUTE', value: (row) => row.multiaddr },
  ],
  key: (info) => info.socket_address,
}

const create: CommandDefinition = {
  name: 'create',
  summary: 'Let a node listen at a further TCP address',
  parameters: [{ name: 'address', description: 'host:port; 127.0.0.1 when only a port is given', isRequired: true }],
  options: [atOption()],
  examples: ['ockam tcp-listener create 127.0.0.1:4000 --at n1'],
  async run(input, { terminal, openState }) {
    const state = await openState()
    const node = chosenNode(state, input.text('at'))
    const info = (await askNode(state, node, 'tcp-listener.create', { address: input.required(0) })) as ListenerInfo
    terminal.note(`Node "${node}" listens at ${info.socket_address}.`)
    terminal.data(info, info.multiaddr)
  },
}

export const tcpListener: CommandGroup = {
  name: 'tcp-listener',
  summary: 'Where a node takes TCP connections',
  commands: [create, listCommand(LISTENERS), showCommand(LISTENERS), deleteCommand(LISTENERS)],
}
