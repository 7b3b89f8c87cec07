/** The vault a node works with: where its identities and keys are kept, and how they are locked. The node closes the store when it ends. */

import type { Store } from '@ockam/core'
import type { NodeOptions } from '@ockam/node'

export interface IdentityAccess {
  readonly store: Store
  readonly protection: NonNullable<NodeOptions['protection']>
}
