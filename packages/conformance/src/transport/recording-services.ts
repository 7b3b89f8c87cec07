/**
 * The node's side of a transport, for tests: accepts and records instead of routing. Knows nothing of workers.
 */

import {
  type Clock,
  type Connection,
  type DiagnosticDetails,
  type Diagnostics,
  MAX_ROUTE_ADDRESSES,
  type Pressure,
  type Random,
  systemClock,
  systemRandom,
  systemTurns,
  type TransportListener,
  type TransportMessage,
  type TransportServices,
  type Turns,
} from '@ockam/core'

/** One call of `deliver`. */
export interface Delivery {
  readonly connection: Connection
  readonly message: TransportMessage
  readonly isExclusive: boolean
}

/** One call of `accepted`. */
export interface Acceptance {
  readonly listener: TransportListener
  readonly connection: Connection
}

export class RecordingServices implements TransportServices {
  readonly clock: Clock
  readonly random: Random = systemRandom
  readonly turns: Turns = systemTurns()
  readonly maxAddresses: number
  readonly diagnostics: Diagnostics = {
    event: (name, details) => {
      this.events.push(name)
      this.onEvent(name, details)
    },
  }
  /** In the order of the calls. */
  readonly deliveries: Delivery[] = []
  readonly acceptances: Acceptance[] = []
  /** Names of diagnostics events. */
  readonly events: string[] = []
  /** Called after an event was recorded. Default: nothing. */
  onEvent: (name: string, details?: DiagnosticDetails) => void = () => undefined
  /** Answers `accepted`. Default: yes. */
  onAccepted: (acceptance: Acceptance) => boolean = () => true
  /** Answers `deliver`, after the delivery was recorded. Default: go on. */
  onDeliver: (delivery: Delivery) => Pressure = () => undefined

  constructor(clock: Clock = systemClock, maxAddresses: number = MAX_ROUTE_ADDRESSES) {
    this.clock = clock
    this.maxAddresses = maxAddresses
  }

  deliver(connection: Connection, message: TransportMessage, isExclusive: boolean): Pressure {
    const delivery = { connection, message, isExclusive }
    this.deliveries.push(delivery)
    return this.onDeliver(delivery)
  }

  accepted(listener: TransportListener, connection: Connection): boolean {
    const acceptance = { listener, connection }
    this.acceptances.push(acceptance)
    return this.onAccepted(acceptance)
  }
}
