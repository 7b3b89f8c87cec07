/**
 * Whose turn it is. Delivery only puts messages into mailboxes and their workers in this queue; here they run, one after the other, when the code
 * that sent has finished. There is no recursion and no re-entry.
 *
 * Work goes on at the end of the running turn (`Turns.soon`) until 512 messages or 2 ms are spent, counted over as many turns as that takes; then
 * timers and sockets get their chance first (`Turns.afterIo`). So neither a flood nor two workers that answer each other starve anything. What is
 * ready to leave the node by then leaves before that, because waiting would only make it occupy memory.
 */
import type { Clock, Turns } from '@ockam/core'

const MAX_MESSAGES = 512
const MAX_MS = 2

/** Something that has messages to handle. */
export interface Runnable {
  /** True while it is in the queue. Written by the queue alone. */
  isReady: boolean
  /** The one behind it in the queue. Written by the queue alone. */
  nextReady: Runnable | undefined
  /** True for what only hands messages to the outside: it may still run when a turn is over. */
  readonly isSink: boolean
  /** Handles at most `budget` messages, fewer when `turn` is over. Returns how many. Never throws. */
  run(budget: number, turn: Turn): number
  /** Called for those that have to wait until after I/O. */
  holdOver(): void
}

/** The turn that is running. */
export interface Turn {
  /** Whether the time of this turn is spent. Reads the clock: not to be asked for every message. */
  isOver(): boolean
}

export class RunQueue implements Turn {
  readonly #turns: Turns
  readonly #clock: Clock
  readonly #drain: () => void
  readonly #drainAfterIo: () => void
  #first: Runnable | undefined
  #last: Runnable | undefined
  #isScheduled = false
  /** Spent since I/O last had its chance. */
  #messages = 0
  #elapsedMs = 0
  #startedAt = 0

  constructor(turns: Turns, clock: Clock) {
    this.#turns = turns
    this.#clock = clock
    this.#drain = () => this.#run()
    this.#drainAfterIo = () => {
      this.#messages = 0
      this.#elapsedMs = 0
      this.#run()
    }
  }

  /** Puts a worker at the end of the queue, unless it is there already. */
  ready(worker: Runnable): void {
    if (worker.isReady) return
    worker.isReady = true
    this.#append(worker)
    if (!this.#isScheduled) this.#schedule()
  }

  isOver(): boolean {
    return this.#elapsedMs + this.#clock.monotonic() - this.#startedAt >= MAX_MS
  }

  #append(worker: Runnable): void {
    if (this.#last === undefined) this.#first = worker
    else this.#last.nextReady = worker
    this.#last = worker
  }

  #runSinks(): void {
    let worker = this.#first
    this.#first = undefined
    this.#last = undefined
    while (worker !== undefined) {
      const next: Runnable | undefined = worker.nextReady
      worker.nextReady = undefined
      if (worker.isSink && this.#clock.monotonic() - this.#startedAt < 2 * MAX_MS) {
        worker.isReady = false
        worker.run(MAX_MESSAGES, this)
      } else {
        this.#append(worker)
      }
      worker = next
    }
  }

  #schedule(): void {
    this.#isScheduled = true
    if (this.#messages >= MAX_MESSAGES || this.#elapsedMs >= MAX_MS) this.#turns.afterIo(this.#drainAfterIo)
    else this.#turns.soon(this.#drain)
  }

  #run(): void {
    this.#startedAt = this.#clock.monotonic()
    try {
      while (this.#first !== undefined) {
        const worker = this.#first
        this.#first = worker.nextReady
        if (this.#first === undefined) this.#last = undefined
        worker.nextReady = undefined
        worker.isReady = false
        this.#messages += worker.run(MAX_MESSAGES - this.#messages, this)
        if (this.#first !== undefined && (this.#messages >= MAX_MESSAGES || this.isOver())) break
      }
    } finally {
      if (this.#first !== undefined) this.#runSinks()
      this.#elapsedMs += this.#clock.monotonic() - this.#startedAt
      this.#isScheduled = false
      if (this.#first !== undefined) {
        // Whatever ended this turn, the rest waits until after I/O.
        this.#messages = MAX_MESSAGES
        for (let worker: Runnable | undefined = this.#first; worker !== undefined; worker = worker.nextReady) worker.holdOver()
        this.#schedule()
      }
    }
  }
}
