/**
 * The encryptor of a channel: takes messages of this node, seals those that wait, run by run, into a fresh slab, and sends them along the channel's
 * route, no more of them than the route has room for.
 *
 * Of a message it keeps the onward route behind its own address, the return route and the payload; local info never leaves the node. The return
 * route of a ciphertext is empty: the peer would take anything else for a new way to us. Commands (a route change, a refresh) come through the same
 * queue and so keep their place among the messages.
 */

import {
  type Address,
  type BatchWorker,
  type Context,
  dropPressure,
  type LocalInfo,
  type LocalMessage,
  OckamError,
  type Pressure,
  type Primitives,
  Route,
} from '@ockam/core'
import { encodeClose, payloadLength, writePayload } from '../protocol/channel-message.ts'
import { CIPHERTEXT_OVERHEAD, NONCE_LENGTH } from '../protocol/nonce.ts'
import type { SealJob, SendingKey } from '../protocol/sending-key.ts'
import { PressureWait } from './pressure-wait.ts'

/** Messages sealed at once: if the route turns out to be gone, what they cost fits the peer's window. */
const MAX_RUN = 16
/** A slab holds several messages up to this size; a larger message has one of its own. */
const SLAB_SIZE = 65_536
const NO_SLAB = new Uint8Array(0)

/** Something to be done by the encryptor between the messages before and after it. Travels as local info, which no remote can make. */
export class EncryptorCommand implements LocalInfo {
  readonly kind = 'encryptor-command'
  readonly run: (context: Context) => void
  constructor(run: (context: Context) => void) {
    this.run = run
  }
}

export interface EncryptorOptions {
  readonly primitives: Primitives
  readonly key: SendingKey
  readonly address: Address
  /** Whole route to the peer's decryptor. */
  readonly route: Route
  /** Whether the first hop of a route is gone. */
  isClosed(firstHop: Address): boolean
  /** A message could not be sent. It used up no nonce unless it was sealed before that showed. */
  onDropped(reason: 'route-lost' | 'not-accepted' | 'closed'): void
  /** Sealing failed for good: no nonces left, or a vault that does not work. */
  onFailure(error: unknown): void
}

export class Encryptor implements BatchWorker {
  /** Messages sealed and handed on. */
  sent = 0
  readonly #options: EncryptorOptions
  readonly #returnRoute: Route
  readonly #jobs: SealJob[] = []
  #route: Route
  /** While a batch is handled: what its runs are sealed into, one behind the other, and how much of it is used. */
  #slab: Uint8Array<ArrayBuffer> = NO_SLAB
  #used = 0
  /** The message of the batch in hand that is next. */
  #at = 0
  readonly #wait = new PressureWait()
  #isHeldUp = false
  #isRouteLost = false
  #hasFailed = false
  #sendsClose = true

  constructor(options: EncryptorOptions) {
    this.#options = options
    this.#route = options.route
    this.#returnRoute = Route.of(options.address)
  }

  get route(): Route {
    return this.#route
  }

