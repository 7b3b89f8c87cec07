/**
 * The decryptor of a channel: what it opens goes on into the node, with the peer's identity as its only local info, and with the channel's encryptor
 * in front of the return route, so that an answer goes back through the channel.
 *
 * It hands on no more than its receivers have room for: behind a message that meets pressure nothing more is opened, but for those that one call to
 * the vault opened along with it.
 *
 * Refused ciphertexts are counted and never answered. Several that run ahead of the window along the path of the last good message, with none that
 * opens for two seconds, mean that too much was lost for the two sides to go on: that is reported instead of hanging in silence. From elsewhere, or
 * among good ones, they are an attacker's and do nothing.
 */

import {
  type Address,
  type ChannelPeerInfo,
  type Clock,
  type Context,
  type Identifier,
  type LocalInfo,
  type LocalMessage,
  type Pressure,
  type Primitives,
  type Producer,
  type Route,
  type Timer,
} from '@ockam/core'
import { ChannelMessageDecoder } from '../protocol/channel-message.ts'
import type { RefreshPayload } from '../protocol/identity-payload.ts'
import { MAX_NONCE } from '../protocol/nonce.ts'
import type { NonceWindow } from '../protocol/nonce-window.ts'
import type { ReceivingKey } from '../protocol/receiving-key.ts'
import type { CiphertextReceiver } from './ciphertext-receiver.ts'
import { Opener, type Refusal } from './opener.ts'
import type { Path } from './path.ts'
import { PressureWait } from './pressure-wait.ts'

/** So many different messages ahead of the window, and then none inside for a while: the window is lost. */
const LOST_AFTER = 3
const LOST_AFTER_MS = 2_000

export interface DecryptorOptions {
  readonly primitives: Primitives
  readonly window: NonceWindow
  readonly key: ReceivingKey
  readonly clock: Clock
  /** Most addresses in onward and return route of a message together. */
  readonly maxAddresses: number
  readonly peer: Identifier
  readonly encryptorAddress: Address
  readonly producer: Producer
  /** Of a responder: follows the peer's route. */
  readonly path: Path | undefined
  /** Return route the first ciphertext should have. */
  readonly firstPath: Route
  /** The peer showed a history and credentials anew; messages behind wait until this is settled. Never rejects. */
  onRefresh(payload: RefreshPayload): Promise<void>
  /** The peer has ended the channel. @param isAnyMissing whether messages it sent before may still come. */
  onClose(isAnyMissing: boolean): void
  onWindowLost(): void
  /** The vault failed to open a message, or answered with something impossible. */
  onFailure(error: unknown): void
  onRefused(reason: Refusal | 'malformed' | 'undeliverable', error?: unknown): void
}

/** What the opener reports, kept for later. */
interface Opened {
  readonly message: LocalMessage
  readonly nonce: number
  readonly bytes: Uint8Array
  readonly start: number
  readonly end: number
}

export class Decryptor implements CiphertextReceiver {
  /** Messages opened and handed on. */
  received = 0
  readonly #options: DecryptorOptions
  readonly #decoder: ChannelMessageDecoder
  readonly #opener: Opener
  readonly #localInfo: readonly LocalInfo[]
  #context: Context | undefined
  /** The message in hand that is next to be opened. */
  #at = 0
  readonly #wait = new PressureWait()
  #pressure: Pressure
  #refresh: RefreshPayload | undefined
  /** Opened in one go with a message that has to be settled first. */
  readonly #kept: Opened[] = []
  #lastPath: Route
  #ahead = 0
  #lastAhead = -1
  #lostTimer: Timer | undefined
  #hasClosed = false

