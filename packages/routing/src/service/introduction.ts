/**
 * Lets two sides that met through a service of this node answer each other: what one side's connection (or channel) delivers may then reach the
 * address of the other's. Such a right ends with either connection, and with the service.
 *
 * Rights are kept on the account of whoever caused them by sending through the service, so that a popular receiver is not limited by the number of
 * its senders. Each account is bounded, and all together: strangers who open connections in pairs must neither fill the memory nor keep others out.
 * Beyond a bound the oldest right of the largest account ends; who still uses it gets it back with the next message through the service.
 */

import type { Address, FlowControls, Producer } from '@ockam/core'

export interface IntroductionLimits {
  /** Rights caused by one connection or channel. Default 256. */
  readonly perProducer?: number
  /** Rights in total. Default 65 536. */
  readonly total?: number
}

/** What `from` delivers may reach `address`, which stands for `side`. */
interface Right {
  readonly key: string
  readonly address: Address
  readonly side: Producer
  readonly from: Producer
  readonly account: Account
}

/** The rights one producer has caused, the oldest first. */
interface Account {
  readonly owner: Producer
  readonly rights: Set<Right>
}

/** The rights that concern a producer, as either side. */
interface Concern {
  readonly rights: Set<Right>
  readonly callOff: () => void
}

export class Introductions {
  /** Rights that ended to make room for others. Whoever remembers that it has introduced two sides looks whether this has changed. */
  displaced = 0
  readonly #flowControls: FlowControls
  readonly #perProducer: number
  readonly #total: number
  readonly #rights = new Map<string, Right>()
  readonly #accounts = new Map<Producer, Account>()
  /** Accounts by the number of their rights, so that the largest is found at once. */
  readonly #bySize: Set<Account>[] = []
  readonly #concerns = new Map<Producer, Concern>()

  constructor(flowControls: FlowControls, { perProducer = 256, total = 65_536 }: IntroductionLimits = {}) {
    this.#flowControls = flowControls
    this.#perProducer = perProducer
    this.#total = total
  }

  /** How many rights there are now. */
  get size(): number {
    return this.#rights.size
  }

  /**
   * What `from` delivers may reach `address`, which stands for `side`.
   * @param cause on whose account: who sent the message that introduces them.
   */
  allow(address: Address, side: Producer, from: Producer, cause: Producer): void {
    const key = keyOf(side, from)
    // A right that exists already was given by somebody else, who takes it back.
    if (side === from || this.#rights.has(key) || this.#flowControls.isConsumer(address, from)) return
    this.#makeRoom(cause)
    const account = this.#accounts.get(cause) ?? { owner: cause, rights: new Set() }
    const right = { key, address, side, from, account }
    this.#rights.set(key, right)
    this.#concern(side).rights.add(right)
    this.#concern(from).rights.add(right)
    this.#resize(account, () => account.rights.add(right))
    this.#flowControls.addConsumer(address, from.flowControlId)
  }

  /** Whether `from` reaches `side` because of an introduction. */
  has(side: Producer, from: Producer): boolean {
    return this.#rights.has(keyOf(side, from))
  }

  /** Takes back all rights that concern one side. */
  forget(side: Producer): void {
    for (const right of this.#concerns.get(side)?.rights ?? []) this.#end(right)
  }

  close(): void {
    for (const right of this.#rights.values()) this.#end(right)
  }

  #makeRoom(cause: Producer): void {
    const own = this.#accounts.get(cause)
    const isOwnFull = own !== undefined && own.rights.size >= this.#perProducer
    const account = isOwnFull ? own : this.#rights.size >= this.#total ? this.#largest() : undefined
    const [oldest] = account?.rights ?? []
    if (oldest === undefined) return
    this.#end(oldest)
    this.displaced++
  }

  #largest(): Account | undefined {
    for (let size = this.#bySize.length - 1; size > 0; size--) {
      const [account] = this.#bySize[size] ?? []
      if (account !== undefined) return account
    }
    return undefined
  }

  #end(right: Right): void {
    const { key, address, side, from, account } = right
    this.#rights.delete(key)
    this.#unconcern(side, right)
    this.#unconcern(from, right)
    this.#resize(account, () => account.rights.delete(right))
    this.#flowControls.removeConsumer(address, from.flowControlId)
  }

  #resize(account: Account, change: () => void): void {
    const { owner, rights } = account
    this.#bySize[rights.size]?.delete(account)
    change()
    if (rights.size === 0) {
      this.#accounts.delete(owner)
      return
    }
    this.#accounts.set(owner, account)
    const same = this.#bySize[rights.size]
    if (same === undefined) this.#bySize[rights.size] = new Set([account])
    else same.add(account)
  }

  #concern(producer: Producer): Concern {
    let concern = this.#concerns.get(producer)
    if (concern === undefined) {
      concern = { rights: new Set(), callOff: this.#flowControls.onEnd(producer, () => this.forget(producer)) }
      this.#concerns.set(producer, concern)
    }
    return concern
  }

  #unconcern(producer: Producer, right: Right): void {
    const concern = this.#concerns.get(producer)
    concern?.rights.delete(right)
    if (concern === undefined || concern.rights.size > 0) return
    concern.callOff()
    this.#concerns.delete(producer)
  }
}

function keyOf(side: Producer, from: Producer): string {
  return `${side.flowControlId} ${from.flowControlId}`
}
