/** What a portal needs of a node: the node of `@ockam/node` has it, and so has a bare router in an object. */

import type { MultiAddr, ResolveOptions, Router, Session, SessionPing, Sessions } from '@ockam/core'

export interface PortalNode {
  readonly router: Router
  /** When there is one, an inlet keeps its way to the outlet open with it. */
  readonly sessions?: Sessions
  /** Preferred to that: it keeps the secure channel when the way is lost, so that connections go on along the next one. */
  openSession?(
    to: MultiAddr | string,
    options: Pick<ResolveOptions, 'identity' | 'trust' | 'hops'> & { readonly name: string; readonly ping: SessionPing },
  ): Session
}
