/**
 * Lets two sides that met through a service of this node answer each other: what one side's connection (or channel) delivers may then reach the
 * address of the other's. Such a right ends with either connection, and with the service.
 */

import type { Address, FlowControls, Producer } from '@ockam/core'

/** Connections that strangers open in pairs must not fill the memory. Beyond it nobody new is introduced until others have left. */
const MAX_RIGHTS = 65_536

export class Introductions {
  readonly #flowControls: FlowControls
  readonly #maxRights: number
  /** How to take each right back. */
  readonly #ends = new Map<string, () => void>()

  constructor(flowControls: FlowControls, maxRights: number = MAX_RIGHTS) {
    this.#flowControls = flowControls
    this.#maxRights = maxRights
  }

  /** How many rights there are now. */
  get size(): number {
    return this.#ends.size
  }

  /** What `from` delivers may reach `address`, which stands for `side`. */
  allow(address: Address, side: Producer, from: Producer): void {
    const key = keyOf(side, from)
    // A right that exists already was given by somebody else, who takes it back.
    if (side === from || this.#ends.has(key) || this.#flowControls.isConsumer(address, from)) return
    if (this.#ends.size >= this.#maxRights) return
    const end = (): void => {
      for (const callOff of callOffs) callOff()
      this.#ends.delete(key)
      this.#flowControls.removeConsumer(address, from.flowControlId)
    }
    const callOffs = [side, from].map((producer) => this.#flowControls.onEnd(producer, end))
    this.#ends.set(key, end)
    this.#flowControls.addConsumer(address, from.flowControlId)
  }

  /** Whether `from` reaches `side` because of an introduction. */
  has(side: Producer, from: Producer): boolean {
    return this.#ends.has(keyOf(side, from))
  }

  /** Takes back all rights that concern one side. */
  forget(side: Producer): void {
    for (const [key, end] of this.#ends) if (key.split(' ').includes(side.flowControlId)) end()
  }

  close(): void {
    for (const end of this.#ends.values()) end()
  }
}

function keyOf(side: Producer, from: Producer): string {
  return `${side.flowControlId} ${from.flowControlId}`
}
