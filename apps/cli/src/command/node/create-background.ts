/** Makes a node and starts it in the background: what `ockam node create` does, also for commands that need a node and find none. */

import { conflictError } from '../../error.ts'
import type { Home, NodeSettings } from '../../home.ts'
import type { Shell } from '../../program/shell.ts'
import { checkedName, freeName } from '../name.ts'

export interface NewNode {
  readonly name: string | undefined
  readonly identity?: string | undefined
  readonly tcpListenerAddress?: string | undefined
  readonly authorized?: readonly string[]
}

export interface CreatedNode {
  readonly name: string
  readonly pid: number
  readonly address: string | undefined
}

/** Writes down what a node shall be. A node of that name that is not running gives way. @throws {CommandError} `cli/conflict`, `cli/usage` */
export async function prepareNode(home: Home, node: NewNode): Promise<NodeSettings> {
  const { identityOrDefault } = await import('../../node/own-identity.ts')
  const taken = home.nodeNames()
  const name = checkedName('node', node.name ?? freeName(taken), [])
  if (home.running(name) !== undefined) {
    throw conflictError(`Node "${name}" is running already.`, `Choose another name, or delete it first: ockam node delete ${name}`)
  }
  const identity = await identityOrDefault(home, node.identity)
  const settings: NodeSettings = {
    name,
    identity: identity.name,
    tcpListenerAddress: node.tcpListenerAddress ?? '127.0.0.1:0',
    authorized: node.authorized ?? [],
  }
  home.saveNode(settings)
  if (home.default('node') === undefined) home.setDefault('node', name)
  return settings
}

export async function createBackgroundNode(home: Home, shell: Shell, node: NewNode): Promise<CreatedNode> {
  const { terminal } = shell
  const settings = await prepareNode(home, node)
  return terminal.progress(`Starting node ${settings.name}`, () => startPrepared(home, settings.name, true))
}

/** @param isNew whether the node is forgotten again when it cannot start. */
export async function startPrepared(home: Home, name: string, isNew: boolean): Promise<CreatedNode> {
  const { startBackground } = await import('../../node/start-background.ts')
  try {
    return { name, ...(await startBackground(home, name, process.argv[1] as string)) }
  } catch (error) {
    if (isNew) home.deleteNode(name)
    throw error
  }
}
