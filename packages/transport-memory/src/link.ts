/**
 * One direction of a connection: takes messages, and hands them over later, or never, or twice, as its settings say.
 *
 * All chance comes from a stream of its own, of which every message takes the same number of draws: what happens to one link changes nothing for
 * another, and a changed rate changes nothing but what it is about.
 */

import {
  type Clock,
  dropPressure,
  encodeTransportMessage,
  OckamError,
  type Pressure,
  type Timer,
  type TransportMessage,
  TransportMessageDecoder,
  type Turns,
} from '@ockam/core'
import type { ResolvedLinkSettings } from './link-setting.ts'
import type { RandomStream } from './random-stream.ts'

/** Bounds of what waits on a link, as of a router's mailbox. Beyond them the sender is asked to wait, until half is free. */
const MAX_MESSAGES = 1024
const MAX_BYTES = 1024 * 1024
/** Delivered in one turn, so that timers and other links are not starved. */
const MESSAGES_PER_TURN = 512

/** What happened to messages, counted over the network. */
export interface LinkCounters {
  sent: number
  delivered: number
  lost: number
  duplicated: number
  reordered: number
  overLimit: number
}

export interface LinkOptions {
  readonly clock: Clock
  /** Of the receiving node. */
  readonly turns: Turns
  readonly random: RandomStream
  readonly settings: () => ResolvedLinkSettings
  readonly counters: LinkCounters
  /** True when each message is encoded and decoded on the way. */
  readonly isEncoded: boolean
  /** What the receiving node allows. */
  readonly maxAddresses: number
  readonly deliver: (message: TransportMessage) => Pressure
  /** The sending side closed, and all that was sent before has arrived. */
  readonly onEnd: () => void
}

interface Crossing {
  /** Undefined: the end of the connection. */
  readonly message: TransportMessage | undefined
  readonly arrivalMs: number
}

export class Link {
  readonly #options: LinkOptions
  readonly #decoder: TransportMessageDecoder
  /** In order of arrival; `queue[0, head)` has arrived. */
  #queue: Crossing[] = []
  #head = 0
  #waitingBytes = 0
  #lastArrivalMs = 0
  #timer: Timer | undefined
  #isPumpDue = false
  #isHeld = false
  #isStopped = false
  #pressure: Promise<void> | undefined
  #endPressure: (() => void) | undefined

  constructor(options: LinkOptions) {
    this.#options = options
    this.#decoder = new TransportMessageDecoder(options.maxAddresses)
  }

