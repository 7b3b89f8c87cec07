/** What a portal needs of a node: the node of `@ockam/node` has it, and so has a bare router in an object. */

import type { Router, Sessions } from '@ockam/core'

export interface PortalNode {
  readonly router: Router
  /** When there is one, an inlet keeps its way to the outlet open with it. */
  readonly sessions?: Sessions
}