  /** Whether the route's first hop is gone; a new route ends that. */
  get isRouteLost(): boolean {
    if (!this.#isRouteLost && this.#options.isClosed(this.#route.next as Address)) this.#isRouteLost = true
    return this.#isRouteLost
  }

  /** What waited for room on the former route goes along the new one. */
  setRoute(route: Route): void {
    this.#route = route
    this.#isRouteLost = false
    this.#wait.release()
  }

  /** The peer has ended the channel, or it is of no use any more: no Close is sent. */
  endSilently(): void {
    this.#sendsClose = false
  }

  handleBatch(messages: readonly LocalMessage[], context: Context): Pressure {
    this.#at = 0
    const pressure = this.#advance(messages, context)
    if (pressure !== undefined) return this.#advanceLater(messages, context, pressure)
    this.#forgetSlab()
    return undefined
  }

  /** Seals content as it is: for the encryption API, and for Close and RefreshCredentials. Returns nonce, ciphertext and tag. */
  seal(content: Uint8Array, isLast = false): Uint8Array<ArrayBuffer> {
    const { key, primitives } = this.#options
    key.reserve(1, isLast)
    const slab = primitives.allocate(content.length + CIPHERTEXT_OVERHEAD)
    slab.set(content, NONCE_LENGTH)
    key.seal(slab, [{ start: 0, length: content.length }], 1)
    return slab
  }

  /** Sends a message of the channel itself. These carry the encryptor's address as return route, as in Rust; it moves nothing. */
  sendOwn(content: Uint8Array, context: Context, isLast = false): void {
    if (this.isRouteLost) return
    try {
      const payload = this.seal(content, isLast)
      dropPressure(context.dispatch({ onwardRoute: this.#route, returnRoute: this.#returnRoute, payload, isExclusive: true }))
    } catch (error) {
      this.#notSent(error)
    }
  }

  /** Called after the last message. */
  stop(context: Context): void {
    // A router that cannot wait stops the worker within a batch: then there is more that the peer has not got, and no goodbye.
    if (this.#sendsClose && !this.#isHeldUp) this.sendOwn(encodeClose(), context, true)
  }

  /** Drops the key, and whatever waits or still comes. */
  destroy(): void {
    this.#sendsClose = false
    this.#options.key.destroy()
    this.#wait.end()
  }

  /**
   * Deals with messages up to the first pressure. A run is sent as a whole, because it is sealed as a whole; nothing behind it is sealed before the
   * route has room again, or the mailbox behind it would take what many channels have in hand.
   */
  #advance(messages: readonly LocalMessage[], context: Context): Pressure {
    let pressure: Pressure
    while (pressure === undefined && this.#at < messages.length) {
      const command = (messages[this.#at] as LocalMessage).localInfo[0]
      if (command instanceof EncryptorCommand) {
        this.#at++
        command.run(context)
      } else if (this.#hasFailed || this.#wait.hasEnded || this.isRouteLost) {
        this.#at++
        this.#options.onDropped(this.#hasFailed || this.#wait.hasEnded ? 'closed' : 'route-lost')
      } else {
        pressure = this.#sendRun(messages, context)
      }
    }
    return pressure
  }

  async #advanceLater(messages: readonly LocalMessage[], context: Context, first: Promise<void>): Promise<void> {
    this.#isHeldUp = true
    for (let pressure: Pressure = first; pressure !== undefined; pressure = this.#advance(messages, context)) {
      await this.#wait.until(pressure)
    }
    this.#isHeldUp = false
    this.#forgetSlab()
  }

  #sendRun(messages: readonly LocalMessage[], context: Context): Pressure {
    try {
      const count = this.#sealRun(messages, this.#at)
      const at = this.#at
      this.#at += count
      return this.#send(messages, at, count, context)
    } catch (error) {
      this.#hasFailed = true
      this.#options.onFailure(error)
      return undefined
    }
  }

  #forgetSlab(): void {
    this.#slab = NO_SLAB
    this.#used = 0
  }

  /** Seals messages from `at` on behind one another, as many as one key and one slab take. @returns how many. */
  #sealRun(messages: readonly LocalMessage[], at: number): number {
    const { key } = this.#options
    const jobs = this.#jobs
    const reserved = key.reserve(Math.min(messages.length - at, MAX_RUN))
    let count = 0
    let size = 0
    while (count < reserved) {
      const message = messages[at + count] as LocalMessage
      if (count > 0 && message.localInfo[0] instanceof EncryptorCommand) break
      const length = payloadLength(message.onwardRoute.step(), message.returnRoute, message.payload.length)
      if (count > 0 && size + length + CIPHERTEXT_OVERHEAD > SLAB_SIZE) break
      let job = jobs[count]
      if (job === undefined) {
        job = { start: 0, length: 0 }
        jobs.push(job)
      }
      job.start = this.#used + size
      job.length = length
      size += length + CIPHERTEXT_OVERHEAD
      count++
    }
    const slab = this.#slabFor(size, count, messages.length - at - count)
    for (let i = 0; i < count; i++) {
      const message = messages[at + i] as LocalMessage
      writePayload(slab, (jobs[i] as SealJob).start + NONCE_LENGTH, message.onwardRoute.step(), message.returnRoute, message.payload)
    }
    key.seal(slab, jobs, count)
    return count
  }

  /**
   * Makes room for a run of `count` jobs, and for those that follow in the batch if they are like these: making a slab costs as much as sealing a
   * message.
   */
  #slabFor(size: number, count: number, following: number): Uint8Array<ArrayBuffer> {
    if (this.#used + size > this.#slab.length) {
      for (let i = 0; i < count; i++) (this.#jobs[i] as SealJob).start -= this.#used
      const each = size / count
      const capacity = Math.max(size, Math.ceil(each * Math.min(count + following, Math.floor(SLAB_SIZE / each))))
      // A run of its own slab is written to the last byte before it is sent.
      this.#slab = this.#options.primitives.allocate(capacity, capacity === size)
      this.#used = 0
    }
    this.#used += size
    return this.#slab
  }

  #send(messages: readonly LocalMessage[], at: number, count: number, context: Context): Pressure {
    const slab = this.#slab
    const onwardRoute = this.#route
    let pressure: Pressure
    for (let i = 0; i < count; i++) {
      const { start, length } = this.#jobs[i] as SealJob
      try {
        pressure =
          context.dispatch({
            onwardRoute,
            returnRoute: Route.empty,
            payload: slab.subarray(start, start + length + CIPHERTEXT_OVERHEAD),
            forwards: (messages[at + i] as LocalMessage).forwards + 1,
            isExclusive: true,
          }) ?? pressure
        this.sent++
      } catch (error) {
        this.#notSent(error)
      }
    }
    return pressure
  }

  /** A ciphertext found no way out; its nonce is used up. Only an address that is not there means that nothing else will get out either. */
  #notSent(error: unknown): void {
    if (OckamError.is(error, 'routing/unknown-address')) this.#isRouteLost = true
    this.#options.onDropped(this.#isRouteLost ? 'route-lost' : 'not-accepted')
  }
}
