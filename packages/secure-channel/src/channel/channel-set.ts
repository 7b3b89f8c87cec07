/**
 * The channels of one `SecureChannels`: those being opened, those that live, and those that end. One timer for all looks for lost routes and expired
 * peers, and there is none without channels. Once closed, nothing gets in any more.
 */

import type { Address, Clock, CloseOptions, OckamError, Timer } from '@ockam/core'
import { closeAll } from '../close-within.ts'
import { channelError, type SecureChannelErrorCode } from '../error.ts'
import type { SecureChannel } from './secure-channel.ts'

const CHECK_INTERVAL_MS = 1_000

/** A live channel as this list sees it. */
export interface RegisteredChannel extends SecureChannel {
  /** Looks whether its time or its route has run out. */
  check(nowMs: number, monotonicMs: number): void
}

/** Ends the opening of a channel: whoever waits for it gets the error. */
export type EndOpening = (error: OckamError<SecureChannelErrorCode>) => void

export class ChannelSet {
  readonly #clock: Clock
  readonly #openings = new Set<EndOpening>()
  readonly #live = new Map<string, RegisteredChannel>()
  readonly #ending = new Set<RegisteredChannel>()
  #timer: Timer | undefined
  #isClosed = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** @throws {OckamError} `secure-channel/closed` */
  requireOpen(): void {
    if (this.#isClosed) throw closed()
  }

  /** A channel is being opened. @returns what to call when that is over. @throws {OckamError} `secure-channel/closed` */
  addOpening(end: EndOpening): () => void {
    this.requireOpen()
    this.#openings.add(end)
    return () => this.#openings.delete(end)
  }

  /** A channel lives. @throws {OckamError} `secure-channel/closed` */
  add(channel: RegisteredChannel): void {
    this.requireOpen()
    this.#live.set(channel.address.key, channel)
    this.#scheduleCheck()
  }

  /** It is not to be used any more. */
  ending(channel: RegisteredChannel): void {
    this.#live.delete(channel.address.key)
    this.#ending.add(channel)
    if (this.#live.size === 0) this.#stopChecking()
  }

  /** Nothing of it is left. */
  ended(channel: RegisteredChannel): void {
    this.#ending.delete(channel)
  }

  at(address: Address): SecureChannel | undefined {
    return this.#live.get(address.key)
  }

  live(): readonly SecureChannel[] {
    return [...this.#live.values()]
  }

  /** Whoever is opening a channel is told; channels, also those that are ending already, are closed. */
  async close(options: CloseOptions): Promise<void> {
    this.#isClosed = true
    this.#stopChecking()
    for (const end of this.#openings) end(closed())
    await closeAll([...this.#live.values(), ...this.#ending], options)
  }

  #stopChecking(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #scheduleCheck(): void {
    if (this.#timer !== undefined || this.#live.size === 0 || this.#isClosed) return
    this.#timer = this.#clock.schedule(CHECK_INTERVAL_MS, () => {
      this.#timer = undefined
      for (const channel of this.#live.values()) channel.check(this.#clock.now(), this.#clock.monotonic())
      this.#scheduleCheck()
    })
  }
}

function closed(): OckamError<SecureChannelErrorCode> {
  return channelError('secure-channel/closed', 'Secure channels were closed with their node: create new ones.')
}
