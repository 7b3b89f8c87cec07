/** `ockam tcp-inlet …` */

import type { MultiAddr } from '@ockam/core'
import { readRoute } from '../../address/node-route.ts'
import { portalEnd } from '../../address/socket-address.ts'
import { withSecureHop } from '../../address/portal-route.ts'
import { usageError } from '../../error.ts'
import { INLET_WAIT_MS } from '../../node/limit.ts'
import type { InletInfo } from '../../node/method/portal.ts'
import type { ChannelInfo } from '../../node/method/secure-channel.ts'
import type { CommandDefinition, CommandGroup } from '../../program/command.ts'
import type { State } from '../../state/state.ts'
import { allowedIdentifiers, allowOption } from '../allow-option.ts'
import { randomName } from '../name.ts'
import { askNode, atOption, chosenOrNewNode } from '../node-choice.ts'
import { deleteCommand, listCommand, type NodeThing, showCommand } from '../node-thing.ts'
import { oneName } from '../one-name.ts'
import { ignored, PORTAL_OPTIONS, refused } from '../rust-option.ts'
import { traceCommand } from '../trace-hint.ts'
import { authorizedOption, identityOption, sayWhoIsTrusted } from '../trust-option.ts'

const INLETS: NodeThing<InletInfo> = {
  noun: 'tcp-inlet',
  plural: 'TCP inlets',
  parameter: 'alias',
  parameterDescription: 'name of the inlet',
  example: 'db',
  columns: [
    { title: 'ALIAS', value: (row) => row.alias },
    { title: 'LISTENS AT', value: (row) => row.bind_addr },
    { title: 'STATUS', value: (row) => row.status },
    { title: 'OUTLET', value: (row) => row.outlet_addr.join(' ') },
  ],
  key: (info) => info.alias,
}

const create: CommandDefinition = {
  name: 'create',
  summary: 'Listen on this machine, and carry connections to an outlet elsewhere',
  details:
    `Connections travel through a secure channel: where a route names none, one is opened to the listener "api" in front of the outlet. The way is
kept open, and opened again when it breaks; further routes (--to several times) are used while the first one fails.`.replaceAll('\n', ' '),
  parameters: [{ name: 'name', description: 'the same as --alias' }],
  options: [
    atOption('the node that listens'),
    {
      flags: '--from <address>',
      description: 'where clients connect: host:port, a port of 127.0.0.1, or the path of a Unix socket',
      fallback: 'any free port',
    },
    {
      flags: '--to <route>',
      description: 'route to the outlet; may be given several times',
      isMany: true,
    },
    { flags: '--via <relay>', description: 'name of a relay, put into the place of <relay> in --to' },
    { flags: '--alias <name>', description: 'name of the inlet', fallback: 'a random one' },
    authorizedOption("the outlet's node"),
    allowOption('accept only outlets of'),
    identityOption,
    {
      flags: '--connection-wait <duration>',
      description: 'how long to wait for the way to open before going on',
      fallback: `${INLET_WAIT_MS / 1000}s`,
    },
    { flags: '--no-connection-wait', description: 'do not wait for the way to open' },
    ignored('--retry-wait <duration>', 'a broken way is tried again after 0.5s to 30s'),
    ignored('--timeout <duration>', 'each try has up to 120s, and --connection-wait says how long this command waits'),
    ignored('--udp', 'everything goes over TCP', ['enable-udp-puncture']),
    refused('--no-tcp-fallback', 'everything goes over TCP', ['disable-tcp-fallback']),
    refused('--tls', 'an inlet of this command speaks no TLS to its clients'),
    refused('--tls-certificate-provider <route>', 'an inlet of this command speaks no TLS to its clients'),
    refused('--http-header <header>', 'an inlet of this command carries bytes as they are'),
    ...PORTAL_OPTIONS,
  ],
  examples: [
    'ockam tcp-inlet create --at laptop --from 15432 --to /ip4/203.0.113.7/tcp/4000/service/forward_to_db/secure/api/service/outlet',
    'ockam tcp-inlet create --from 8080 --to /node/web/service/outlet',
  ],
  async run(input, shell) {
    const { terminal } = shell
    const state = await shell.openState()
    const node = await chosenOrNewNode(state, input.text('at'), shell)
    const authorized = input.list('authorized')
    const given = routesOf(input.list('to'), input.text('via'))
    const to: string[] = []
    let opensChannel = false
    for (const text of given) {
      const route = await readRoute(text, shell, state)
      const isInside = await isThroughOwnChannel(state, node, route)
      opensChannel ||= !isInside
      to.push((isInside ? route : withSecureHop(route)).toString())
    }
    if (opensChannel) sayWhoIsTrusted(shell, authorized, `The channel to ${given[0]}`)
    const isWaiting = !input.isOff('connection-wait')
    const waitMs = isWaiting ? (input.durationMs('connection-wait') ?? INLET_WAIT_MS) : 0
    const alias = oneName(input, 'alias') ?? randomName()
    const parameters = {
      alias,
      from: portalEnd(input.text('from') ?? '0'),
      to,
      authorized,
      allow: allowedIdentifiers(input.list('allow')),
      identity: input.text('identity'),
      ...(waitMs > 0 && { waitMs }),
    }
    const info = (await terminal.progress(`Opening the way to ${given[0]}`, () =>
      askNode(state, node, 'tcp-inlet.create', parameters, { operationMs: waitMs, signal: shell.signal }),
    )) as InletInfo
    if (info.status === 'down' && isWaiting) {
      const trace = traceCommand({ ...parameters, route: to[0] as string, from: node })
      terminal.warn(`The way to the outlet is not open yet; connections wait until it is. See how far it gets: ${trace}`)
    }
    terminal.note(`Node "${node}" listens at ${info.bind_addr}: inlet "${alias}".`)
    terminal.data(info, info.bind_addr)
  },
}

/** Whether an outlet is right behind a channel that the node has already, as in `ockam secure-channel create … | ockam tcp-inlet create --to -/service/outlet`. */
async function isThroughOwnChannel(state: State, node: string, route: MultiAddr): Promise<boolean> {
  const [first] = route.pieces
  // Further on, what leaves the channel would travel in the open.
  if (route.length !== 2 || first?.name !== 'service') return false
  const channels = (await askNode(state, node, 'secure-channel.list', {})) as readonly ChannelInfo[]
  return channels.some(({ address }) => address === first.value)
}

/** @throws {CommandError} `cli/usage` */
function routesOf(to: readonly string[], via: string | undefined): readonly string[] {
  if (to.length === 0) throw usageError('--to is missing.', 'Say where the outlet is: --to /node/n1/service/outlet')
  if (!to.some((route) => route.includes('<relay>'))) return to
  if (via === undefined) throw usageError('--via is missing: --to has <relay> in it.')
  return to.map((route) => route.replaceAll('<relay>', `forward_to_${via.replace(/^forward_to_/, '')}`))
}

export const tcpInlet: CommandGroup = {
  name: 'tcp-inlet',
  summary: 'Portals: the end where clients connect',
  commands: [create, listCommand(INLETS), showCommand(INLETS), deleteCommand(INLETS)],
}
