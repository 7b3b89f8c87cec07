/**
 * The queue of a mailbox: a ring of messages, bounded by their number and by the memory they pin, and the pressure that its senders feel.
 *
 * A message counts from the moment it is put in until its handler is done with it, so the bounds hold for work in hand as well. Memory that several
 * waiting messages are views of counts once, with the last of them, which leaves last. All of it counts to the budget of the node as well. The queue
 * itself refuses nothing: whoever delivers looks at `isFull` first, and asks `takesExcessOf` when it is; and looks at `exceedsBudget`.
 */
import type { RoutedMessage } from './routed-message.ts'
import { heldMemory } from './payload.ts'
import type { PayloadCopier } from './payload-copier.ts'
import { MESSAGE_BYTES, type WaitingBudget } from './waiting-budget.ts'

const INITIAL_SLOTS = 8
const TURNS_BETWEEN_COPIES = 4
/** A sender that goes on although the mailbox is full may have this many more mailboxes' worth accepted before it is stopped. */
const SENDER_EXCESS = 3
/** From that many mailboxes' worth on, senders that are gone by now count against new ones: somebody could come back as another sender for ever. */
const SWAMPED = 64

/** What one sender had accepted since the mailbox was full. */
interface Excess {
  messages: number
  bytes: number
}

export class MailboxQueue {
  readonly maxMessages: number
  readonly maxBytes: number
  readonly #copier: PayloadCopier
  readonly #budget: WaitingBudget
  /** False when the worker is gone: what its handler still has in hand counts no more. */
  #isCounted = true
  /** Messages waiting or in hand. */
  messages = 0
  /** Bytes those messages pin. */
  bytes = 0
  #slots: (RoutedMessage | undefined)[] = new Array(INITIAL_SLOTS).fill(undefined)
  #head = 0
  #waiting = 0
  /** How many at the end of the ring have not been compacted since they came. */
  #loose = 0
  /** How many of those came since the others were last looked at, so many turns ago. */
  #fresh = 0
  #turns = 0
  /** Memory that waiting messages share, and with which of them it is counted. */
  #shared: Map<ArrayBufferLike, RoutedMessage> | undefined
  /** By sender, as long as the present pressure lasts. */
  #excess: Map<object, Excess> | undefined
  #pressure: Promise<void> | undefined
  #release: (() => void) | undefined

  constructor(maxMessages: number, maxBytes: number, copier: PayloadCopier, budget: WaitingBudget) {
    this.#copier = copier
    this.#budget = budget
    this.maxMessages = maxMessages
    this.maxBytes = maxBytes
  }

  /** Messages not yet taken. */
  get waiting(): number {
    return this.#waiting
  }

  get isFull(): boolean {
    return this.#isOver(1) || (this.#budget.bytes >= this.#budget.scarceBytes && this.#weight >= this.#budget.share)
  }

  /** Whether somebody was asked to wait, until it is half empty. */
  get isWaitedFor(): boolean {
    return this.#pressure !== undefined
  }

  /** Whether the node has no room for one more message of that many bytes here: its budget is spent, and so would be the share of this mailbox. */
  exceedsBudget(bytes: number): boolean {
    return this.#budget.isSpent && this.#weight + bytes > this.#budget.share
  }

