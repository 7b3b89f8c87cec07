/** Which background node a command is about, and asking it. */

import { nodeName } from '../address/node-route.ts'
import { control, type ControlOptions, nodeDown } from '../control/control-client.ts'
import { notFoundError } from '../error.ts'
import type { Home } from '../home.ts'
import type { OptionDefinition } from '../program/command.ts'
import type { Shell } from '../program/shell.ts'

/** `--at <node>`, and what a node is called elsewhere. */
export const atOption = (description = 'the node'): OptionDefinition => ({
  flags: '--at <node>',
  description,
  aliases: ['node'],
  fallback: 'the default node',
})

/** The name of a node of this home; of the default node when none is named. @throws {CommandError} `cli/not-found` */
export function chosenNode(home: Home, given: string | undefined): string {
  if (given === undefined) {
    const name = home.default('node')
    if (name !== undefined) return name
    throw notFoundError('There is no node yet.', 'Make one: ockam node create')
  }
  const name = nodeName(given)
  if (home.nodeSettings(name) !== undefined) return name
  throw notFoundError(`Node "${name}" not found.`, 'See which there are: ockam node list')
}

/** The same, but without any node in this home a default one is made and started first. */
export async function chosenOrNewNode(home: Home, given: string | undefined, shell: Shell): Promise<string> {
  if (given !== undefined || home.default('node') !== undefined) return chosenNode(home, given)
  const { createBackgroundNode } = await import('./node/create-background.ts')
  const { name } = await createBackgroundNode(home, shell, { name: undefined })
  return name
}

/** Asks a node by name. @throws {CommandError} `cli/node-down`, `cli/timeout`, and what the node answers. */
export async function askNode(home: Home, name: string, method: string, parameters: unknown, options?: ControlOptions): Promise<unknown> {
  if (home.running(name) === undefined) throw nodeDown(name)
  return control({ name, socketPath: home.controlPath(name) }, method, parameters, options)
}
