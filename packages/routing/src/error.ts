/** The codes this package throws. `docs/errors.md` lists them; a test keeps both equal. */
import { OckamError, type OckamErrorOptions } from '@ockam/core'

export type RoutingErrorCode =
  /** An argument has the wrong type, length or range. */
  | 'routing/invalid-argument'
  /** No worker of this node has that address. */
  | 'routing/unknown-address'
  /** The route is empty, or holds more addresses than a message may carry. */
  | 'routing/invalid-route'
  /** A sender kept sending although it was asked to wait. */
  | 'routing/mailbox-overflow'
  /** The worker, mailbox or router was closed. */
  | 'routing/stopped'
  /** Nothing arrived in time. */
  | 'routing/timeout'
  /** Another worker has that address. */
  | 'routing/address-in-use'
  /** What a session's route was opened over has ended. */
  | 'routing/path-lost'
  /** Nothing came along a session's route any more, and pings were not answered. */
  | 'routing/path-silent'
  /** The MultiAddr has a hop that nothing in this node can open. */
  | 'routing/unresolvable'
  /** The node has as many connections as it allows. */
  | 'routing/too-many-connections'
  /** A `secure` hop of a MultiAddr has no identity or no trust policy of its own. */
  | 'secure-channel/trust-missing'

/** Makes an error of this package, with its code checked by the compiler. */
export function routingError(code: RoutingErrorCode, message: string, options?: OckamErrorOptions): OckamError<RoutingErrorCode> {
  return new OckamError(code, message, options)
}
