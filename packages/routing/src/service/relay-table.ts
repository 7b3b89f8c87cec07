/**
 * Which relays there are, whose they are, and how many somebody may have: in total, through one connection, of one identity.
 *
 * When all are given out, an owner who has clearly fewer than another gets one of that other's, the newest, so that nobody can take them all.
 */

import type { Producer } from '@ockam/core'
import type { Relay } from './relay-worker.ts'

export interface RelayLimits {
  readonly total: number
  readonly perConnection: number
  readonly perOwner: number
}

/** Why a name is not given out. */
export type NameRefusal = 'name-taken' | 'too-many-relays' | 'too-many-of-connection' | 'too-many-of-owner'

interface Entry {
  readonly owner: string
  readonly relay: Relay
  /** Through which it is counted: where it leads. */
  producer: Producer
}

export class RelayTable {
  readonly #limits: RelayLimits
  readonly #entries = new Map<string, Entry>()
  readonly #ofConnection = new Map<Producer, number>()
  readonly #ofOwner = new Map<string, number>()

  constructor(limits: RelayLimits) {
    this.#limits = limits
  }

  get names(): readonly string[] {
    return [...this.#entries.keys()]
  }

  get relays(): readonly Relay[] {
    return [...this.#entries.values()].map(({ relay }) => relay)
  }

  get(name: string): Relay | undefined {
    return this.#entries.get(name)?.relay
  }

  /** Whether somebody may have a name, or have it again from another connection; otherwise why not. */
  refusal(name: string, owner: string, producer: Producer): NameRefusal | undefined {
    const present = this.#entries.get(name)
    if (present !== undefined && present.owner !== owner) return 'name-taken'
    if (present?.producer !== producer && this.ofConnection(producer) >= this.#limits.perConnection) return 'too-many-of-connection'
    if (present !== undefined) return undefined
    if ((this.#ofOwner.get(owner) ?? 0) >= this.#limits.perOwner) return 'too-many-of-owner'
    return this.isFull && this.displaceable(owner) === undefined ? 'too-many-relays' : undefined
  }

  /** Whether a new relay needs the place of another. */
  get isFull(): boolean {
    return this.#entries.size >= this.#limits.total
  }

  /** The newest relay of whoever has most, if that is at least two more than the owner has: afterwards they are not the other way round. */
  displaceable(owner: string): Relay | undefined {
    let most = (this.#ofOwner.get(owner) ?? 0) + 1
    let richest: string | undefined
    for (const [other, count] of this.#ofOwner) {
      if (count <= most) continue
      most = count
      richest = other
    }
    if (richest === undefined) return undefined
    let newest: Relay | undefined
    for (const entry of this.#entries.values()) if (entry.owner === richest) newest = entry.relay
    return newest
  }

  add(name: string, owner: string, relay: Relay): void {
    const { producer } = relay
    this.#entries.set(name, { owner, relay, producer })
    change(this.#ofConnection, producer, 1)
    change(this.#ofOwner, owner, 1)
  }

  /** The relay leads somewhere else now. */
  moved(name: string): void {
    const entry = this.#entries.get(name)
    if (entry === undefined) return
    change(this.#ofConnection, entry.producer, -1)
    entry.producer = entry.relay.producer
    change(this.#ofConnection, entry.producer, 1)
  }

  delete(name: string): void {
    const entry = this.#entries.get(name)
    if (entry === undefined) return
    this.#entries.delete(name)
    change(this.#ofConnection, entry.producer, -1)
    change(this.#ofOwner, entry.owner, -1)
  }

  /** How many relays lead to a connection. */
  ofConnection(producer: Producer): number {
    return this.#ofConnection.get(producer) ?? 0
  }
}

function change<Key>(counts: Map<Key, number>, key: Key, by: 1 | -1): void {
  const count = (counts.get(key) ?? 0) + by
  if (count === 0) counts.delete(key)
  else counts.set(key, count)
}
