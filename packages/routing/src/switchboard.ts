/**
 * The one map from addresses to workers, and the path every message takes through it: look up, check, put into the mailbox. Nothing is called
 * here but access controls.
 *
 * The checks, in order: the address exists; outgoing access control of the sender; reachability (flow control); bounds against loops; room in the
 * mailbox; incoming access control. Mistakes of the node's own workers throw; whatever came from outside is dropped and counted, and nobody is
 * answered.
 */
import {
  type Address,
  type Admission,
  dropPressure,
  type LocalMessage,
  type OutgoingAccessControl,
  type Pressure,
  type Producer,
} from '@ockam/core'
import { admissionTo } from './admission.ts'
import type { DropCounter, DropReason } from './drop-counter.ts'
import { routingError } from './error.ts'
import type { NodeFlowControls } from './flow-control.ts'
import type { RoutedMessage } from './routed-message.ts'
import type { RunningWorker, WorkerPlace } from './running-worker.ts'
import type { Sender } from './sender.ts'
import { ActivityCounter } from './session/activity-counter.ts'

export interface SwitchboardLimits {
  /** Addresses in onward and return route together. */
  readonly maxAddresses: number
  /** Forwards within this node. */
  readonly maxForwards: number
}

export class Switchboard {
  readonly #workers = new Map<string, WorkerPlace>()
  readonly #drops: DropCounter
  readonly #limits: SwitchboardLimits
  readonly #flowControls: NodeFlowControls
  /** What was looked up last: a stream of messages has the same address object in all of its routes. */
  #lastAddress: Address | undefined
  #lastWorker: RunningWorker | undefined
  /** Messages put into mailboxes. */
  delivered = 0
  /** For whoever wants to know what comes from a producer. */
  readonly activity: ActivityCounter = new ActivityCounter()

  constructor(drops: DropCounter, flowControls: NodeFlowControls, limits: SwitchboardLimits) {
    this.#drops = drops
    this.#flowControls = flowControls
    this.#limits = limits
  }

