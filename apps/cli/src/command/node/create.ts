import { openHome } from '../../home.ts'
import type { CommandDefinition } from '../../program/command.ts'
import type { Input } from '../../program/input.ts'
import type { Shell } from '../../program/shell.ts'
import { authorizedOption, sayWhoIsTrusted } from '../trust-option.ts'
import { createBackgroundNode, type NewNode, prepareNode } from './create-background.ts'

export const nodeCreate: CommandDefinition = {
  name: 'create',
  summary: 'Create a node and start it, in the background or in the foreground',
  details:
    `A node listens on TCP and offers echo, uppercase, a secure-channel listener "api" and relays at forward_to_<name>. It is controlled by this
command alone, through a socket in the state directory.`.replaceAll('\n', ' '),
  parameters: [
    { name: 'name-or-configuration', description: 'name of the node, or a configuration: a file or URL that ends in .yaml, .yml or .json' },
  ],
  options: [
    { flags: '-f, --foreground', description: 'stay in the foreground until the node ends' },
    {
      flags: '-t, --tcp-listener-address <address>',
      description: 'where the node listens',
      fallback: '127.0.0.1:0, any free port',
    },
    { flags: '--identity <name>', description: 'identity the node speaks as', fallback: 'the default identity, made if there is none' },
    authorizedOption('those who open a channel to "api"'),
    { flags: '--configuration <yaml>', description: 'a configuration as text', aliases: ['node-config'] },
    { flags: '--variable <key=value>', description: 'a variable of the configuration; may be given several times', isMany: true },
    { flags: '--exit-on-eof', description: 'with --foreground: end when standard input ends' },
    { flags: '-s, --skip-is-running-check', description: 'no error when the node is running already' },
    { flags: '--child-process', description: 'started by another command', isHidden: true },
  ],
  examples: [
    'ockam node create n1',
    'ockam node create relay --tcp-listener-address 0.0.0.0:4000',
    'ockam node create portal.yaml --variable PORT=5000',
  ],
  async run(input, shell) {
    if (input.flag('child-process')) return runChild(input, shell)
    const home = openHome(shell.environment)
    const node: NewNode = {
      name: input.argument(0),
      identity: input.text('identity'),
      tcpListenerAddress: input.text('tcp-listener-address'),
      authorized: input.list('authorized'),
    }
    if (input.flag('skip-is-running-check') && node.name !== undefined && home.running(node.name) !== undefined) {
      shell.terminal.note(`Node "${node.name}" is running already.`)
      return
    }
    sayWhoIsTrusted(shell, node.authorized ?? [], 'The listener "api" of the node')
    if (input.flag('foreground')) return runForeground(input, shell, node)
    const created = await createBackgroundNode(home, shell, node)
    const { name, pid, address } = created
    shell.terminal.note(
      `Created node "${name}"${home.default('node') === name ? ', the default node' : ''}: process ${pid}, listening at ${address}.`,
    )
    shell.terminal.data({ name, pid, address, is_default: home.default('node') === name }, name)
  },
}

async function runForeground(input: Input, { terminal, environment }: Shell, node: NewNode): Promise<void> {
  const home = openHome(environment)
  const { runNode } = await import('../../node/run-node.ts')
  const settings = await prepareNode(home, node)
  await runNode({
    home,
    settings,
    isChild: false,
    log: (line) => terminal.note(line),
    onReady: () => terminal.data({ name: settings.name, pid: process.pid, address: home.running(settings.name)?.address }, settings.name),
    ...(input.flag('exit-on-eof') && { until: endOfInput() }),
  })
}

/** The settings are in the state directory, so that nothing private stands in a command line. */
async function runChild(input: Input, { environment }: Shell): Promise<void> {
  const home = openHome(environment)
  const { runNode } = await import('../../node/run-node.ts')
  const settings = home.nodeSettings(input.required(0))
  if (settings === undefined) throw new Error(`Node "${input.required(0)}" has no settings.`)
  await runNode({ home, settings, isChild: true, log: (line) => process.stderr.write(`${line}\n`) })
}

function endOfInput(): Promise<void> {
  return new Promise((resolve) => process.stdin.resume().once('end', resolve).once('close', resolve))
}
