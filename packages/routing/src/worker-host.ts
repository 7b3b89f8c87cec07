/** What a running worker needs of the router around it. */
import type { Address, Clock, Diagnostics, WorkerOptions } from '@ockam/core'
import type { DropCounter } from './drop-counter.ts'
import type { PayloadCopier } from './payload-copier.ts'
import type { Reachability } from './reachability.ts'
import type { RunQueue } from './run-queue.ts'
import type { WaitingBudget } from './waiting-budget.ts'

/** What the router does for its workers, which are of one class that this file does not know. */
export interface WorkerHost<Worker> {
  readonly clock: Clock
  readonly runQueue: RunQueue
  readonly copier: PayloadCopier
  readonly budget: WaitingBudget
  readonly drops: DropCounter
  readonly diagnostics: Diagnostics
  /** The worker takes no more messages: its addresses are free. Called once. */
  closing(worker: Worker): void
  /** The worker's mailbox ran empty and its handler is done. */
  idle(): void
  /** The worker has stopped for good. Called once. */
  ended(worker: Worker): void
}

/** The options of a worker with their defaults filled in. */
export interface WorkerSettings {
  readonly addresses: readonly [Address, ...Address[]]
  readonly reachability: Reachability
  readonly options: WorkerOptions
  readonly maxMessages: number
  readonly maxBytes: number
  /** It only hands messages to a transport. */
  readonly isSink: boolean
}
