/** Makes a node and starts it in the background: what `ockam node create` does, also for commands that need a node and find none. */

import { conflictError } from '../../error.ts'
import type { Shell } from '../../program/shell.ts'
import type { NodeSettings } from '../../state/node-records.ts'
import type { State } from '../../state/state.ts'
import { checkedNodeName, freeName } from '../name.ts'

export interface NewNode {
  readonly name: string | undefined
  readonly identity?: string | undefined
  readonly tcpListenerAddress?: string | undefined
  readonly authorized?: readonly string[]
  /** `host:port` */
  readonly statusEndpoint?: string | undefined
}

export interface CreatedNode {
  readonly name: string
  readonly pid: number
  readonly address: string | undefined
}

export interface PreparedNode {
  readonly settings: NodeSettings
  /** Makes everything as it was before, once the node is stopped. */
  readonly takeBack: () => Promise<void>
}

/**
 * Writes down what a node shall be. One of that name that is stopped gets new settings, if nothing was made on it: that would be lost otherwise.
 * @throws {CommandError} `cli/conflict`, `cli/usage`
 */
export async function prepareNode(state: State, { secrets }: Shell, node: NewNode): Promise<PreparedNode> {
  const { identityOrDefault } = await import('../../node/own-identity.ts')
  const { forgetThings, readThings } = await import('../../node/kept-thing.ts')
  const name = checkedNodeName(node.name ?? freeName(state.nodes.names()))
  if (state.nodes.running(name) !== undefined) {
    throw conflictError(`Node "${name}" is running already.`, `Choose another name, or delete it first: ockam node delete ${name}`)
  }
  const before = state.nodes.find(name)
  const made = before === undefined ? 0 : readThings(state.nodes.folder(name)).length
  if (made > 0) {
    throw conflictError(
      `There is a node "${name}" already, with ${made === 1 ? 'one thing that was' : `${made} things that were`} made on it. It is stopped.`,
      `Start it: ockam node start ${name}. To begin anew, delete it first: ockam node delete ${name}`,
    )
  }
  const identity = await identityOrDefault(state, secrets, node.identity)
  const settings: NodeSettings = {
    name,
    identity: identity.name,
    tcpListenerAddress: node.tcpListenerAddress ?? '127.0.0.1:0',
    authorized: [...(node.authorized ?? [])],
    ...(node.statusEndpoint !== undefined && { statusEndpoint: node.statusEndpoint }),
  }
  if (before === undefined) {
    state.nodes.create(settings)
    return { settings, takeBack: () => state.nodes.delete(name) }
  }
  const change = async (to: NodeSettings): Promise<void> => {
    // Whoever starts it meanwhile wins.
    const lock = await state.nodes.lock(name)
    state.nodes.update(to)
    await lock.release()
  }
  await change(settings)
  return {
    settings,
    takeBack: async () => {
      forgetThings(state.nodes.folder(name))
      await change(before)
    },
  }
}

export async function createBackgroundNode(
  state: State,
  shell: Shell,
  node: NewNode,
): Promise<CreatedNode & Pick<PreparedNode, 'takeBack'>> {
  const { settings, takeBack } = await prepareNode(state, shell, node)
  try {
    return { ...(await startPrepared(state, shell, settings.name)), takeBack }
  } catch (error) {
    await shell.tidyUp(takeBack)
    throw error
  }
}

export async function startPrepared(state: State, shell: Shell, name: string): Promise<CreatedNode> {
  const { startBackground } = await import('../../node/start-background.ts')
  const passphrase = await passphraseFor(state, shell, name)
  const started = await shell.terminal.progress(`Starting node ${name}`, () =>
    startBackground({ state, name, program: process.argv[1] as string, environment: shell.environment, passphrase, signal: shell.signal }),
  )
  return { name, ...started }
}

/** A node in the background has nobody to ask, so its vault's passphrase is asked for here. */
async function passphraseFor(state: State, { secrets }: Shell, name: string): Promise<string | undefined> {
  const { vault } = state.identities.get(state.nodes.get(name).identity)
  const { environment, askPassphrase } = secrets
  if (state.vaults.get(vault).protection !== 'passphrase' || askPassphrase === undefined) return undefined
  if (environment['OCKAM_VAULT_PASSPHRASE'] || environment['OCKAM_VAULT_PASSPHRASE_FILE']) return undefined
  return askPassphrase(vault)
}
