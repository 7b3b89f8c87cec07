/**
 * Who hands messages over: a worker, a mailbox, a connection. Mailboxes that are full count what each sender still puts in; what a sender was asked to
 * wait for is remembered here, because that is how it shows when somebody waits for himself.
 */
import { dropPressure, type OutgoingAccessControl, type Pressure, type Producer } from '@ockam/core'

/** Waits remembered for one sender: more at a time than any that waits. */
const MAX_WAITS = 16

/** A mailbox, as far as those who wait for it are concerned. */
interface AwaitedQueue {
  /** Messages dealt with so far. */
  readonly handled: number
  /** Whether the sender, which was given this pressure, has not been let go on. */
  isOn(sender: object, pressure: Promise<void>): boolean
  /** Lets the sender go on, and takes nothing of it any more that finds no room. */
  stopWaitingOf(sender: object): void
}

/** A worker, likewise. */
export interface Receiver {
  readonly queue: AwaitedQueue
  /** True while its handler is not done with what it has in hand. */
  readonly isBusy: boolean
  /** Set when it stands for something outside the node. */
  readonly producer: Producer | undefined
  /** In whose name it sends itself. */
  readonly sender: Sender
}

interface Wait {
  readonly worker: Receiver
  readonly pressure: Promise<void>
}

export class Sender {
  readonly outgoing: OutgoingAccessControl | undefined
  /** What was asked for where a forwarder took its messages: it is told when it sends something to a forwarder again. */
  owed: Pressure
  /** The latest is the last; some may be over. */
  #waits: Wait[] = []

  constructor(outgoing: OutgoingAccessControl | undefined) {
    this.outgoing = outgoing
  }

  /** The mailbox of `worker` has answered a message with `pressure`. */
  askedToWait(worker: Receiver, pressure: Promise<void>): void {
    const waits = this.#waits
    if (waits.length > 0 && waits[waits.length - 1]?.pressure === pressure) return
    this.#waits = waits.filter((wait) => wait.pressure !== pressure && this.#isOn(wait)).slice(1 - MAX_WAITS)
    this.#waits.push({ worker, pressure })
  }

  /** A forwarder met `pressure` with what this sender had sent. */
  owe(pressure: Pressure): void {
    if (pressure === undefined || pressure === this.owed) return
    this.owed = pressure
    dropPressure(
      pressure.then(() => {
        if (this.owed === pressure) this.owed = undefined
      }),
    )
  }

  /** Those whose mailboxes it was asked to wait for, and that have not let it go on. */
  get waitsFor(): readonly Receiver[] {
    return this.#waits.filter((wait) => this.#isOn(wait)).map(({ worker }) => worker)
  }

  #isOn({ worker, pressure }: Wait): boolean {
    return worker.queue.isOn(this, pressure)
  }
}
