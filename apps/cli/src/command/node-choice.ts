/** Which background node a command is about, and asking it. */

import { nodeName } from '../address/node-route.ts'
import { control, type ControlOptions, nodeDown } from '../control/control-client.ts'
import { notFoundError } from '../error.ts'
import type { State } from '../state/state.ts'
import type { OptionDefinition } from '../program/command.ts'
import type { Shell } from '../program/shell.ts'

/** `--at <node>`, and what a node is called elsewhere. */
export const atOption = (description = 'the node'): OptionDefinition => ({
  flags: '--at <node>',
  description,
  aliases: ['node'],
  fallback: 'the default node',
})

/** The name of a node of this state; of the default node when none is named. @throws {CommandError} `cli/not-found` */
export function chosenNode(state: State, given: string | undefined): string {
  if (given === undefined) {
    const name = state.defaults.get('node')
    if (name !== undefined) return name
    throw notFoundError('There is no node yet.', 'Make one: ockam node create')
  }
  const name = nodeName(given)
  if (state.nodes.find(name) !== undefined) return name
  throw notFoundError(`Node "${name}" not found.`, 'See which there are: ockam node list')
}

/** The same, but without any node in this state a default one is made and started first. */
export async function chosenOrNewNode(state: State, given: string | undefined, shell: Shell): Promise<string> {
  if (given !== undefined || state.defaults.get('node') !== undefined) return chosenNode(state, given)
  const { createBackgroundNode } = await import('./node/create-background.ts')
  const { name } = await createBackgroundNode(state, shell, { name: undefined })
  return name
}

/** Asks a node by name. @throws {CommandError} `cli/node-down`, `cli/timeout`, and what the node answers. */
export async function askNode(state: State, name: string, method: string, parameters: unknown, options?: ControlOptions): Promise<unknown> {
  if (state.nodes.running(name) === undefined) throw nodeDown(name)
  return control({ name, socketPath: state.nodes.controlPath(name) }, method, parameters, options)
}