  /** Takes a message within the limit. */
  send(message: TransportMessage): Pressure {
    if (this.#isStopped) return undefined
    const { random, counters, clock } = this.#options
    const settings = this.#options.settings()
    const [loss, duplicate, reorder, jitter, hold] = [random.next(), random.next(), random.next(), random.next(), random.next()]
    counters.sent++
    if (settings.isPartitioned || loss < settings.lossRate) {
      counters.lost++
      return this.#waiting()
    }
    const inTurnMs = Math.max(this.#lastArrivalMs, clock.monotonic() + settings.delayMs + jitter * settings.jitterMs)
    const isHeldBack = reorder < settings.reorderRate
    if (isHeldBack) counters.reordered++
    else this.#lastArrivalMs = inTurnMs
    const arrivalMs = isHeldBack ? inTurnMs + hold * settings.reorderMs : inTurnMs
    this.#enqueue(message, arrivalMs)
    if (duplicate < settings.duplicateRate) {
      counters.duplicated++
      this.#enqueue(message, arrivalMs)
    }
    this.#schedule()
    return this.#waiting()
  }

  /** The sending side is done: its end crosses behind what was sent, and is never lost. */
  end(): void {
    if (this.#isStopped) return
    const { clock, settings } = this.#options
    const last = this.#queue[this.#queue.length - 1]?.arrivalMs ?? 0
    this.#queue.push({ message: undefined, arrivalMs: Math.max(last, this.#lastArrivalMs, clock.monotonic() + settings().delayMs) })
    this.#release()
    this.#schedule()
  }

  /** Settings changed: an end that waited for a partition to heal may go on. */
  settingsChanged(): void {
    this.#schedule()
  }

  /** The receiving side is gone: whatever waits is dropped, and nobody waits for it. */
  stop(): void {
    this.#isStopped = true
    this.#queue = []
    this.#head = 0
    this.#timer?.cancel()
    this.#release()
  }

  #enqueue(message: TransportMessage, arrivalMs: number): void {
    const crossing = { message: this.#options.isEncoded ? this.#recode(message) : message, arrivalMs }
    if (crossing.message === undefined) return
    this.#waitingBytes += message.payload.length
    let at = this.#queue.length
    while (at > this.#head && (this.#queue[at - 1] as Crossing).arrivalMs > arrivalMs) at--
    if (at === this.#queue.length) this.#queue.push(crossing)
    else this.#queue.splice(at, 0, crossing)
  }

  /** Undefined for more addresses than the receiving node allows: it drops the message, and the sender never knows. */
  #recode(message: TransportMessage): TransportMessage | undefined {
    const bytes = encodeTransportMessage(message)
    try {
      return this.#decoder.decode(bytes, 0, bytes.length)
    } catch (error) {
      if (!OckamError.is(error, 'core/limit-exceeded')) throw error
      this.#options.counters.overLimit++
      return undefined
    }
  }

  /** Pumps at the arrival of the first message, always in a turn of its own: a connection is then known to both nodes. */
  #schedule(): void {
    if (this.#isPumpDue || this.#isHeld || this.#isStopped || this.#head === this.#queue.length) return
    this.#timer?.cancel()
    this.#timer = undefined
    const { clock, turns } = this.#options
    const waitMs = (this.#queue[this.#head] as Crossing).arrivalMs - clock.monotonic()
    if (waitMs > 0) {
      this.#timer = clock.schedule(waitMs, () => this.#schedule(), { isBackground: false })
      return
    }
    this.#isPumpDue = true
    turns.afterIo(this.#pump)
  }

  readonly #pump = (): void => {
    this.#isPumpDue = false
    const now = this.#options.clock.monotonic()
    for (let i = 0; i < MESSAGES_PER_TURN && this.#head < this.#queue.length && !this.#isHeld; i++) {
      const { message, arrivalMs } = this.#queue[this.#head] as Crossing
      if (arrivalMs > now) break
      if (message === undefined) {
        if (!this.#options.settings().isPartitioned) this.#options.onEnd()
        return
      }
      this.#head++
      this.#waitingBytes -= message.payload.length
      this.#deliver(message)
      if (this.#isStopped) return
    }
    this.#compact()
    if (this.#pressure !== undefined && !this.#isOver(0.5)) this.#release()
    this.#schedule()
  }

  #deliver(message: TransportMessage): void {
    this.#options.counters.delivered++
    const pressure = this.#options.deliver(message)
    if (pressure === undefined) return
    this.#isHeld = true
    dropPressure(pressure.then(this.#continue))
  }

  readonly #continue = (): void => {
    this.#isHeld = false
    this.#schedule()
  }

  /** Forgets what has arrived, seldom enough to cost nothing. */
  #compact(): void {
    if (this.#head < MESSAGES_PER_TURN && this.#head < this.#queue.length) return
    this.#queue.splice(0, this.#head)
    this.#head = 0
  }

  #isOver(share: number): boolean {
    return this.#queue.length - this.#head > MAX_MESSAGES * share || this.#waitingBytes > MAX_BYTES * share
  }

  #waiting(): Pressure {
    if (this.#pressure === undefined && this.#isOver(1)) {
      this.#pressure = new Promise((resolve) => {
        this.#endPressure = resolve
      })
    }
    return this.#pressure
  }

  #release(): void {
    this.#endPressure?.()
    this.#endPressure = undefined
    this.#pressure = undefined
  }
}
