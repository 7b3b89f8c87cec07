import { writeSync } from 'node:fs'
import type { CommandDefinition } from '../../program/command.ts'
import type { Input } from '../../program/input.ts'
import type { Shell } from '../../program/shell.ts'
import type { State } from '../../state/state.ts'
import { accepted, ignored, PROJECT_OPTIONS, refused } from '../rust-option.ts'
import { authorizedOption, sayWhoIsTrusted } from '../trust-option.ts'
import { type Configured, configuredNode } from './configured-node.ts'
import { createBackgroundNode, type CreatedNode, prepareNode } from './create-background.ts'

/** Exit code of a command that the user interrupts. */
const INTERRUPTED = 130

export const nodeCreate: CommandDefinition = {
  name: 'create',
  summary: 'Create a node and start it, in the background or in the foreground',
  details:
    `A node listens on TCP and offers echo, uppercase, a secure-channel listener "api" and relays at forward_to_<name>. It is controlled by this
command alone, through a socket in the state folder.`.replaceAll('\n', ' '),
  parameters: [
    {
      name: 'name-or-configuration',
      description: 'name of the node, or a configuration: a file or https URL that ends in .yaml, .yml or .json, or has a slash in it',
    },
  ],
  options: [
    { flags: '-f, --foreground', description: 'stay in the foreground until the node ends' },
    { flags: '-t, --tcp-listener-address <address>', description: 'where the node listens', fallback: '127.0.0.1:0, any free port' },
    { flags: '--identity <name>', description: 'identity the node speaks as', fallback: 'the default identity, made if there is none' },
    authorizedOption('those who open a channel to "api"'),
    { flags: '--configuration <yaml>', description: 'a configuration as text', aliases: ['node-config'] },
    { flags: '--variable <name=value>', description: 'a variable of the configuration; may be given several times', isMany: true },
    { flags: '-e, --exit-on-eof', description: 'with --foreground: end when standard input ends' },
    { flags: '-s, --skip-is-running-check', description: 'no error when the node is running already' },
    {
      flags: '--status-endpoint <address>',
      description: 'answer HTTP there, without a password: GET / while the node is well, GET /show with what it has',
    },
    { flags: '--status-endpoint-port <port>', description: 'the same on 127.0.0.1', aliases: ['http-server-port'], isHidden: true },
    { flags: '--http-server', description: 'the same on any free port', aliases: ['enable-http-server'], isHidden: true },
    accepted('--no-status-endpoint', 'there is none unless it is asked for'),
    { flags: '--child-process', description: 'started by another command', isHidden: true },
    ignored('--udp', 'everything goes over TCP', ['enable-udp']),
    ignored('-u, --udp-listener-address <address>', 'everything goes over TCP'),
    refused('--services <json>', 'a node has its services from the start; ockam service start adds one', [
      'launch-configuration',
      'launch-config',
    ]),
    refused('--enrollment-ticket <ticket>', 'this command uses no hosted project'),
    refused('--in-memory', 'a node needs a folder; one that nobody keeps is made by: OCKAM_HOME=$(mktemp -d)'),
    ...PROJECT_OPTIONS,
  ],
  examples: [
    'ockam node create n1',
    'ockam node create relay --tcp-listener-address 0.0.0.0:4000',
    'ockam node create portal.yaml --variable PORT=5000',
    "ockam node create --configuration '{name: db, tcp-outlet: {to: 5432}}'",
  ],
  async run(input, shell) {
    if (input.flag('child-process')) return runChild(input, shell)
    const state = await shell.openState()
    const configured = await configuredNode(input, shell)
    const { name } = configured.node
    const running = name !== undefined && configured.mayRunAlready ? state.nodes.running(name) : undefined
    if (name !== undefined && running !== undefined) {
      shell.terminal.note(`Node "${name}" is running already.`)
      printNode(shell, state, { name, ...running })
      return
    }
    if (configured.isForeground) await runForeground(shell, state, configured)
    else await runBackground(shell, state, configured)
  },
}

