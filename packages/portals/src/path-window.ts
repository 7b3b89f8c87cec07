/**
 * What may be under way to the other end of one channel, over all connections of portals that go through it.
 *
 * Credit (`credit.ts`) bounds what the other program holds for one client. It does not bound what the nodes in between hold when that program does not
 * run at all, or its network is gone: a relay that holds more for one destination than a mailbox takes stops reading from us, and with us everybody
 * whom we serve through it falls silent. So here is counted what was sent and is not known to have come, and no more is sent than a mailbox takes. A
 * client that does not read holds nothing of it, because what has come to the other program is under way no more; a program that sleeps holds
 * all of it, and makes nobody wait but itself.
 *
 * What has come is known by Challenges (`docs/wire.md`): numbers that nobody can guess, sent behind the Payloads, which the other end sends back. A
 * channel keeps the order, so the answer stands for all that was sent before it, on whichever connection. Connections that wait for room take turns,
 * a Payload each.
 *
 * Of Payloads, however small, no more are under way than the connections need to be as quick as they are: a few at first, and more as answers come while
 * somebody waits. A network that swallows everything thus swallows few messages before this side stops, whoever was talking. A channel outlives
 * the loss of 32 in a row, and with it do the connections that had nothing under way.
 */

import type { Producer, Random } from '@ockam/core'

/** Counted for each Payload besides its data. A mailbox takes 1 MiB, or 1024 messages if they are small. */
const PAYLOAD_COST = 1024
/** A challenge follows so much of what may be under way in bytes: more of them make no connection quicker. */
const CHALLENGED_BYTES = 1 / 2
/** As much for Payloads. Those that nobody has asked for look as if they were under way, so it is little enough to tell them from those that are. */
const CHALLENGED_PAYLOADS = 1 / 4
/** Fewer Payloads are not worth a challenge. */
const LEAST_CHALLENGED = 8
/** Half of the losses that a channel outlives; challenges, credit and pings take of the other half. */
const LEAST_PAYLOADS = 16

/** A connection that sends through the channel. */
export interface PathUser {
  /** What may be under way, of all connections, for this one to send more. */
  readonly maxInFlightBytes: number
  /** There is room, at the moment of the call: it asks again now or has lost its turn. */
  goOn(): void
  /** Sends the number behind what was sent so far. */
  challenge(number: bigint): void
}

interface Challenge {
  readonly number: bigint
  readonly by: PathUser
  /** All that was sent before it. */
  readonly sentBytes: number
  readonly sentPayloads: number
}

export class PathWindow {
  readonly #random: Random
  #sentBytes = 0
  #sentPayloads = 0
  #arrivedBytes = 0
  #arrivedPayloads = 0
  /** How many Payloads may be under way. */
  #maxPayloads = LEAST_PAYLOADS
  /** The most that were under way in the round that goes on, and in the one before. A round ends with the answer to a challenge that was sent in it. */
  #peak = 0
  #formerPeak = 0
  /** Payloads that were sent before the round. */
  #roundBegan = 0
  /** Those that were not answered, the oldest first. */
  #challenges: Challenge[] = []
  /** Who waits for room for how much, who came first at the beginning. */
  readonly #waiting = new Map<PathUser, number>()
  /** Whose turn it is. */
  #next: PathUser | undefined
  #isWaking = false
  #isAsking = false

  constructor(random: Random) {
    this.#random = random
  }

