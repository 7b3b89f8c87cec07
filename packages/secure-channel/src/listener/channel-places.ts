/**
 * Which sources may have another channel of a listener. No channel is ever ended for another's sake; instead a source is refused while it has a
 * multiple of the places that are still free. Alone it gets three quarters of all, so a relay may carry thousands of honest channels over its one
 * connection, and somebody who takes all he can leaves places that only others get. The next source gets most of those, and so on: each that takes
 * all it can gets a fraction of what the one before got.
 *
 * Nobody is refused before three quarters of all places are taken.
 */

import type { HandshakeSource } from './admission.ts'

/** A connection may have this many times the free places. */
const PER_CONNECTION = 3
/** A little more for all connections of a network: one that takes all it can leaves places to the others behind the same NAT. */
const PER_NETWORK = 4

interface Network {
  /** Places of all its connections. */
  size: number
  /** None is zero. */
  readonly connections: Map<string, number>
}

/** The place of one channel, from when its handshake is as good as over. */
export interface ChannelPlace {
  /** False when there is none. Nothing is refused or taken where it was taken before, or where nobody wants it any more. */
  take(): boolean
  /** Idempotent. */
  release(): void
}

export class ChannelPlaces {
  readonly #max: number
  readonly #networks = new Map<string, Network>()
  #size = 0

  constructor(max: number) {
    this.#max = max
  }

  /** Places that are taken. */
  get size(): number {
    return this.#size
  }

  hasRoom({ network, connection }: HandshakeSource): boolean {
    const free = this.#max - this.#size
    if (free <= 0) return false
    const own = this.#networks.get(network)
    return own === undefined || (own.size < PER_NETWORK * free && (own.connections.get(connection) ?? 0) < PER_CONNECTION * free)
  }

  /** A place that is not taken yet. */
  placeFor(source: HandshakeSource): ChannelPlace {
    let state: 'free' | 'taken' | 'released' = 'free'
    return {
      take: () => {
        if (state !== 'free') return true
        if (!this.hasRoom(source)) return false
        state = 'taken'
        this.#count(source, 1)
        return true
      },
      release: () => {
        if (state === 'taken') this.#count(source, -1)
        state = 'released'
      },
    }
  }

  #count({ network, connection }: HandshakeSource, by: 1 | -1): void {
    this.#size += by
    let own = this.#networks.get(network)
    if (own === undefined) {
      own = { size: 0, connections: new Map() }
      this.#networks.set(network, own)
    }
    own.size += by
    const ofConnection = (own.connections.get(connection) ?? 0) + by
    if (ofConnection === 0) own.connections.delete(connection)
    else own.connections.set(connection, ofConnection)
    if (own.size === 0) this.#networks.delete(network)
  }
}
