/**
 * What unfinished frames of all connections of a transport may hold together.
 *
 * A frame announces its length first, so many connections that announce much and send little could pin memory for as long as they make the least
 * progress. When the budget is used up, the network that holds most gives way, and of its frames the one that was begun first: honest senders finish,
 * an attacker has to send everything again, and who comes new is not refused for what others hold. Size protects no frame: many small ones are as
 * good at filling memory as a few large ones.
 */

/** Somebody with an unfinished frame. */
export interface PartialHolder {
  /** Where it comes from, as core's `remoteNetwork` writes it. Does not change. */
  readonly network: string
  /** Gives up the unfinished frame. The budget has taken back what was held for it. */
  evict(): void
}

/** What one network holds. */
interface Share {
  bytes: number
  /** Bytes of each frame, in the order in which the frames were begun. */
  readonly holders: Map<PartialHolder, number>
}

export class PartialBudget {
  readonly #limit: number
  /** Only networks with unfinished frames. */
  readonly #shares = new Map<string, Share>()
  #used = 0

  /** @param limit bytes. */
  constructor(limit: number) {
    this.#limit = limit
  }

  get used(): number {
    return this.#used
  }

  /**
   * A holder needs `bytes` in all, which is more than it held; others are evicted until there is room.
   * @returns false when it was its own turn to give way; it has then been evicted and holds nothing.
   */
  grow(holder: PartialHolder, bytes: number): boolean {
    const share = this.#shareOf(holder.network)
    const more = bytes - (share.holders.get(holder) ?? 0)
    share.holders.set(holder, bytes)
    share.bytes += more
    this.#used += more
    while (this.#used > this.#limit) {
      const oldest = this.#oldestOfHeaviest()
      this.release(oldest)
      oldest.evict()
      if (oldest === holder) return false
    }
    return true
  }

  /** A holder gives back all its bytes; nothing happens when it holds none. */
  release(holder: PartialHolder): void {
    const share = this.#shares.get(holder.network)
    const bytes = share?.holders.get(holder)
    if (share === undefined || bytes === undefined) return
    share.holders.delete(holder)
    share.bytes -= bytes
    this.#used -= bytes
    if (share.holders.size === 0) this.#shares.delete(holder.network)
  }

  #shareOf(network: string): Share {
    let share = this.#shares.get(network)
    if (share === undefined) {
      share = { bytes: 0, holders: new Map() }
      this.#shares.set(network, share)
    }
    return share
  }

  /** To be called while something is held. Looks at each network, which costs less than the connection that an eviction ends. */
  #oldestOfHeaviest(): PartialHolder {
    let heaviest: Share | undefined
    for (const share of this.#shares.values()) if (heaviest === undefined || share.bytes > heaviest.bytes) heaviest = share
    const [oldest] = (heaviest as Share).holders.keys()
    return oldest as PartialHolder
  }
}