  push(message: RoutedMessage): void {
    const before = this.bytes
    const { payload } = message
    const memory = heldMemory(payload)
    if (memory !== undefined) message.isOwned = true
    if (memory === undefined || memory.byteLength === payload.length) {
      message.pinned = payload.length
      this.bytes += message.pinned
    } else {
      this.#countShared(message, memory)
    }
    if (this.#waiting === this.#slots.length) this.#grow()
    this.#slots[(this.#head + this.#waiting) & (this.#slots.length - 1)] = message
    this.#waiting++
    this.#loose++
    this.#fresh++
    this.messages++
    this.#budget.bytes += this.bytes - before + MESSAGE_BYTES
  }

  /** The first message, left where it is. */
  peek(): RoutedMessage | undefined {
    return this.#waiting === 0 ? undefined : this.#slots[this.#head]
  }

  /** Takes the first message; it counts until {@link finish}. */
  shift(): RoutedMessage | undefined {
    if (this.#waiting === 0) return undefined
    const message = this.#slots[this.#head] as RoutedMessage
    this.#slots[this.#head] = undefined
    this.#head = (this.#head + 1) & (this.#slots.length - 1)
    this.#waiting--
    if (this.#loose > this.#waiting) this.#loose = this.#waiting
    if (this.#fresh > this.#waiting) this.#fresh = this.#waiting
    if (message.shared !== undefined) {
      this.#shared?.delete(message.shared)
      message.shared = undefined
    }
    return message
  }

  /** Messages that were taken are done with. Below half of what they may fill the senders may go on. */
  finish(messages: number, bytes: number): void {
    this.messages -= messages
    this.bytes -= bytes
    if (this.#isCounted) this.#budget.bytes -= bytes + messages * MESSAGE_BYTES
    if (this.#pressure !== undefined && this.#isHalfEmpty) this.relieve()
  }

  /** The worker is gone. What it had in hand is its own affair now. */
  leave(): void {
    if (!this.#isCounted) return
    this.#isCounted = false
    this.#budget.bytes -= this.#weight
  }

  /** What a sender waits for while the mailbox is full: one promise for all. */
  pressure(): Promise<void> {
    this.#pressure ??= new Promise((resolve) => {
      this.#release = resolve
    })
    return this.#pressure
  }

  /**
   * Whether a full mailbox takes one more message of a sender. The first is always taken: who waits when asked to has sent it before it could know.
   * So of those who wait nobody ever loses a message, however many they are, and each of those who do not is stopped on its own account.
   * @param present how many senders there are now, at most: what it takes does not grow when they leave and come back as others.
   */
  takesExcessOf(sender: object, bytes: number, present: number): boolean {
    this.#excess ??= new Map()
    const excess = this.#excess.get(sender)
    if (excess === undefined) {
      if (this.#excess.size >= present && this.#isOver(SWAMPED)) return false
      this.#excess.set(sender, { messages: 1, bytes })
      return true
    }
    if (excess.messages >= SENDER_EXCESS * this.maxMessages || excess.bytes >= SENDER_EXCESS * this.maxBytes) return false
    excess.messages++
    excess.bytes += bytes
    return true
  }

  /** Lets all senders go on, because there is room, or because the worker is gone. */
  relieve(): void {
    const release = this.#release
    this.#excess = undefined
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
   * A turn ends and the worker will run in another. A stream at full speed keeps its mailbox full, so that each message waits for a few turns and then
   * leaves with all others of its chunk: copying them would save nothing, and tear apart what a decryptor opens at once. So only those are copied that
   * have waited for four turns already; memory is pinned for eight at most (docs/decisions/0020).
   */
  age(): void {
    this.#turns++
    if (this.#turns < TURNS_BETWEEN_COPIES) return
    this.#turns = 0
    this.#compactBefore(this.#waiting - this.#fresh)
    this.#loose = this.#fresh
    this.#fresh = 0
  }

  #compactBefore(end: number): void {
    for (let i = this.#waiting - this.#loose; i < end; i++) {
      const message = this.#slots[(this.#head + i) & (this.#slots.length - 1)] as RoutedMessage
      this.#copier.own(message)
    }
  }

  /** Forgets all that waits. Returns how many messages that were. */
  clear(): number {
    const count = this.#waiting
    for (let message = this.shift(); message !== undefined; message = this.shift()) this.finish(1, message.pinned)
    return count
  }

  /** What it holds, as the budget counts. */
  get #weight(): number {
    return this.bytes + this.messages * MESSAGE_BYTES
  }

  get #isHalfEmpty(): boolean {
    if (this.messages * 2 > this.maxMessages || this.bytes * 2 > this.maxBytes) return false
    return this.#budget.bytes < this.#budget.scarceBytes || this.#weight * 2 <= this.#budget.share
  }

  #isOver(mailboxes: number): boolean {
    return this.messages >= mailboxes * this.maxMessages || this.bytes >= mailboxes * this.maxBytes
  }

  /** The last to come takes over what the memory counts. */
  #countShared(message: RoutedMessage, memory: ArrayBufferLike): void {
    this.#shared ??= new Map()
    const before = this.#shared.get(memory)
    this.#shared.set(memory, message)
    message.shared = memory
    if (before === undefined) {
      message.pinned = memory.byteLength
      this.bytes += message.pinned
      return
    }
    message.pinned = before.pinned
    before.pinned = 0
    before.shared = undefined
  }

  #grow(): void {
    const old = this.#slots
    const slots: (RoutedMessage | undefined)[] = new Array(old.length * 2).fill(undefined)
    for (let i = 0; i < this.#waiting; i++) slots[i] = old[(this.#head + i) & (old.length - 1)]
    this.#slots = slots
    this.#head = 0
  }
}