  /** @throws {OckamError} `routing/address-in-use`; then none of the addresses is taken. */
  add(worker: RunningWorker): void {
    const taken = worker.addresses.find((address) => this.#workers.has(address.key))
    if (taken !== undefined) {
      throw routingError(
        'routing/address-in-use',
        `A worker cannot start at ${taken.toString()}: another worker has that address. Close that one, or choose another name.`,
      )
    }
    for (const address of worker.addresses) this.#workers.set(address.key, worker.place)
    this.#lastAddress = undefined
  }

  remove(worker: RunningWorker): void {
    for (const address of worker.addresses) if (this.#workers.get(address.key) === worker.place) this.#workers.delete(address.key)
    this.#lastAddress = undefined
    this.#lastWorker = undefined
  }

  producerAt(address: Address): Producer | undefined {
    return this.#workers.get(address.key)?.worker?.producer
  }

  /** What {@link route} would do with the message, as far as rules decide; nothing is delivered, counted or reported. */
  admissionOf(message: LocalMessage): Promise<Admission> {
    const destination = message.onwardRoute.next
    return admissionTo(destination && this.#workers.get(destination.key)?.worker, message, this.#flowControls)
  }

  /**
   * Takes a message to the mailbox its onward route names.
   * @param account who is asked to wait, and whose excess is counted: for a forwarder, whoever sent it the message.
   * @throws {OckamError} `routing/unknown-address`, `routing/invalid-route`, `routing/mailbox-overflow`; never for messages that have an origin.
   */
  route(sender: Sender, message: RoutedMessage, account: Sender = sender): Pressure {
    const { origin } = message
    const isListenedTo = origin !== undefined && this.activity.isNeeded
    if (isListenedTo) this.activity.heard(origin)
    const destination = message.onwardRoute.next
    const worker = destination === undefined ? undefined : this.#workerAt(destination)
    if (destination === undefined || worker === undefined) return this.#undeliverable(message)
    const { outgoing } = sender
    if (outgoing !== undefined && !isAllowedOut(outgoing, message)) return this.#drop('denied-outgoing', message, outgoing.description)
    message.localInfo = this.#flowControls.infoFrom(message.origin, message.localInfo)
    if (!worker.reachability.isForAnyone && !worker.reachability.allows(message, destination.key))
      return this.#drop('not-reachable', message)
    if (message.forwards > this.#limits.maxForwards) return this.#drop('loop', message)
    if (message.onwardRoute.length + message.returnRoute.length > this.#limits.maxAddresses) return this.#tooLong(message)
    const { queue } = worker
    if (queue.isFull && !this.#hasRoom(account, worker, message, account !== sender)) return undefined
    if (message.origin !== undefined && queue.exceedsBudget(message.payload.length)) return this.#drop('node-full', message)
    if (worker.incoming !== undefined && !this.#mayComeIn(worker, message)) return undefined
    if (worker.isForwarder) message.sender = account
    worker.enqueue(message)
    this.delivered++
    let pressure: Pressure
    if (!worker.dropsWhenFull && queue.asksToWait(account, message.payload.length) && !queue.hasGivenUp(account)) {
      pressure = queue.pressure(account)
      account.askedToWait(worker, pressure)
    } else if (worker.isForwarder) pressure = account.owed
    if (pressure !== undefined && isListenedTo) this.activity.heldUp(origin, pressure)
    return pressure
  }

  /**
   * Takes an answer on its way, unless that would ask somebody to wait: who asks and does not read loses answers, and the service goes on for all
   * others. (Ockam nodes take a peer whose `echo` is silent for dead.) Never throws.
   * @param isAnswered whether who gets it would answer it.
   */
  answer(sender: Sender, message: RoutedMessage, isAnswered: boolean): void {
    const destination = message.onwardRoute.next
    const worker = destination === undefined ? undefined : this.#workerAt(destination)
    if (isAnswered) this.#drop('goes-to-a-service', message)
    else if (worker === undefined) this.#drop('nobody-there', message)
    else if (worker.isForwarder && sender.owed !== undefined) this.#drop('nobody-reads', message)
    else if (!worker.dropsWhenFull && !worker.queue.takesAnswerOf(sender, message.payload.length)) this.#drop('nobody-reads', message)
    else dropPressure(this.route(sender, message))
  }

  #workerAt(address: Address): RunningWorker | undefined {
    if (address === this.#lastAddress) return this.#lastWorker
    const worker = this.#workers.get(address.key)?.worker
    this.#lastAddress = address
    this.#lastWorker = worker
    return worker
  }

  /** The mailbox is over its bound: drop, or let the sender finish what it has in hand. */
  #hasRoom(account: Sender, worker: RunningWorker, message: RoutedMessage, isForwarded: boolean): boolean {
    const { queue } = worker
    if (worker.dropsWhenFull) {
      this.#drop('mailbox-full', message)
      return false
    }
    if (queue.hasGivenUp(account)) {
      this.#drop('deadlock', message)
      return false
    }
    if (queue.takesExcessOf(account, message.payload.length, this.#workers.size)) return true
    this.#drop('mailbox-full', message)
    // A forwarder can do nothing about those who do not wait.
    if (message.origin !== undefined || isForwarded) return false
    throw routingError(
      'routing/mailbox-overflow',
      `The mailbox of ${worker.address.toString()} is full and its sender did not wait. Await what send() returns before sending more.`,
    )
  }

  /** False when the receiver's access control refused on the spot. An answer that takes time travels with the message. */
  #mayComeIn(worker: RunningWorker, message: RoutedMessage): boolean {
    let answer: unknown = false
    try {
      answer = worker.incoming?.isAllowed(message)
    } catch {
      answer = false
    }
    if (answer === true) return true
    if (typeof (answer as Promise<boolean> | undefined)?.then === 'function') {
      message.admission = (answer as Promise<boolean>).then(
        (isAllowed) => isAllowed === true,
        () => false,
      )
      return true
    }
    this.#drop('denied-incoming', message, worker.incoming?.description)
    return false
  }

  #undeliverable(message: RoutedMessage): undefined {
    if (message.origin !== undefined) return this.#drop('unknown-address', message)
    const destination = message.onwardRoute.next
    if (destination === undefined) {
      throw routingError('routing/invalid-route', 'The route is empty: there is nowhere to send the message.')
    }
    throw routingError(
      'routing/unknown-address',
      `No worker of this node has the address ${destination.toString()}. Is it started, and is the connection still open?`,
    )
  }

  #tooLong(message: RoutedMessage): undefined {
    this.#drop('route-too-long', message)
    if (message.origin !== undefined || message.forwards > 0) return undefined
    throw routingError(
      'routing/invalid-route',
      `A message carries at most ${this.#limits.maxAddresses} addresses in its onward and return route; this one has ${message.onwardRoute.length + message.returnRoute.length}.`,
    )
  }

  #drop(reason: DropReason, message: RoutedMessage, rule?: string): undefined {
    this.#drops.count(reason, message, 1, rule)
    return undefined
  }
}

function isAllowedOut(control: OutgoingAccessControl, message: RoutedMessage): boolean {
  try {
    return control.isAllowed(message) === true
  } catch {
    return false
  }
}
