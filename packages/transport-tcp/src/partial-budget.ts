/**
 * What unfinished frames of all connections of a transport may hold together.
 *
 * A frame announces its length first, so many connections that announce much and send little could pin memory for as long as they make the least
 * progress. When the budget is used up, the network that holds most gives way, and of its frames the one that was begun first: honest senders finish,
 * an attacker has to send everything again, and who comes new is not refused for what others hold. Size protects no frame: many small ones are as
 * good at filling memory as a few large ones.
 *
 * Large frames are begun and finished thousands of times a second: that makes no object here, and writes to no map.
 */

/** Somebody with unfinished frames. */
export interface PartialHolder {
  /** Where it comes from, as core's `remoteNetwork` writes it. Does not change. */
  readonly network: string
  /** Gives up the unfinished frame. The budget has taken back what was held for it. */
  evict(): void
}

/** What one network holds: its unfinished frames in the order in which they were begun. */
interface Share {
  bytes: number
  members: number
  oldest: PartialHolding | undefined
  newest: PartialHolding | undefined
}

/** What one holder has of the budget, one frame at a time. */
export class PartialHolding {
  readonly holder: PartialHolder
  readonly #budget: PartialBudget
  readonly #share: Share
  /** Of the unfinished frame; 0 without one. */
  bytes = 0
  #before: PartialHolding | undefined
  #after: PartialHolding | undefined
  #isMember = true

  constructor(holder: PartialHolder, budget: PartialBudget, share: Share) {
    this.holder = holder
    this.#budget = budget
    this.#share = share
    share.members++
  }

  /**
   * It needs `bytes` in all, which is more than it held; others are evicted until there is room.
   * @returns false when it was its own turn to give way; it has then been evicted and holds nothing.
   */
  grow(bytes: number): boolean {
    if (this.bytes === 0) this.#append()
    const more = bytes - this.bytes
    this.bytes = bytes
    this.#share.bytes += more
    return this.#budget.add(more, this)
  }

  /** Gives back all its bytes; nothing happens when it holds none. */
  release(): void {
    if (this.bytes === 0) return
    const share = this.#share
    const before = this.#before
    const after = this.#after
    if (before === undefined) share.oldest = after
    else before.#after = after
    if (after === undefined) share.newest = before
    else after.#before = before
    this.#before = undefined
    this.#after = undefined
    share.bytes -= this.bytes
    this.#budget.subtract(this.bytes)
    this.bytes = 0
  }

  /** Gives everything back for good. */
  leave(): void {
    this.release()
    if (!this.#isMember) return
    this.#isMember = false
    if (--this.#share.members === 0) this.#budget.forget(this.holder.network)
  }

  #append(): void {
    const share = this.#share
    this.#before = share.newest
    if (share.newest === undefined) share.oldest = this
    else share.newest.#after = this
    share.newest = this
  }
}

export class PartialBudget {
  readonly #limit: number
  /** Of all networks with connections. */
  readonly #shares = new Map<string, Share>()
  #used = 0

  /** @param limit bytes. */
  constructor(limit: number) {
    this.#limit = limit
  }

  get used(): number {
    return this.#used
  }

  /** How many networks have connections. */
  get networks(): number {
    return this.#shares.size
  }

  /** To be ended with {@link PartialHolding.leave}. */
  join(holder: PartialHolder): PartialHolding {
    let share = this.#shares.get(holder.network)
    if (share === undefined) {
      share = { bytes: 0, members: 0, oldest: undefined, newest: undefined }
      this.#shares.set(holder.network, share)
    }
    return new PartialHolding(holder, this, share)
  }

  /** A holding has grown. @returns whether it still holds what it holds. */
  add(bytes: number, growing: PartialHolding): boolean {
    this.#used += bytes
    while (this.#used > this.#limit) {
      const oldest = this.#oldestOfHeaviest()
      oldest.release()
      oldest.holder.evict()
      if (oldest === growing) return false
    }
    return true
  }

  subtract(bytes: number): void {
    this.#used -= bytes
  }

  forget(network: string): void {
    this.#shares.delete(network)
  }

  /** To be called while something is held. Looks at each network, which costs less than the connection that an eviction ends. */
  #oldestOfHeaviest(): PartialHolding {
    let heaviest: Share | undefined
    for (const share of this.#shares.values()) if (heaviest === undefined || share.bytes > heaviest.bytes) heaviest = share
    return (heaviest as Share).oldest as PartialHolding
  }
}
