/** `ockam secure-channel-listener …` */

import type { ChannelListenerInfo } from '../../node/method/secure-channel.ts'
import type { CommandDefinition, CommandGroup } from '../../program/command.ts'
import { askNode, atOption, chosenNode } from '../node-choice.ts'
import { deleteCommand, listCommand, type NodeThing, showCommand } from '../node-thing.ts'
import { authorizedOption, identityOption, sayWhoIsTrusted } from '../trust-option.ts'

const LISTENERS: NodeThing<ChannelListenerInfo> = {
  noun: 'secure-channel-listener',
  plural: 'secure-channel listeners',
  parameter: 'address',
  parameterDescription: 'its name',
  example: 'l',
  isDeletedUnasked: true,
  columns: [
    { title: 'ADDRESS', value: (row) => row.multiaddr },
    { title: 'IDENTIFIER', value: (row) => row.identifier },
    { title: 'TRUSTS', value: (row) => (row.authorized_identifiers.length === 0 ? 'anyone' : row.authorized_identifiers.join(' ')) },
  ],
  key: (info) => info.address,
}

const create: CommandDefinition = {
  name: 'create',
  summary: 'Let a node accept secure channels at a further address',
  parameters: [{ name: 'address', description: 'name of the listener', isRequired: true }],
  options: [atOption(), authorizedOption('peers'), identityOption],
  examples: ['ockam secure-channel-listener create l --at n1 --authorized $(ockam identity show alice)'],
  async run(input, shell) {
    const state = await shell.openState()
    const node = chosenNode(state, input.text('at'))
    const authorized = input.list('authorized')
    const address = input.required(0)
    sayWhoIsTrusted(shell, authorized, `The listener "${address}"`)
    const parameters = { address, authorized, identity: input.text('identity') }
    const info = (await askNode(state, node, 'secure-channel-listener.create', parameters)) as ChannelListenerInfo
    shell.terminal.note(`Node "${node}" accepts secure channels at ${info.multiaddr}.`)
    shell.terminal.data(info, info.multiaddr)
  },
}

export const secureChannelListener: CommandGroup = {
  name: 'secure-channel-listener',
  summary: 'Where a node accepts secure channels',
  commands: [create, listCommand(LISTENERS), showCommand(LISTENERS), deleteCommand(LISTENERS)],
}
