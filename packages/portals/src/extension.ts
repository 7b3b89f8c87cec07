/**
 * How two ends of ours find each other without a byte that others would have to understand: by the form of the addresses of their portal workers.
 * An address is opaque to everybody but its owner. The inlet's address, the last of the Ping's return route, says that it knows Credit and End; an
 * outlet that knows them too answers from such an address, and from then on both use them. All bodies stay as they were, because strict decoders of
 * other makes refuse a Ping with anything behind it.
 */

import { Address, LOCAL, type Random, type Route } from '@ockam/core'

const PREFIX = 'portal1_'
const FORM = /^portal1_[0-9a-f]{32}$/

/** A fresh address of a portal worker that nobody can guess. */
export function portalAddress(random: Random, isExtended: boolean): Address {
  const address = Address.random(random)
  return isExtended ? Address.local(PREFIX + address.name) : address
}

/** Whether the worker at the end of a return route knows Credit and End. */
export function isExtendedRoute(returnRoute: Route): boolean {
  const recipient = returnRoute.recipient
  return recipient !== undefined && recipient.type === LOCAL && FORM.test(recipient.name)
}
