/**
 * The queue of a mailbox: a ring of messages, bounded by their number and by the memory they pin, and the pressure that its senders feel.
 *
 * A message counts from the moment it is put in until its handler is done with it, so the bounds hold for work in hand as well. The queue itself
 * refuses nothing: whoever delivers looks at `isFull` first.
 */
import type { RoutedMessage } from './routed-message.ts'
import { pinnedBytes } from './payload.ts'
import type { PayloadCopier } from './payload-copier.ts'

const INITIAL_SLOTS = 8

export class MailboxQueue {
  readonly maxMessages: number
  readonly maxBytes: number
  readonly #copier: PayloadCopier
  /** Messages waiting or in hand. */
  messages = 0
  /** Bytes those messages pin. */
  bytes = 0
  #slots: (RoutedMessage | undefined)[] = new Array(INITIAL_SLOTS).fill(undefined)
  #head = 0
  #waiting = 0
  /** How many at the end of the ring have not been compacted since they came. */
  #loose = 0
  /** How many of those came since the last turn ended. */
  #fresh = 0
  #last: Uint8Array | undefined
  #pressure: Promise<void> | undefined
  #release: (() => void) | undefined

  constructor(maxMessages: number, maxBytes: number, copier: PayloadCopier) {
    this.#copier = copier
    this.maxMessages = maxMessages
    this.maxBytes = maxBytes
  }

  /** Messages not yet taken. */
  get waiting(): number {
    return this.#waiting
  }

  get isFull(): boolean {
    return this.messages >= this.maxMessages || this.bytes >= this.maxBytes
  }

  push(message: RoutedMessage): void {
    const pinned = pinnedBytes(message.payload, this.#last)
    message.pinned = pinned
    this.#last = message.payload
    if (this.#waiting === this.#slots.length) this.#grow()
    this.#slots[(this.#head + this.#waiting) & (this.#slots.length - 1)] = message
    this.#waiting++
    this.#loose++
    this.#fresh++
    this.messages++
    this.bytes += pinned
  }

  /** The first message, left where it is. */
  peek(): RoutedMessage | undefined {
    return this.#waiting === 0 ? undefined : this.#slots[this.#head]
  }

  /** Takes the first message; it counts until {@link finish}. */
  shift(): RoutedMessage | undefined {
    if (this.#waiting === 0) return undefined
    const message = this.#slots[this.#head]
    this.#slots[this.#head] = undefined
    this.#head = (this.#head + 1) & (this.#slots.length - 1)
    this.#waiting--
    if (this.#loose > this.#waiting) this.#loose = this.#waiting
    if (this.#fresh > this.#waiting) this.#fresh = this.#waiting
    if (this.#waiting === 0) this.#last = undefined
    return message
  }

  /** Messages that were taken are done with. Below half of both bounds the senders may go on. */
  finish(messages: number, bytes: number): void {
    this.messages -= messages
    this.bytes -= bytes
    if (this.#pressure !== undefined && this.messages * 2 <= this.maxMessages && this.bytes * 2 <= this.maxBytes) this.relieve()
  }

  /** What a sender waits for while the mailbox is full: one promise for all. */
  pressure(): Promise<void> {
    this.#pressure ??= new Promise((resolve) => {
      this.#release = resolve
    })
    return this.#pressure
  }

  /** Lets all senders go on, because there is room, or because the worker is gone. */
  relieve(): void {
    const release = this.#release
    this.#pressure = undefined
    this.#release = undefined
    release?.()
  }

  /** The worker is busy: all that waits outlives the turn, so small views of large memory are copied. */
  compact(): void {
    this.#compactBefore(this.#waiting)
    this.#loose = 0
    this.#fresh = 0
  }

  /**
   * A turn ends and the worker will run in the next. Messages nearly always leave with it, so only those that have waited a whole turn already are
   * copied: memory is pinned for two turns at most, and a stream at full speed copies nothing.
   */
  age(): void {
    this.#compactBefore(this.#waiting - this.#fresh)
    this.#loose = this.#fresh
    this.#fresh = 0
  }

  #compactBefore(end: number): void {
    for (let i = this.#waiting - this.#loose; i < end; i++) {
      const message = this.#slots[(this.#head + i) & (this.#slots.length - 1)] as RoutedMessage
      this.#copier.own(message)
    }
    this.#last = undefined
  }

  /** Forgets all that waits. Returns how many messages that were. */
  clear(): number {
    const count = this.#waiting
    for (let message = this.shift(); message !== undefined; message = this.shift()) this.finish(1, message.pinned)
    return count
  }

  #grow(): void {
    const old = this.#slots
    const slots: (RoutedMessage | undefined)[] = new Array(old.length * 2).fill(undefined)
    for (let i = 0; i < this.#waiting; i++) slots[i] = old[(this.#head + i) & (old.length - 1)]
    this.#slots = slots
    this.#head = 0
  }
}
