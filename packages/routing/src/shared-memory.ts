/**
 * Which waiting message is the last that is a view of some memory: with it the memory is counted.
 *
 * Messages of one read come one behind the other, so a look at the latest is nearly always enough, and only a few memories are remembered. When more of
 * them take turns in one mailbox, some count more than once, which errs on the safe side. There is no map, because one that is written to for each
 * message leaves tables behind that V8 takes for reachable, one from the other, until a whole collection.
 */
import type { RoutedMessage } from './routed-message.ts'

const REMEMBERED = 8

export class SharedMemory {
  readonly #last: (RoutedMessage | undefined)[] = new Array(REMEMBERED).fill(undefined)
  #latest = 0

  /** How many messages it holds on to. */
  get size(): number {
    return this.#last.filter((message) => message !== undefined).length
  }

  /** Makes `message` the last with this memory. @returns the one that was it before, if it is remembered. */
  take(memory: ArrayBufferLike, message: RoutedMessage): RoutedMessage | undefined {
    message.shared = memory
    const last = this.#last
    for (let back = 0; back < REMEMBERED; back++) {
      const at = (this.#latest - back) & (REMEMBERED - 1)
      const before = last[at]
      if (before?.shared !== memory) continue
      // So that it need not be looked for when it leaves.
      before.shared = undefined
      last[at] = message
      return before
    }
    this.#latest = (this.#latest + 1) & (REMEMBERED - 1)
    last[this.#latest] = message
    return undefined
  }

  /** The message waits no longer. */
  leave(message: RoutedMessage): void {
    const at = this.#last.indexOf(message)
    if (at >= 0) this.#last[at] = undefined
    message.shared = undefined
  }
}
