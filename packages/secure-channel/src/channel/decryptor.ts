/**
 * The decryptor of a channel: what it opens goes on into the node, with the peer's identity as its only local info, and with the channel's encryptor
 * in front of the return route, so that an answer goes back through the channel.
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
import { isSameRoute, type Path } from './path.ts'

/** So many different messages ahead of the window, and then none inside for a while: the window is lost. */
const LOST_AFTER = 3
const LOST_AFTER_MS = 2_000

export interface DecryptorOptions {
  readonly primitives: Primitives
  readonly window: NonceWindow
  readonly key: ReceivingKey
  readonly clock: Clock
  readonly peer: Identifier
  readonly encryptorAddress: Address
  readonly producer: Producer
  /** Of a responder: follows the peer's route. */
  readonly path: Path | undefined
  /** Return route the first ciphertext should have. */
  readonly firstPath: Route
  /** The peer showed a history and credentials anew; messages behind wait until this is settled. Never rejects. */
  onRefresh(payload: RefreshPayload): Promise<void>
  /** The peer has ended the channel. */
  onClose(): void
  onWindowLost(): void
  onRefused(reason: Refusal | 'malformed' | 'undeliverable', error?: unknown): void
}

export class Decryptor implements CiphertextReceiver {
  /** Messages opened and handed on. */
  received = 0
  readonly #options: DecryptorOptions
  readonly #decoder = new ChannelMessageDecoder()
  readonly #opener: Opener
  readonly #localInfo: readonly LocalInfo[]
  #context: Context | undefined
  #pressure: Pressure
  #refresh: RefreshPayload | undefined
  #lastPath: Route
  #ahead = 0
  #lastAhead = -1
  #lostTimer: Timer | undefined
  #hasClosed = false

  constructor(options: DecryptorOptions) {
    this.#options = options
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

  /** Opens messages from `from` on. `messages` is borrowed until the result settles. */
  open(messages: readonly LocalMessage[], from: number, context: Context): Pressure {
    this.#context = context
    this.#pressure = undefined
    let at = from
    while (at < messages.length) {
      at += this.#opener.open(messages, at)
      if (this.#refresh !== undefined) return this.#settleRefresh(messages, at, context)
    }
    const pressure = this.#pressure
    this.#pressure = undefined
    return pressure
  }

  openOne(ciphertext: Uint8Array): Uint8Array<ArrayBuffer> | Refusal {
    return this.#opener.openOne(ciphertext)
  }

  destroy(): void {
    this.#lostTimer?.cancel()
    this.#options.key.destroy()
  }

  async #settleRefresh(messages: readonly LocalMessage[], at: number, context: Context): Promise<void> {
    const refresh = this.#refresh as RefreshPayload
    this.#refresh = undefined
    await this.#pressure
    await this.#options.onRefresh(refresh)
    await this.open(messages, at, context)
  }

  #opened(message: LocalMessage, nonce: number, bytes: Uint8Array, start: number, end: number): void {
    const decoder = this.#decoder
    if (this.#ahead !== 0) this.#notLost()
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
      this.#options.onClose()
    }
  }

  #deliver(message: LocalMessage, nonce: number, bytes: Uint8Array): void {
    const { onwardRoute, returnRoute, payloadStart, payloadEnd } = this.#decoder
    const { encryptorAddress, producer, path } = this.#options
    // Of Payloads alone: the other messages carry an address of the peer behind it.
    this.#lastPath = message.returnRoute
    path?.received(nonce, message.returnRoute)
    try {
      this.#pressure =
        (this.#context as Context).dispatch({
          onwardRoute,
          returnRoute: returnRoute.prepend(encryptorAddress),
          payload: bytes.subarray(payloadStart, payloadEnd),
          localInfo: this.#localInfo,
          origin: producer,
          forwards: message.forwards + 1,
          isExclusive: true,
        }) ?? this.#pressure
      this.received++
    } catch (error) {
      this.#options.onRefused('undeliverable', error)
    }
  }

  #refused(message: LocalMessage, refusal: Refusal, nonce: number): void {
    this.#options.onRefused(refusal)
    if (refusal !== 'ahead' || this.#hasClosed || !isSameRoute(message.returnRoute, this.#lastPath)) return
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