  constructor(options: DecryptorOptions) {
    this.#options = options
    this.#decoder = new ChannelMessageDecoder(options.maxAddresses)
    this.#lastPath = options.firstPath
    const peerInfo: ChannelPeerInfo = Object.freeze({ kind: 'channel-peer', identifier: options.peer })
    this.#localInfo = Object.freeze([peerInfo])
    this.#opener = new Opener({
      primitives: options.primitives,
      window: options.window,
      key: options.key,
      onOpened: (message, nonce, bytes, start, end) => this.#opened(message, nonce, bytes, start, end),
      onRefused: (message, refusal, nonce) => this.#refused(message, refusal, nonce),
    })
  }

  open(messages: readonly LocalMessage[], from: number, context: Context): Pressure {
    this.#context = context
    this.#at = from
    this.#advance(messages)
    return this.#isHeldUp ? this.#advanceLater(messages) : undefined
  }

  get authentic(): number {
    return this.#opener.authentic
  }

  openOne(ciphertext: Uint8Array): Uint8Array<ArrayBuffer> | Refusal {
    return this.#opener.openOne(ciphertext)
  }

  destroy(): void {
    this.#notLost()
    this.#options.key.destroy()
    this.#wait.end()
  }

  /** Whether what was opened last has to be settled before anything else is handed on. */
  get #isHeldUp(): boolean {
    return this.#pressure !== undefined || this.#refresh !== undefined
  }

  /** Opens messages up to the first that meets pressure or is a refresh, and the few that are opened along with it. */
  #advance(messages: readonly LocalMessage[]): void {
    while (this.#at < messages.length && !this.#isHeldUp) {
      if (this.#wait.hasEnded) {
        this.#at++
        this.#options.onRefused('undeliverable')
      } else this.#at += this.#open(messages)
    }
  }

  #open(messages: readonly LocalMessage[]): number {
    try {
      return this.#opener.open(messages, this.#at)
    } catch (error) {
      this.#options.onFailure(error)
      return 1
    }
  }

  async #advanceLater(messages: readonly LocalMessage[]): Promise<void> {
    while (this.#isHeldUp) {
      const pressure = this.#pressure
      const refresh = this.#refresh
      this.#pressure = undefined
      this.#refresh = undefined
      if (pressure !== undefined) await this.#wait.until(pressure)
      if (refresh !== undefined) await this.#wait.until(this.#options.onRefresh(refresh))
      this.#handleKept()
      this.#advance(messages)
    }
  }

  /** What was opened ahead, up to where it is held up again. */
  #handleKept(): void {
    let handled = 0
    while (handled < this.#kept.length && !this.#isHeldUp) {
      const { message, nonce, bytes, start, end } = this.#kept[handled++] as Opened
      if (this.#wait.hasEnded) this.#options.onRefused('undeliverable')
      else this.#handle(message, nonce, bytes, start, end)
    }
    this.#kept.splice(0, handled)
  }

  #opened(message: LocalMessage, nonce: number, bytes: Uint8Array, start: number, end: number): void {
    if (this.#ahead !== 0) this.#notLost()
    if (this.#isHeldUp) this.#kept.push({ message, nonce, bytes, start, end })
    else this.#handle(message, nonce, bytes, start, end)
  }

  #handle(message: LocalMessage, nonce: number, bytes: Uint8Array, start: number, end: number): void {
    const decoder = this.#decoder
    try {
      decoder.decode(bytes, start, end)
    } catch (error) {
      this.#options.onRefused('malformed', error)
      return
    }
    if (decoder.kind === 'payload') this.#deliver(message, nonce, bytes)
    else if (decoder.kind === 'refresh') this.#refresh = decoder.refresh
    else {
      this.#hasClosed = true
      this.#options.window.endAt(nonce)
      this.#options.onClose(this.#options.window.hasGap)
    }
  }

  #deliver(message: LocalMessage, nonce: number, bytes: Uint8Array): void {
    const { onwardRoute, returnRoute, payloadStart, payloadEnd } = this.#decoder
    const { encryptorAddress, producer, path } = this.#options
    // Of Payloads alone: the other messages carry an address of the peer behind it.
    this.#lastPath = message.returnRoute
    path?.received(nonce, message.returnRoute)
    try {
      this.#pressure = (this.#context as Context).dispatch({
        onwardRoute,
        returnRoute: returnRoute.prepend(encryptorAddress),
        payload: bytes.subarray(payloadStart, payloadEnd),
        localInfo: this.#localInfo,
        origin: producer,
        forwards: message.forwards + 1,
        isExclusive: true,
      })
      this.received++
    } catch (error) {
      this.#options.onRefused('undeliverable', error)
    }
  }

  #refused(message: LocalMessage, refusal: Refusal, nonce: number): void {
    this.#options.onRefused(refusal)
    if (refusal !== 'ahead' || this.#hasClosed || !message.returnRoute.equals(this.#lastPath)) return
    // One message repeated is no sign, nor is a nonce no peer ever reaches; a higher one invented by somebody must not hide those that follow.
    if (nonce === this.#lastAhead || nonce > MAX_NONCE) return
    this.#lastAhead = nonce
    if (++this.#ahead === LOST_AFTER) this.#lostTimer = this.#options.clock.schedule(LOST_AFTER_MS, () => this.#options.onWindowLost())
  }

  #notLost(): void {
    this.#ahead = 0
    this.#lostTimer?.cancel()
    this.#lostTimer = undefined
  }
}
