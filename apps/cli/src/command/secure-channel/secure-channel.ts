/** `ockam secure-channel …` */

import { completedRoute, readRoute } from '../../address/node-route.ts'
import { usageError } from '../../error.ts'
import { CHANNEL_MS } from '../../node/limit.ts'
import type { ChannelInfo } from '../../node/method/secure-channel.ts'
import type { CommandDefinition, CommandGroup } from '../../program/command.ts'
import { askNode, chosenNode } from '../node-choice.ts'
import { deleteCommand, listCommand, type NodeThing, show, showCommand } from '../node-thing.ts'
import { CREDENTIAL_OPTION, ignored } from '../rust-option.ts'
import { timeoutOption } from '../timeout-option.ts'
import { withTraceHint } from '../trace-hint.ts'
import { authorizedOption, identityOption, sayWhoIsTrusted } from '../trust-option.ts'

const CHANNELS: NodeThing<ChannelInfo> = {
  noun: 'secure-channel',
  plural: 'secure channels',
  parameter: 'address',
  parameterDescription: 'the address that secure-channel create printed',
  nodeAliases: ['from'],
  example: '/service/3f1c0b5e8d7a4c2f9b6e1d0a8c5f7e3b',
  columns: [
    { title: 'ADDRESS', value: (row) => row.multiaddr },
    { title: 'TO', value: (row) => row.to },
    { title: 'PEER', value: (row) => row.peer_identifier },
  ],
  key: (info) => info.multiaddr,
}

const create: CommandDefinition = {
  name: 'create',
  summary: 'Open an end-to-end encrypted channel to a listener, over any route',
  details:
    'Prints the address of the channel: put it in front of what shall be reached at the other end. Without --authorized anyone who proves an identity is trusted.',
  options: [
    { flags: '--from <node>', description: 'the node that opens the channel', aliases: ['at', 'node'], fallback: 'the default node' },
    { flags: '--to <route>', description: 'route to a secure-channel listener', isRequired: true },
    authorizedOption('a peer'),
    identityOption,
    timeoutOption(CHANNEL_MS),
    CREDENTIAL_OPTION,
  ],
  examples: [
    'ockam secure-channel create --from a --to /node/b/service/api',
    'ockam secure-channel create --from a --to /node/relay/service/forward_to_b/service/api | ockam message send hello --from a --to -/service/uppercase',
  ],
  async run(input, shell) {
    const { terminal } = shell
    const state = await shell.openState()
    const node = chosenNode(state, input.text('from'))
    const given = input.requiredText('to')
    const authorized = input.list('authorized')
    sayWhoIsTrusted(shell, authorized, `The channel to ${given}`)
    const written = await completedRoute(given, shell)
    const to = await readRoute(written, shell, state)
    const timeoutMs = input.durationMs('timeout') ?? CHANNEL_MS
    const parameters = { to: to.toString(), authorized, identity: input.text('identity'), timeoutMs }
    const opening = terminal.progress(`Opening a secure channel to ${given}`, () =>
      askNode(state, node, 'secure-channel.create', parameters, { operationMs: timeoutMs, signal: shell.signal }),
    )
    const info = (await withTraceHint({ ...parameters, route: opened(written), from: node }, opening)) as ChannelInfo
    terminal.note(`Opened a secure channel with ${info.peer_identifier}.`)
    terminal.data(info, info.multiaddr)
  },
}

const shown = showCommand(CHANNELS)
/** A channel as a route: the node, and the address there. */
const AT_ROUTE = /^(\/node\/[^/]+)\/(?:service|worker)\/([^/]+)\/?$/

/** The Rust command knows a channel by its route: `--at /node/a/service/3f1c…`. */
const showByRoute: CommandDefinition = {
  ...shown,
  parameters: shown.parameters?.map((parameter) => ({ ...parameter, isRequired: false })) ?? [],
  options: [
    ...(shown.options ?? []),
    ignored('--identity <name>', 'the node itself is asked'),
    ignored('--timeout <duration>', 'the node answers at once'),
  ],
  async run(input, shell) {
    const given = input.text('at')
    const [, node, address] = AT_ROUTE.exec(given ?? '') ?? []
    const name = input.argument(0) ?? address
    if (name === undefined) throw usageError('Say which channel: give its address.', 'See which there are: ockam secure-channel list')
    await show(CHANNELS, shell, node ?? given, name)
  },
}

/** A trace opens a channel where a route says so; here the listener may be written like any worker. */
const opened = (route: string): string => route.replace(/\/(?:service|worker)\/([^/]+)\/?$/, '/secure/$1')

export const secureChannel: CommandGroup = {
  name: 'secure-channel',
  summary: 'Encrypted, mutually authenticated channels, end to end over any route',
  commands: [create, listCommand(CHANNELS), showByRoute, deleteCommand(CHANNELS)],
}
