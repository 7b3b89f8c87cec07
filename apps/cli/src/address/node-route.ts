/**
 * Routes as people write them at a shell: `/node/<name>` stands for where that node of this state listens, `-` for the first line of standard input.
 */

import { MultiAddr } from '@ockam/core'
import { CommandError, usageError } from '../error.ts'
import type { Shell } from '../program/shell.ts'
import { nodeDown } from '../control/control-client.ts'
import type { State } from '../state/state.ts'

const UNAVAILABLE: ReadonlySet<string> = new Set(['project', 'space'])

/** Reads a route, with names of nodes replaced by addresses. @throws {CommandError} `cli/usage`, `cli/node-down`, `cli/not-found` */
export async function readRoute(text: string, shell: Shell, state: State): Promise<MultiAddr> {
  const address = MultiAddr.parse(await completedRoute(text, shell))
  let route = MultiAddr.parse('')
  for (const [at, piece] of address.pieces.entries()) {
    if (UNAVAILABLE.has(piece.name)) {
      throw usageError(
        `"/${piece.name}/${piece.value}" needs a hosted project, which this command does not use.`,
        'Use a relay of your own: ockam node create relay --tcp-listener-address 0.0.0.0:4000',
      )
    }
    route = route.concat(piece.name === 'node' ? addressOfNode(piece.value, state) : address.slice(at, at + 1))
  }
  return route
}

/** `n1` and `/node/n1` both name a node. */
export const nodeName = (text: string): string => text.replace(/^\/?node\//, '')

/** `/ip4/127.0.0.1/tcp/40123` for the first listener of a running node. */
function addressOfNode(name: string, state: State): MultiAddr {
  if (state.nodes.find(name) === undefined) {
    throw new CommandError('cli/not-found', `Node "${name}" not found.`, { hint: `Create it: ockam node create ${name}` })
  }
  const running = state.nodes.running(name)
  if (running === undefined) throw nodeDown(name)
  if (running.address === undefined) throw new CommandError('cli/refused', `Node "${name}" takes no connections: it has no TCP listener.`)
  return reachable(MultiAddr.parse(running.address))
}

/** A listener on every address is reached at the loopback one. */
function reachable(address: MultiAddr): MultiAddr {
  const text = address.toString().replace('/ip4/0.0.0.0/', '/ip4/127.0.0.1/').replace('/ip6/::/', '/ip6/::1/')
  return MultiAddr.parse(text)
}

/** `-/service/echo`, `/node/n1/-/service/echo`: the part that another command has just printed. @throws {CommandError} `cli/usage` */
export async function completedRoute(text: string, shell: Shell): Promise<string> {
  const parts = text.split('/')
  const at = parts.indexOf('-')
  // A name that is a dash is a value: it follows the name of its piece.
  if (at === -1 || !(at === 0 || at % 2 === 1)) return text
  const line = await shell.firstLine()
  if (line === undefined) throw usageError('"-" in a route stands for the first line of standard input, and there is none.')
  return [...parts.slice(0, at), line.trim(), ...parts.slice(at + 1)].join('/').replaceAll(/\/{2,}/g, '/')
}
