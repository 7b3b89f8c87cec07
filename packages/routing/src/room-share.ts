/**
 * How the room of a mailbox is divided among those who waited for it. Who sends in a loop takes all room in the moment there is some, and leaves none to a
 * worker that handles one message after the other; so each gets an equal share, and waits anew when that is used up.
 *
 * A share is good until the next time there is room. Who has not come to use it by then gets one once more: a worker's turn comes later than that
 * of a loop.
 */

/** What one sender has put in. */
interface Use {
  messages: number
  bytes: number
  readonly isSecond: boolean
}

export class RoomShares {
  readonly #messages: number
  readonly #bytes: number
  readonly #uses: Map<object, Use>

  private constructor(uses: Map<object, Use>, messages: number, bytes: number) {
    this.#uses = uses
    this.#messages = Math.max(1, Math.floor(messages / uses.size))
    this.#bytes = Math.max(1, Math.floor(bytes / uses.size))
  }

  /**
   * @param senders those who waited, as keys. @param last the shares before these. @param messages room for so many, and for so many bytes.
   * @returns undefined where a single one needs no share.
   */
  static of(
    senders: ReadonlyMap<object, unknown> | undefined,
    last: RoomShares | undefined,
    messages: number,
    bytes: number,
  ): RoomShares | undefined {
    if (last === undefined && (senders === undefined || senders.size < 2)) return undefined
    const uses = new Map<object, Use>()
    for (const sender of last?.idle ?? []) uses.set(sender, { messages: 0, bytes: 0, isSecond: true })
    for (const sender of senders?.keys() ?? []) uses.set(sender, { messages: 0, bytes: 0, isSecond: false })
    return uses.size < 2 ? undefined : new RoomShares(uses, messages, bytes)
  }

  /** Those who have used nothing of their first share. */
  get idle(): readonly object[] {
    return [...this.#uses].filter(([, { messages, isSecond }]) => messages === 0 && !isSecond).map(([sender]) => sender)
  }

  /** A message was taken. @returns whether the sender has used up its share. */
  use(sender: object, bytes: number): boolean {
    let use = this.#uses.get(sender)
    if (use === undefined) {
      use = { messages: 0, bytes: 0, isSecond: true }
      this.#uses.set(sender, use)
    }
    use.messages++
    use.bytes += bytes
    return use.messages >= this.#messages || use.bytes >= this.#bytes
  }
}
