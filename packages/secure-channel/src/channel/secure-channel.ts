/** A secure channel as programs see it. There is none before the handshake has ended. */

import type { Address, CloseOptions, Identifier, OckamError, Producer, Route, RouteLike } from '@ockam/core'
import type { SecureChannelErrorCode } from '../error.ts'
import type { Role } from '../noise/handshake.ts'

/**
 * Why a channel ended.
 * - `local`: it was closed here.
 * - `peer`: the peer said, authenticated, that it was done. Nothing it sent before is missing because of an attacker cutting the end off.
 * - `cut`: the route or too many messages were lost, and nobody said goodbye.
 * - `expired`: what the peer showed about its identity ran out, the channel has sent all it can, the listener's `idleTimeoutMs` has passed, or the
 *   channel gave its place to a newer one of the same peer.
 */
export type ChannelClosedReason = 'local' | 'peer' | 'cut' | 'expired'

export interface ChannelClosed {
  readonly reason: ChannelClosedReason
  /** With `cut` and `expired`: what exactly happened. */
  readonly error?: OckamError<SecureChannelErrorCode>
}

/** Called without details: `refreshed` when the peer showed new credentials that hold, `rekeyed` when one of the two keys was replaced. */
export type ChannelEvent = 'refreshed' | 'rekeyed'

/** Counters since the channel was made. The peer learns none of them. */
export interface ChannelStatistics {
  readonly sent: number
  readonly received: number
  /** Messages that could not be sent. */
  readonly dropped: number
  /** Ciphertexts refused by reason: `short`, `seen`, `old`, `ahead`, `forged`, `malformed`, `undeliverable`. */
  readonly refused: Readonly<Record<string, number>>
}

export interface SecureChannel {
  /** The encryptor: what is sent to `[address, …]` goes to `…` on the peer's node. */
  readonly address: Address
  /** The same as a route. */
  readonly route: Route
  readonly role: Role
  readonly peer: Identifier
  /** The source of what comes out of the channel, for flow control. */
  readonly producer: Producer
  /** Local addresses of the encryption and decryption services: BARE bytes in, BARE result out. For this node's own workers only. */
  readonly encryptorApi: Address
  readonly decryptorApi: Address
  /** Under which the peer reaches this side's decryptor. */
  readonly decryptorAddress: Address
  /** Resolves once. Never rejects. */
  readonly closed: Promise<ChannelClosed>
  /** A copy of the final hash of the handshake, 32 bytes, the same on both sides and in no other channel (Noise, section 11.2). */
  channelBinding(): Uint8Array<ArrayBuffer>
  /** Calls `listener` on every event from now on. @returns what stops it. */
  on(event: ChannelEvent, listener: () => void): () => void
  /**
   * Moves the live channel to another way to the same peer, in order with the messages sent before and after. The peer follows with the next
   * message, or the one after it while the old way is still open.
   * @param route to the peer's node: what would stand in front of its listener's address.
   * @throws {OckamError} `secure-channel/invalid-argument` on the responder's side, `secure-channel/closed`.
   */
  updateRoute(route: RouteLike): void
  /**
   * Shows the peer the present change history and credentials. Resolves when they were handed over for sending.
   * @throws {OckamError} `secure-channel/closed`; `secure-channel/invalid-argument` for a channel that only exchanged keys.
   */
  refreshCredentials(): Promise<void>
  statistics(): ChannelStatistics
  /**
   * Sends what waits, tells the peer, stops. Idempotent. When that takes longer than `timeoutMs`, because the peer does not read or a worker of this
   * node does not come back, the channel ends by force: what waits is dropped and counted, the keys are destroyed, and no goodbye makes the peer
   * believe that it got everything.
   * @throws {OckamError} `secure-channel/invalid-argument`; rejects with `signal.reason` when aborted, and the channel has ended nevertheless.
   */
  close(options?: CloseOptions): Promise<void>
  /**
   * Deletes the stored decryptor, then closes. Only channels that exchanged keys have one, where `createSecureChannels` was given a place for it;
   * otherwise it outlives the channel. Throws as {@link close} does, and what the store throws: then the channel is still open.
   */
  forget(options?: CloseOptions): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}
