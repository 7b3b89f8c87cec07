/**
 * What unfinished frames of all connections of a transport may hold together.
 *
 * A frame announces its length first, so many connections that announce much and send little could pin memory for as long as they make the least
 * progress. When the budget is used up, the large frame that was begun first gives way: honest senders finish, an attacker has to send everything
 * again. Small frames are counted, but are evicted never: the connection limit bounds them.
 */

/** Somebody with an unfinished frame. */
export interface PartialHolder {
  /** Gives up the unfinished frame, and with it what it holds of the budget, before it returns. */
  evict(): void
}

/** A frame that holds more than one read brings can be evicted. */
const LARGE = 64 * 1024

export class PartialBudget {
  readonly #limit: number
  /** In the order in which they became large. */
  readonly #large = new Set<PartialHolder>()
  #used = 0

  /** @param limit bytes. */
  constructor(limit: number) {
    this.#limit = limit
  }

  get used(): number {
    return this.#used
  }

  /**
   * A holder goes from `before` to `after` bytes, which is more.
   * @returns false when there is no room for it, or it was its own turn to give way; nothing has then changed for it, or it has been evicted.
   */
  grow(holder: PartialHolder, before: number, after: number): boolean {
    while (this.#used + after - before > this.#limit) {
      const [oldest] = this.#large
      if (oldest === undefined) return false
      this.#large.delete(oldest)
      oldest.evict()
      if (oldest === holder) return false
    }
    this.#used += after - before
    if (after > LARGE) this.#large.add(holder)
    return true
  }

  /** A holder gives back all its bytes. */
  release(holder: PartialHolder, bytes: number): void {
    this.#used -= bytes
    if (bytes > LARGE) this.#large.delete(holder)
  }
}
