/**
 * The form in which the files of this kit write their checks.
 */

import type { Store } from '@ockam/core'

/** A check before it knows which store it is about. `store` is new and empty, and is closed afterwards whatever happens. */
export interface StoreCheck {
  readonly name: string
  readonly run: (store: Store) => Promise<void>
}

/** The same for checks that close the store and go on with its successor. */
export interface ReopeningStoreCheck {
  readonly name: string
  readonly run: (store: Store, reopen: (closed: Store) => Promise<Store>) => Promise<void>
}
