/** `ockam tcp-connection …` */

import { CONNECTION_MS } from '../../node/limit.ts'
import type { ConnectionInfo } from '../../node/method/tcp.ts'
import type { CommandDefinition, CommandGroup } from '../../program/command.ts'
import { askNode, chosenNode } from '../node-choice.ts'
import { deleteCommand, listCommand, type NodeThing, showCommand } from '../node-thing.ts'
import { timeoutOption } from '../timeout-option.ts'

const CONNECTIONS: NodeThing<ConnectionInfo> = {
  noun: 'tcp-connection',
  plural: 'TCP connections',
  parameter: 'address',
  parameterDescription: 'where it leads (host:port), or its worker',
  nodeAliases: ['from'],
  example: '127.0.0.1:4000',
  columns: [
    { title: 'WORKER', value: (row) => row.multiaddr },
    { title: 'TO', value: (row) => row.to },
    { title: 'REMOTE', value: (row) => row.remote },
  ],
  key: (info) => info.to,
}

const create: CommandDefinition = {
  name: 'create',
  summary: 'Open a TCP connection to use in routes',
  details:
    'The address that is printed stands for the connection at the beginning of a route. When the node has a hop service, whoever hops there and knows the address may send through the connection too.',
  options: [
    { flags: '--from <node>', description: 'the node that connects', aliases: ['at', 'node'], fallback: 'the default node' },
    { flags: '-t, --to <address>', description: 'host:port, or a route such as /dnsaddr/example.com/tcp/4000', isRequired: true },
    timeoutOption(CONNECTION_MS),
  ],
  examples: ['ockam tcp-connection create --from n1 --to 127.0.0.1:4000'],
  async run(input, { terminal, openState, signal }) {
    const state = await openState()
    const node = chosenNode(state, input.text('from'))
    const timeoutMs = input.durationMs('timeout') ?? CONNECTION_MS
    const parameters = { to: input.requiredText('to'), timeoutMs }
    const info = (await terminal.progress(`Connecting to ${parameters.to}`, () =>
      askNode(state, node, 'tcp-connection.create', parameters, { operationMs: timeoutMs, signal }),
    )) as ConnectionInfo
    terminal.note(`Node "${node}" is connected to ${info.to}.`)
    terminal.data({ from: node, ...info }, info.multiaddr)
  },
}

export const tcpConnection: CommandGroup = {
  name: 'tcp-connection',
  summary: 'TCP connections of a node, for routes written by hand',
  commands: [create, listCommand(CONNECTIONS), showCommand(CONNECTIONS), deleteCommand(CONNECTIONS)],
}
