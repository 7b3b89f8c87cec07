/**
 * Counts what comes from the producers that somebody listens to, on the path of every message: one look at a flag when nobody listens. Implements
 * core's `ProducerListening`.
 */
import { dropPressure, type Producer, type ProducerActivity } from '@ockam/core'

/** What is known of one producer; shared by all who listen to it. */
class Activity {
  messages = 0
  /** Mailboxes that have asked for a pause and not taken it back. */
  holds = 0
  listeners = 0
  #lastPressure: Promise<void> | undefined

  /** A mailbox answers a sender with the same promise for as long as it is full. */
  heldUp(pressure: Promise<void>): void {
    if (pressure === this.#lastPressure) return
    this.#lastPressure = pressure
    this.holds++
    const released = (): void => {
      this.holds--
      if (this.#lastPressure === pressure) this.#lastPressure = undefined
    }
    dropPressure(pressure.then(released))
  }
}

export class ActivityCounter {
  /** Whether anybody listens at all. */
  isNeeded = false
  readonly #activities = new Map<Producer, Activity>()
  /** Messages come in rows from the same producer. */
  #lastProducer: Producer | undefined
  #lastActivity: Activity | undefined

  listenTo(producer: Producer): ProducerActivity {
    const activity = this.#activities.get(producer) ?? new Activity()
    this.#activities.set(producer, activity)
    activity.listeners++
    this.isNeeded = true
    this.#lastProducer = undefined
    let isOver = false
    return {
      get messages(): number {
        return activity.messages
      },
      get isHeldUp(): boolean {
        return activity.holds > 0
      },
      end: () => {
        if (isOver) return
        isOver = true
        activity.listeners--
        if (activity.listeners > 0) return
        this.#activities.delete(producer)
        this.#lastProducer = undefined
        this.isNeeded = this.#activities.size > 0
      },
    }
  }

  /** A message that came from this producer is handed over. */
  heard(producer: Producer): void {
    const activity = this.#of(producer)
    if (activity !== undefined) activity.messages++
  }

  /** Who handed it over was asked to wait. */
  heldUp(producer: Producer, pressure: Promise<void>): void {
    this.#of(producer)?.heldUp(pressure)
  }

  #of(producer: Producer): Activity | undefined {
    if (producer !== this.#lastProducer) {
      this.#lastProducer = producer
      this.#lastActivity = this.#activities.get(producer)
    }
    return this.#lastActivity
  }
}