  /** Counts a Payload that is sent now. @returns false when it must not be: `goOn` is called when it is this connection's turn. */
  take(user: PathUser, dataBytes: number): boolean {
    const bytes = dataBytes + PAYLOAD_COST
    if ((this.#waiting.size > 0 && this.#next !== user) || !this.#hasRoom(user, bytes)) {
      this.#waiting.set(user, bytes)
      this.#ask()
      return false
    }
    this.#next = undefined
    this.#waiting.delete(user)
    this.#sentBytes += bytes
    this.#sentPayloads++
    this.#peak = Math.max(this.#peak, this.#inFlightPayloads)
    return true
  }

  /** What was taken has been sent. */
  sent(user: PathUser): void {
    const last = this.#challenges.at(-1)
    const bytes = this.#sentBytes - (last?.sentBytes ?? this.#arrivedBytes)
    const payloads = this.#sentPayloads - (last?.sentPayloads ?? this.#arrivedPayloads)
    const areMany = payloads >= Math.max(LEAST_CHALLENGED, this.#maxPayloads * CHALLENGED_PAYLOADS)
    if (areMany || bytes >= user.maxInFlightBytes * CHALLENGED_BYTES) this.#challenge(user)
  }

  /** The other end sends a number back. Numbers of others, and old ones, mean nothing. */
  answered(number: bigint): void {
    const index = this.#challenges.findIndex((challenge) => challenge.number === number)
    if (index < 0) return
    const { sentBytes, sentPayloads } = this.#challenges[index] as Challenge
    if (this.#waiting.size > 0 && this.#inFlightPayloads >= this.#maxPayloads) this.#maxPayloads += sentPayloads - this.#arrivedPayloads
    this.#arrivedBytes = sentBytes
    this.#arrivedPayloads = sentPayloads
    this.#challenges.splice(0, index + 1)
    if (sentPayloads > this.#roundBegan) this.#endRound()
    this.#wake()
  }

  /** What the connection has sent may be lost, or it has learnt so: it asks again, if it had asked. */
  retry(user: PathUser): void {
    if (this.#forgetChallenges(user)) this.#challenge(user)
  }

  /** The connection ends. What it has sent stays counted until somebody's challenge behind it is answered. */
  leave(user: PathUser): void {
    this.#waiting.delete(user)
    this.#forgetChallenges(user)
    this.#wake()
  }

  /** Twice what was needed leaves room to grow. */
  #endRound(): void {
    this.#maxPayloads = Math.max(LEAST_PAYLOADS, Math.min(this.#maxPayloads, 2 * Math.max(this.#peak, this.#formerPeak)))
    this.#formerPeak = this.#peak
    this.#peak = this.#inFlightPayloads
    this.#roundBegan = this.#sentPayloads
  }

  #hasRoom(user: PathUser, bytes: number): boolean {
    return this.#inFlightPayloads < this.#maxPayloads && this.#sentBytes + bytes - this.#arrivedBytes <= user.maxInFlightBytes
  }

  get #inFlightPayloads(): number {
    return this.#sentPayloads - this.#arrivedPayloads
  }

  #wake(): void {
    if (this.#isWaking) return
    this.#isWaking = true
    for (let [first] = this.#waiting; first !== undefined && this.#hasRoom(...first); [first] = this.#waiting) {
      const [user] = first
      this.#waiting.delete(user)
      this.#next = user
      user.goOn()
    }
    this.#next = undefined
    this.#isWaking = false
    this.#ask()
  }

  /** Whoever waits has somebody's challenge to wait for. One that cannot ask any more leaves. */
  #ask(): void {
    if (this.#isAsking) return
    this.#isAsking = true
    while (this.#challenges.length === 0) {
      const [user] = this.#waiting.keys()
      if (user === undefined) break
      this.#challenge(user)
    }
    this.#isAsking = false
  }

  #challenge(user: PathUser): void {
    const bytes = this.#random.bytes(8)
    const number = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0)
    this.#challenges.push({ number, by: user, sentBytes: this.#sentBytes, sentPayloads: this.#sentPayloads })
    user.challenge(number)
  }

  /** @returns whether there were any. */
  #forgetChallenges(user: PathUser): boolean {
    const before = this.#challenges.length
    this.#challenges = this.#challenges.filter(({ by }) => by !== user)
    return this.#challenges.length < before
  }
}

/** Kept with the producer, so that all inlets and outlets of a node that share a channel share its window too, and none outlives it. */
const windows = new WeakMap<Producer, PathWindow>()

export function pathWindowOf(producer: Producer, random: Random): PathWindow {
  let window = windows.get(producer)
  if (window === undefined) {
    window = new PathWindow(random)
    windows.set(producer, window)
  }
  return window
}
