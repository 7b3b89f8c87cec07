/** All methods of the private interface. */

import { notFoundError } from '../../error.ts'
import type { Host } from '../host.ts'
import { messageMethods } from './message.ts'
import type { Method } from './method.ts'
import { nodeMethods } from './node.ts'
import { relayMethods } from './relay.ts'
import { secureChannelMethods } from './secure-channel.ts'
import { serviceMethods } from './service.ts'
import { tcpMethods } from './tcp.ts'

const METHODS: ReadonlyMap<string, Method> = new Map(
  [messageMethods, nodeMethods, relayMethods, secureChannelMethods, serviceMethods, tcpMethods].flatMap((group) => Object.entries(group)),
)

/** @throws {CommandError} `cli/not-found` for a method this node does not know. */
export function callMethod(host: Host, name: string, parameters: unknown, signal: AbortSignal): Promise<unknown> {
  const found = METHODS.get(name)
  if (found === undefined) throw notFoundError(`This node knows no method "${name}".`)
  return found.run(parameters, host, signal)
}
