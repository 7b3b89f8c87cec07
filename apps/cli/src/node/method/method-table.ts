/** All methods of the private interface. */

import { notFoundError } from '../../error.ts'
import { messageMethods } from './message.ts'
import type { Method } from './method.ts'
import { nodeMethods } from './node.ts'
import { portalMethods } from './portal.ts'
import { relayMethods } from './relay.ts'
import { secureChannelMethods } from './secure-channel.ts'
import { serviceMethods } from './service.ts'
import { tcpMethods } from './tcp.ts'
import { traceMethods } from './trace.ts'

const METHODS: ReadonlyMap<string, Method> = new Map(
  [messageMethods, nodeMethods, portalMethods, relayMethods, secureChannelMethods, serviceMethods, tcpMethods, traceMethods].flatMap(
    (group) => Object.entries(group),
  ),
)

/** @throws {CommandError} `cli/not-found` for a method this node does not know. */
export function methodNamed(name: string): Method {
  const found = METHODS.get(name)
  if (found !== undefined) return found
  throw notFoundError(`This node knows no method "${name}".`)
}
