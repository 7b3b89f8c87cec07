/** The node that a command line, a configuration, or both of them describe. The command line wins. */

import type { NodeConfiguration } from '../../node/configuration.ts'
import { usageError } from '../../error.ts'
import type { Input } from '../../program/input.ts'
import type { Shell } from '../../program/shell.ts'
import type { NewNode } from './create-background.ts'

export interface Configured {
  readonly node: NewNode
  readonly isForeground: boolean
  /** Whether a node in the foreground ends with standard input. */
  readonly endsWithInput: boolean
  /** Whether one that runs already will do. */
  readonly mayRunAlready: boolean
  /** Makes what the configuration has besides the node itself. */
  readonly make: (node: string) => Promise<void>
}

/** @throws {CommandError} `cli/usage`, `cli/not-found`, and what fetching a configuration fails with. */
export async function configuredNode(input: Input, shell: Shell): Promise<Configured> {
  const given = input.argument(0)
  const inline = input.text('configuration')
  const { fetchConfiguration, isConfiguration, isUrl } = await import('../../node/fetch-configuration.ts')
  const isElsewhere = inline === undefined && given !== undefined && isConfiguration(given)
  const own: NewNode = {
    name: isElsewhere ? undefined : given,
    identity: input.text('identity'),
    tcpListenerAddress: input.text('tcp-listener-address'),
    authorized: input.list('authorized'),
    statusEndpoint: statusEndpointOf(
      (name) => input.text(name),
      (name) => input.flag(name),
    ),
  }
  if (inline === undefined && !isElsewhere) {
    if (input.list('variable').length > 0) throw usageError('--variable is for configurations, and there is none.')
    return { node: own, ...manner((name) => input.flag(name)), make: async () => undefined }
  }
  const { onNode, parseVariables, readConfiguration, requireNoOther } = await import('../../node/configuration.ts')
  const text = inline ?? (await fetchConfiguration(given ?? ''))
  // What somebody else wrote could send the environment anywhere.
  const environment = isElsewhere && isUrl(given) ? undefined : shell.environment
  const configuration = readConfiguration(text, parseVariables(input.list('variable')), environment)
  const { randomName } = await import('../name.ts')
  const merging = merged(own, configuration)
  const node = { ...merging, name: merging.name ?? randomName() }
  requireNoOther(node.name, configuration)
  return {
    ...manner((name) => input.flag(name) || configuration.node[name] === true),
    node,
    make: async (name) => {
      for (const command of configuration.commands) await shell.run(onNode(command, name))
    },
  }
}

function manner(isOn: (name: string) => boolean): Pick<Configured, 'isForeground' | 'endsWithInput' | 'mayRunAlready'> {
  return { isForeground: isOn('foreground'), endsWithInput: isOn('exit-on-eof'), mayRunAlready: isOn('skip-is-running-check') }
}

/** By its present option, or by those that older programs know. */
function statusEndpointOf(text: (name: string) => string | undefined, isOn: (name: string) => boolean): string | undefined {
  const [address, port] = [text('status-endpoint'), text('status-endpoint-port') ?? text('http-server-port')]
  const isWanted = isOn('http-server') || isOn('enable-http-server')
  return address ?? (port === undefined ? (isWanted ? '127.0.0.1:0' : undefined) : `127.0.0.1:${port}`)
}

function merged(own: NewNode, { node }: NodeConfiguration): NewNode {
  const text = (name: string): string | undefined => (typeof node[name] === 'string' ? node[name] : undefined)
  const { authorized: list } = node
  const configured = typeof list === 'string' ? [list] : Array.isArray(list) ? (list as string[]) : []
  const { authorized: written = [] } = own
  return {
    name: own.name ?? text('name'),
    identity: own.identity ?? text('identity'),
    tcpListenerAddress: own.tcpListenerAddress ?? text('tcp-listener-address'),
    authorized: written.length > 0 ? written : configured,
    statusEndpoint: own.statusEndpoint ?? statusEndpointOf(text, (name) => node[name] === true),
  }
}
