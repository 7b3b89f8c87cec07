/**
 * The way of a portal. What goes through a portal is always encrypted end to end: a route without a secure channel gets one to the default listener,
 * in front of the outlet. A node of this command offers its outlets through channels only, also to itself.
 */

import { MultiAddr } from '@ockam/core'

/** @returns the same route when it has a `secure` piece already. */
export function withSecureHop(route: MultiAddr): MultiAddr {
  if (route.length === 0 || route.pieces.some(({ name }) => name === 'secure')) return route
  return route.slice(0, -1).concat(MultiAddr.parse('/secure/api')).concat(route.slice(-1))
}