async function runBackground(shell: Shell, state: State, { node, make }: Configured): Promise<void> {
  const { terminal } = shell
  const { takeBack, ...created } = await createBackgroundNode(state, shell, node)
  const { name, pid, address } = created
  sayWhoIsTrusted(shell, node.authorized ?? [], `The listener "api" of node "${name}"`)
  const isDefault = state.defaults.get('node') === name
  terminal.note(`Created node "${name}"${isDefault ? ', the default node' : ''}: process ${pid}, listening at ${address}.`)
  try {
    await make(name)
  } catch (error) {
    // Half of what was configured is not what was asked for.
    await shell.tidyUp(async () => {
      const { stopNode } = await import('../../node/stop-node.ts')
      await stopNode(state, name, false)
      await takeBack()
    })
    terminal.note(takenBack(state, name, 'because not all of its configuration can be made'))
    throw error
  }
  printNode(shell, state, created)
}

async function runForeground(shell: Shell, state: State, { node, make, endsWithInput }: Configured): Promise<void> {
  const { terminal, secrets } = shell
  const { runNode } = await import('../../node/run-node.ts')
  const { settings, takeBack } = await prepareNode(state, shell, node)
  const { name } = settings
  shell.leaveSignals()
  sayWhoIsTrusted(shell, settings.authorized, `The listener "api" of node "${name}"`)
  let isMade = false
  try {
    await runNode({
      state,
      settings,
      secrets,
      isChild: false,
      log: (line) => terminal.note(line),
      onReady: async () => {
        await make(name)
        isMade = true
        printNode(shell, state, { name, pid: process.pid, address: state.nodes.running(name)?.address })
      },
      ...(endsWithInput && { until: endOfInput() }),
    })
  } finally {
    if (!isMade) await takeBack()
  }
  if (isMade) return
  terminal.note(takenBack(state, name, 'because it was told to end before all of it was made'))
  process.exitCode = INTERRUPTED
}

function printNode(shell: Shell, state: State, { name, pid, address }: CreatedNode): void {
  const endpoint = sayStatusEndpoint(shell, state, name)
  shell.terminal.data({ name, pid, address, is_default: state.defaults.get('node') === name, ...endpoint }, name)
}

const takenBack = (state: State, name: string, why: string): string =>
  `${state.nodes.find(name) === undefined ? 'Deleted' : 'Stopped'} node "${name}" again, ${why}.`

/** The port may have been chosen by the system. */
function sayStatusEndpoint({ terminal }: Shell, state: State, name: string): { readonly status_endpoint_address: string } | undefined {
  const endpoint = state.nodes.get(name).statusEndpoint
  if (endpoint === undefined) return undefined
  terminal.note(`Its status is at http://${endpoint}/show.`)
  const isNear = /^(127\.|\[::1\]|localhost:)/.test(endpoint)
  if (!isNear) terminal.warn(`Whoever reaches ${endpoint} can read the status of node "${name}", its addresses and peers.`)
  return { status_endpoint_address: endpoint }
}

/** The settings are in the state folder, so that nothing private stands in a command line. */
async function runChild(input: Input, { openState, secrets, leaveSignals }: Shell): Promise<void> {
  leaveSignals()
  const state = await openState()
  const { runNode } = await import('../../node/run-node.ts')
  const settings = state.nodes.get(input.required(0))
  await runNode({
    state,
    settings,
    secrets,
    isChild: true,
    log: logLine,
    // Used by now, and nobody else's business.
    onReady: () => void delete process.env['OCKAM_VAULT_PASSPHRASE'],
  })
}

/** To the log, which is standard error. On a full disk lines are lost; a node must not end for them. */
function logLine(line: string): void {
  try {
    writeSync(process.stderr.fd, `${line}\n`)
  } catch {
    // The next one may find room again.
  }
}

function endOfInput(): Promise<void> {
  return new Promise((resolve) => process.stdin.resume().once('end', resolve).once('close', resolve))
}
