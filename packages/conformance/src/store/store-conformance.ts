/**
 * The conformance kit for stores: every promise of core's `Store` as a check. A store that passes can hold identities, vault secrets, policies
 * and mailboxes.
 *
 * Does not prove what only a crash proves (a write that was acknowledged survives `kill -9`): that needs a test of your own.
 */

import type { Store } from '@ockam/core'
import type { ConformanceCheck } from '../check.ts'
import { batchChecks } from './batch-check.ts'
import { concurrencyChecks } from './concurrency-check.ts'
import { argumentChecks } from './argument-check.ts'
import { lifecycleChecks, persistenceChecks } from './lifecycle-check.ts'
import { modelChecks } from './model-check.ts'
import { scanChecks } from './scan-check.ts'
import { valueChecks } from './value-check.ts'

export interface StoreConformanceOptions {
  /** A new, empty store. The kit closes it; what it leaves on a medium is the caller's to remove. */
  readonly create: () => Store | Promise<Store>
  /**
   * A new store on the medium of one that `create` or `reopen` returned and the kit has closed. Leave it out when nothing is meant to survive:
   * the checks of persistence are then not in the list.
   */
  readonly reopen?: (closed: Store) => Store | Promise<Store>
}

/** All checks of a store, in the order of a reader's interest. Each makes its own store. */
export function storeConformance(options: StoreConformanceOptions): readonly ConformanceCheck[] {
  const { reopen } = options
  const simple = [
    ...valueChecks,
    ...scanChecks,
    ...batchChecks,
    ...concurrencyChecks,
    ...argumentChecks,
    ...lifecycleChecks,
    ...modelChecks,
  ].map((check) => bind(check.name, options, (store) => check.run(store)))
  if (reopen === undefined) return simple
  return [
    ...simple,
    ...persistenceChecks.map(({ name, run }) =>
      bind(name, options, (store, opened) =>
        run(store, async (closed) => {
          const successor = await reopen(closed)
          opened.push(successor)
          return successor
        }),
      ),
    ),
  ]
}

function bind(name: string, options: StoreConformanceOptions, run: (store: Store, opened: Store[]) => Promise<void>): ConformanceCheck {
  return {
    name,
    async run() {
      const store = await options.create()
      const opened = [store]
      try {
        await run(store, opened)
      } finally {
        // A store that cannot be closed is found by the checks of closing; here it must not hide what the check found.
        for (const each of opened) await each.close().catch(() => undefined)
      }
    },
  }
}
