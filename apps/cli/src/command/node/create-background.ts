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
}

export interface CreatedNode {
  readonly name: string
  readonly pid: number
  readonly address: string | undefined
}

/** Writes down what a node shall be. One of that name that is stopped begins anew. @throws {CommandError} `cli/conflict`, `cli/usage` */
export async function prepareNode(state: State, { secrets }: Shell, node: NewNode): Promise<NodeSettings> {
  const { identityOrDefault } = await import('../../node/own-identity.ts')
  const { forgetThings } = await import('../../node/kept-thing.ts')
  const name = checkedNodeName(node.name ?? freeName(state.nodes.names()))
  if (state.nodes.running(name) !== undefined) {
    throw conflictError(`Node "${name}" is running already.`, `Choose another name, or delete it first: ockam node delete ${name}`)
  }
  const identity = await identityOrDefault(state, secrets, node.identity)
  const settings: NodeSettings = {
    name,
    identity: identity.name,
    tcpListenerAddress: node.tcpListenerAddress ?? '127.0.0.1:0',
    authorized: [...(node.authorized ?? [])],
  }
  if (state.nodes.find(name) === undefined) {
    state.nodes.create(settings)
  } else {
    // Whoever starts it meanwhile wins.
    const lock = await state.nodes.lock(name)
    state.nodes.update(settings)
    forgetThings(state.nodes.folder(name))
    await lock.release()
  }
  return settings
}

export async function createBackgroundNode(state: State, shell: Shell, node: NewNode): Promise<CreatedNode> {
  const isNew = node.name === undefined || state.nodes.find(checkedNodeName(node.name)) === undefined
  const { name } = await prepareNode(state, shell, node)
  return startPrepared(state, shell, name, isNew)
}

/** @param isNew whether the node is forgotten again when it cannot start. */
export async function startPrepared(state: State, shell: Shell, name: string, isNew: boolean): Promise<CreatedNode> {
  const { startBackground } = await import('../../node/start-background.ts')
  const passphrase = await passphraseFor(state, shell, name)
  try {
    const started = await shell.terminal.progress(`Starting node ${name}`, () =>
      startBackground({ state, name, program: process.argv[1] as string, environment: shell.environment, passphrase }),
    )
    return { name, ...started }
  } catch (error) {
    if (isNew) await state.nodes.delete(name)
    throw error
  }
}

/** A node in the background has nobody to ask, so its vault's passphrase is asked for here. */
async function passphraseFor(state: State, { secrets }: Shell, name: string): Promise<string | undefined> {
  const { vault } = state.identities.get(state.nodes.get(name).identity)
  const { environment, askPassphrase } = secrets
  if (state.vaults.get(vault).protection !== 'passphrase' || askPassphrase === undefined) return undefined
  if (environment['OCKAM_VAULT_PASSPHRASE'] || environment['OCKAM_VAULT_PASSPHRASE_FILE']) return undefined
  return askPassphrase(vault)
}
