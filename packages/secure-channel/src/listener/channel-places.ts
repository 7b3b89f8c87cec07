/**
 * Which sources may have another channel of a listener. No channel is ever ended for another peer's sake; instead a source is refused while it has a
 * multiple of the places that are still free. Alone it gets three quarters of all, so a relay may carry thousands of honest channels over its one
 * connection, and somebody who takes all he can leaves places that only others get. The next source gets most of those, and so on: each that takes
 * all it can gets a fraction of what the one before got.
 *
 * Nobody is refused before three quarters of all places are taken.
 *
 * A peer that has channels from the same network gets a place all the same: that of its own channel that was silent longest. A device behind a relay
 * leaves a channel behind whenever it starts anew, which nobody can tell from one that is quiet, and which would lock it out in the end.
 */

import type { HandshakeSource } from './admission.ts'

/** A connection may have this many times the free places. */
const PER_CONNECTION = 3
/** A little more for all connections of a network: one that takes all it can leaves places to the others behind the same NAT. */
const PER_NETWORK = 4

/** A channel, as what holds a place. */
export interface PlaceHolder {
  /** For how long nothing authentic has come. */
  silentForMs(): number
  /** Ends it, for a newer one of its peer. Its place is given on already. */
  giveWay(): void
}

interface HeldPlace {
  readonly holder: PlaceHolder
  readonly place: ChannelPlace
}

interface Network {
  /** Places of all its connections. */
  size: number
  /** None is zero. */
  readonly connections: Map<string, number>
  /** Places with a channel, by the identifier of its peer; in order of their beginning. None is empty. */
  readonly held: Map<string, Set<HeldPlace>>
}

/** The place of one channel, from when its handshake is as good as over. */
export interface ChannelPlace {
  /**
   * False when there is none, and `peer` has none to give either. Nothing is refused or taken where it was taken before, or where nobody wants it
   * any more.
   * @param peer the proved identifier.
   */
  take(peer: string): boolean
  /** The channel lives. */
  hold(holder: PlaceHolder): void
  /** Idempotent. */
  release(): void
}

export class ChannelPlaces {
  readonly #max: number
  readonly #networks = new Map<string, Network>()
  #size = 0
  #displaced = 0

  constructor(max: number) {
    this.#max = max
  }

  /** Places that are taken. */
  get size(): number {
    return this.#size
  }

  /** Channels that gave their place to a newer one of the same peer. */
  get displaced(): number {
    return this.#displaced
  }

  /** Whether a newcomer gets a place, whoever it is. */
  hasRoom({ network, connection }: HandshakeSource): boolean {
    const free = this.#max - this.#size
    if (free <= 0) return false
    const own = this.#networks.get(network)
    return own === undefined || (own.size < PER_NETWORK * free && (own.connections.get(connection) ?? 0) < PER_CONNECTION * free)
  }

  /** Whether somebody may get a place: a newcomer, or a peer that has channels there. Who it is shows only in the handshake. */
  mayHaveRoom(source: HandshakeSource): boolean {
    return this.hasRoom(source) || (this.#networks.get(source.network)?.held.size ?? 0) > 0
  }

  /** A place that is not taken yet. */
  placeFor(source: HandshakeSource): ChannelPlace {
    let state: 'free' | 'taken' | 'released' = 'free'
    let owner = ''
    let held: HeldPlace | undefined
    const place: ChannelPlace = {
      take: (peer) => {
        if (state !== 'free') return true
        if (!this.hasRoom(source) && !this.#displace(source.network, peer)) return false
        state = 'taken'
        owner = peer
        this.#count(source, 1)
        return true
      },
      hold: (holder) => {
        if (state !== 'taken') return
        held = { holder, place }
        this.#hold(source.network, owner, held)
      },
      release: () => {
        if (held !== undefined) this.#letGo(source.network, owner, held)
        held = undefined
        if (state === 'taken') this.#count(source, -1)
        state = 'released'
      },
    }
    return place
  }

  /** Ends the channel of `peer` that was silent longest; of equals the oldest. False when it has none there. */
  #displace(network: string, peer: string): boolean {
    let longestMs = Number.NEGATIVE_INFINITY
    let longest: HeldPlace | undefined
    for (const held of this.#networks.get(network)?.held.get(peer) ?? []) {
      const silentMs = held.holder.silentForMs()
      if (silentMs <= longestMs) continue
      longestMs = silentMs
      longest = held
    }
    if (longest === undefined) return false
    this.#displaced++
    longest.place.release()
    longest.holder.giveWay()
    return true
  }

  #hold(network: string, peer: string, place: HeldPlace): void {
    const own = this.#networks.get(network)
    const places = own?.held.get(peer)
    if (places === undefined) own?.held.set(peer, new Set([place]))
    else places.add(place)
  }

  #letGo(network: string, peer: string, place: HeldPlace): void {
    const own = this.#networks.get(network)
    const places = own?.held.get(peer)
    places?.delete(place)
    if (places?.size === 0) own?.held.delete(peer)
  }

  #count({ network, connection }: HandshakeSource, by: 1 | -1): void {
    this.#size += by
    let own = this.#networks.get(network)
    if (own === undefined) {
      own = { size: 0, connections: new Map(), held: new Map() }
      this.#networks.set(network, own)
    }
    own.size += by
    const ofConnection = (own.connections.get(connection) ?? 0) + by
    if (ofConnection === 0) own.connections.delete(connection)
    else own.connections.set(connection, ofConnection)
    if (own.size === 0) this.#networks.delete(network)
  }
}
