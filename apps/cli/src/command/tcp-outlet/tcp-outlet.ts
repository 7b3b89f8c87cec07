/** `ockam tcp-outlet …` */

import type { State } from '../../state/state.ts'
import type { OutletInfo } from '../../node/method/portal.ts'
import type { CommandDefinition, CommandGroup } from '../../program/command.ts'
import { portalEnd } from '../../address/socket-address.ts'
import { allowedIdentifiers, allowOption } from '../allow-option.ts'
import { randomName } from '../name.ts'
import { askNode, atOption, chosenOrNewNode } from '../node-choice.ts'
import { deleteCommand, listCommand, type NodeThing, showCommand } from '../node-thing.ts'
import { oneName } from '../one-name.ts'
import { PORTAL_OPTIONS } from '../rust-option.ts'

const OUTLETS: NodeThing<OutletInfo> = {
  noun: 'tcp-outlet',
  plural: 'TCP outlets',
  parameter: 'address',
  parameterDescription: 'its worker address',
  example: 'outlet',
  columns: [
    { title: 'OUTLET', value: (row) => row.worker_address },
    { title: 'LEADS TO', value: (row) => row.to },
    { title: 'FOR', value: (row) => (row.allowed_identifiers.length === 0 ? 'anyone with a channel' : row.allowed_identifiers.join(' ')) },
  ],
  key: (info) => info.address,
}

const create: CommandDefinition = {
  name: 'create',
  summary: 'Make a TCP service reachable for inlets elsewhere',
  details:
    `An outlet is reached through secure channels only, never over plain TCP. Without --allow everyone may use it whom the channel listener of the
node trusts; say so there (ockam node create --authorized) or here.`.replaceAll('\n', ' '),
  parameters: [{ name: 'name', description: 'the same as --from' }],
  options: [
    atOption(),
    { flags: '--to <address>', description: 'the service: host:port, a port of 127.0.0.1, or the path of a Unix socket', isRequired: true },
    { flags: '--from <address>', description: 'worker address of the outlet', fallback: 'outlet, or a random one when that is taken' },
    allowOption('only for'),
    { flags: '--tls', description: 'speak TLS to the service and verify its certificate' },
    ...PORTAL_OPTIONS,
  ],
  examples: [
    'ockam tcp-outlet create --at db --to 5432',
    'ockam tcp-outlet create --to 127.0.0.1:5432 --allow $(ockam identity show laptop)',
  ],
  async run(input, shell) {
    const { terminal } = shell
    const state = await shell.openState()
    const node = await chosenOrNewNode(state, input.text('at'), shell)
    const allow = allowedIdentifiers(input.list('allow'))
    const to = portalEnd(input.requiredText('to'))
    const given = oneName(input, 'from')?.replace(/^\/?service\//, '')
    const address = given ?? (await freeAddress(state, node))
    if (allow.length === 0) terminal.warn(`Anyone who opens a channel to node "${node}" can reach ${to}; name who may with --allow.`)
    const parameters = { address, to, allow, isTls: input.flag('tls') }
    const info = (await askNode(state, node, 'tcp-outlet.create', parameters)) as OutletInfo
    terminal.note(`Node "${node}" leads from ${info.worker_address} to ${info.to}.`)
    terminal.data(info, info.worker_address)
  },
}

async function freeAddress(state: State, node: string): Promise<string> {
  const taken = (await askNode(state, node, 'tcp-outlet.list', {})) as readonly OutletInfo[]
  return taken.some(({ address }) => address === 'outlet') ? randomName() : 'outlet'
}

export const tcpOutlet: CommandGroup = {
  name: 'tcp-outlet',
  summary: 'Portals: the end where the service is',
  commands: [create, listCommand(OUTLETS), showCommand(OUTLETS), deleteCommand(OUTLETS)],
}
