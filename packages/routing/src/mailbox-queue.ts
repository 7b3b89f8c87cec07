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
import { RoomShares } from './room-share.ts'
import { SharedMemory } from './shared-memory.ts'
import { MESSAGE_BYTES, type WaitingBudget } from './waiting-budget.ts'

const INITIAL_SLOTS = 8
const TURNS_BETWEEN_COPIES = 4
/** A sender that goes on although the mailbox is full may have this many more mailboxes' worth accepted before it is stopped. */
const SENDER_EXCESS = 3
/** This part of a mailbox's worth of answers is taken of each sender of answers while others are asked to wait: a quarter. */
const ANSWER_PART = 4
/** From that many mailboxes' worth on, senders that are gone by now count against new ones: somebody could come back as another sender for ever. */
const SWAMPED = 64

/** One sender, since the mailbox was full. */
interface Account {
  /** What it had accepted. */
  messages: number
  bytes: number
  /** What it was asked to wait for, and what ends that. */
  pressure: Promise<void> | undefined
  release: (() => void) | undefined
  /** It waits no longer, because it would wait for itself. */
  hasGivenUp: boolean
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
  readonly #shared = new SharedMemory()
  /** By sender, as long as the present pressure lasts: all that were asked to wait, or answer. */
  #accounts: Map<object, Account> | undefined
  /** Whether anybody was asked to wait, and not let go on. */
  #isWaitedFor = false
  /** Of the room there was when the last pressure ended, if it was felt by several. */
  #shares: RoomShares | undefined
  /** Messages dealt with since there is this mailbox. */
  handled = 0

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
    if (this.messages >= this.maxMessages || this.bytes >= this.maxBytes) return true
    return this.#budget.bytes >= this.#budget.scarceBytes && this.#weight >= this.#budget.share
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
    if (message.shared !== undefined) this.#shared.leave(message)
    return message
  }

  /** Messages that were taken are done with. Below half of what they may fill the senders may go on. */
  finish(messages: number, bytes: number): void {
    this.handled += messages
    this.messages -= messages
    this.bytes -= bytes
    if (this.#isCounted) this.#budget.bytes -= bytes + messages * MESSAGE_BYTES
    if (this.#isWaitedFor && this.#isHalfEmpty) this.relieve()
  }

  /** The worker is gone. What it had in hand is its own affair now. */
  leave(): void {
    if (!this.#isCounted) return
    this.#isCounted = false
    this.#budget.bytes -= this.#weight
  }

  /** What a sender waits for while it is to wait: the same promise each time. */
  pressure(sender: object): Promise<void> {
    this.#isWaitedFor = true
    const account = this.#accountOf(sender)
    account.pressure ??= new Promise((resolve) => {
      account.release = resolve
    })
    return account.pressure
  }

  /** Whether the sender of a message just taken is to wait: the mailbox is full, or the sender has used up its share of the room. */
  asksToWait(sender: object, bytes: number): boolean {
    const hasUsedUp = this.#shares?.use(sender, bytes) === true
    return hasUsedUp || this.isFull
  }

  /**
   * Whether it takes an answer, whose sender waits for nothing. As long as others are asked to wait it takes a quarter mailbox's worth of each such
   * sender, full or not: the others take all room in the moment there is some, but answers cannot keep them from being let go on.
   */
  takesAnswerOf(sender: object, bytes: number): boolean {
    const { isFull } = this
    if (!this.#isWaitedFor && !isFull) return true
    if (isFull && this.#budget.bytes >= this.#budget.scarceBytes) return false
    const account = this.#accountOf(sender)
    if (account.messages * ANSWER_PART >= this.maxMessages || account.bytes * ANSWER_PART >= this.maxBytes) return false
    // When it is full, this counts as what others put into a full mailbox does.
    if (isFull) return true
    account.messages++
    account.bytes += bytes
    return true
  }

  /**
   * Whether a full mailbox takes one more message of a sender. The first is always taken: who waits when asked to has sent it before it could know.
   * So of those who wait nobody ever loses a message, however many they are, and each of those who do not is stopped on its own account.
   * @param present how many senders there are now, at most: what it takes does not grow when they leave and come back as others.
   */
  takesExcessOf(sender: object, bytes: number, present: number): boolean {
    const isNew = this.#accounts?.has(sender) !== true
    if (isNew && (this.#accounts?.size ?? 0) >= present && this.#isOver(SWAMPED)) return false
    const account = this.#accountOf(sender)
    if (account.messages >= SENDER_EXCESS * this.maxMessages || account.bytes >= SENDER_EXCESS * this.maxBytes) return false
    account.messages++
    account.bytes += bytes
    return true
  }

  /** The sender goes on; from now on, what it sends and finds no room is not taken, until there is some. */
  stopWaitingOf(sender: object): void {
    const account = this.#accountOf(sender)
    account.hasGivenUp = true
    account.release?.()
    account.pressure = undefined
  }

  hasGivenUp(sender: object): boolean {
    return this.#accounts?.get(sender)?.hasGivenUp === true
  }

  /** Whether the sender, which was given this pressure, has not been let go on. */
  isOn(sender: object, pressure: Promise<void>): boolean {
    return this.#accounts?.get(sender)?.pressure === pressure
  }

  /** Lets all senders go on, because there is room, or because the worker is gone. */
  relieve(): void {
    const accounts = this.#accounts
    const room = Math.max(0, this.maxMessages - this.messages)
    this.#shares = RoomShares.of(accounts, this.#shares, room, this.maxBytes - this.bytes)
    this.#accounts = undefined
    this.#isWaitedFor = false
    for (const { release } of accounts?.values() ?? []) release?.()
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

  #accountOf(sender: object): Account {
    this.#accounts ??= new Map()
    let account = this.#accounts.get(sender)
    if (account === undefined) {
      account = { messages: 0, bytes: 0, pressure: undefined, release: undefined, hasGivenUp: false }
      this.#accounts.set(sender, account)
    }
    return account
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
    const before = this.#shared.take(memory, message)
    if (before === undefined) {
      message.pinned = memory.byteLength
      this.bytes += message.pinned
      return
    }
    message.pinned = before.pinned
    before.pinned = 0
  }

  #grow(): void {
    const old = this.#slots
    const slots: (RoutedMessage | undefined)[] = new Array(old.length * 2).fill(undefined)
    for (let i = 0; i < this.#waiting; i++) slots[i] = old[(this.#head + i) & (old.length - 1)]
    this.#slots = slots
    this.#head = 0
  }
}
