/** `ockam relay …` */

import { completedRoute, readRoute } from '../../address/node-route.ts'
import { CHANNEL_MS, RELAY_MS } from '../../node/limit.ts'
import type { RelayInfo } from '../../node/method/relay.ts'
import type { CommandDefinition, CommandGroup } from '../../program/command.ts'
import { askNode, chosenOrNewNode } from '../node-choice.ts'
import { deleteCommand, listCommand, type NodeThing, showCommand } from '../node-thing.ts'
import { accepted, RETRY_OPTIONS } from '../rust-option.ts'
import { timeoutOption } from '../timeout-option.ts'
import { traceCommand, withTraceHint } from '../trace-hint.ts'
import { authorizedOption, identityOption, sayWhoIsTrusted } from '../trust-option.ts'

const RELAYS: NodeThing<RelayInfo> = {
  noun: 'relay',
  plural: 'relays',
  parameter: 'name',
  parameterDescription: 'name of the relay',
  nodeAliases: ['to'],
  example: 'blue',
  columns: [
    { title: 'NAME', value: (row) => row.name },
    { title: 'REMOTE ADDRESS', value: (row) => row.remote_address },
    { title: 'STATUS', value: (row) => row.status },
    { title: 'AT', value: (row) => row.at },
  ],
  key: (info) => info.name,
}

const create: CommandDefinition = {
  name: 'create',
  summary: 'Make a node reachable at another node, as forward_to_<name>',
  details:
    'The relay sees addresses and, when channels go through it, ciphertext. Registering through a channel (/node/relay/secure/api) ties the name to the identity of the node.',
  parameters: [{ name: 'name', description: 'name of the relay (default: default)' }],
  options: [
    { flags: '--at <route>', description: "the relay's node", isRequired: true },
    { flags: '--to <node>', description: 'the node that shall be reachable', aliases: ['node'], fallback: 'the default node' },
    { flags: '--relay-address <name>', description: 'another name for others than for yourself' },
    authorizedOption('a relay'),
    identityOption,
    timeoutOption(RELAY_MS, `; through a channel ${CHANNEL_MS / 1000}s`),
    { flags: '--no-connection-wait', description: 'do not wait until it is registered; the node goes on trying' },
    accepted('--project-relay', 'every relay is at a node'),
    ...RETRY_OPTIONS,
  ],
  examples: ['ockam relay create blue --at /node/relay --to blue', 'ockam relay create db --at /ip4/203.0.113.7/tcp/4000 --to db'],
  async run(input, shell) {
    const { terminal } = shell
    const state = await shell.openState()
    const node = await chosenOrNewNode(state, input.text('to'), shell)
    const name = input.argument(0) ?? 'default'
    const given = input.requiredText('at')
    const written = await completedRoute(given, shell)
    const at = await readRoute(written, shell, state)
    const authorized = input.list('authorized')
    const hasChannel = at.pieces.some((piece) => piece.name === 'secure')
    if (hasChannel) sayWhoIsTrusted(shell, authorized, `The channel to ${given}`)
    const timeoutMs = input.durationMs('timeout') ?? (hasChannel ? CHANNEL_MS : RELAY_MS)
    const parameters = {
      name,
      at: at.toString(),
      authorized,
      relayAddress: input.text('relay-address'),
      identity: input.text('identity'),
      timeoutMs,
      isFirstRequired: !input.isOff('connection-wait'),
    }
    const registering = terminal.progress(`Registering with the relay at ${given}`, () =>
      askNode(state, node, 'relay.create', parameters, { operationMs: timeoutMs, signal: shell.signal }),
    )
    const info = (await withTraceHint({ ...parameters, route: written, from: node }, registering)) as RelayInfo
    const trace = traceCommand({ ...parameters, route: written, from: node })
    if (info.status === 'down') terminal.warn(`Node "${node}" is not registered at ${given} yet. See how far it gets: ${trace}`)
    else terminal.note(`Node "${node}" is reachable at ${info.remote_address} of ${given}.`)
    terminal.data(info, info.multiaddr)
  },
}

export const relay: CommandGroup = {
  name: 'relay',
  summary: 'Being reachable without being dialled',
  commands: [create, listCommand(RELAYS), showCommand(RELAYS), deleteCommand(RELAYS)],
}
