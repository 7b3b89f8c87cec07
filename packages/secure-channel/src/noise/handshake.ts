/**
 * The states of a handshake as types. A side that has to send can only `write`, one that waits can only `read`, and only the end can be `split`
 * into transport keys. The chain of types follows from the message pattern: the initiator of XX is `Sending<Receiving<Sending<Finished>>>`.
 *
 * Every step leaves the state it started from as it was and returns the next one. So a message that fails changes nothing, and a message that
 * holds but is refused for other reasons is forgotten by forgetting the state it led to.
 */

import type { Cancellable, ChannelVault, DhKey, Primitives } from '@ockam/core'
import type { NoiseProtocol, Pattern } from './protocol.ts'

export type Role = 'initiator' | 'responder'

export interface HandshakeOptions<P extends Pattern> {
  readonly protocol: NoiseProtocol<P>
  readonly primitives: Primitives
  /** Does the Diffie-Hellman of both keys, and makes the ephemeral one. */
  readonly vault: ChannelVault
  /** Own static key, held by `vault`. */
  readonly staticKey: DhKey
  /** Default empty. Both sides must have the same. */
  readonly prologue?: Uint8Array
}

/** What all states share. */
export interface HandshakeStep {
  /** The peer's 32-byte static key, undefined until it was received. A copy. */
  readonly remoteStaticKey: Uint8Array<ArrayBuffer> | undefined
  /** Hash of the transcript so far. A copy. */
  readonly handshakeHash: Uint8Array<ArrayBuffer>
  /** Wipes the keys of this state alone: once its successor is kept, or when it is not wanted. Idempotent. */
  forget(): void
  /** Forgets this state and deletes the handshake's ephemeral key, with which no state of this handshake can go on. Never rejects. */
  dispose(): Promise<void>
}

export interface Sending<Next> extends HandshakeStep {
  /**
   * @param payload encrypted as soon as the pattern has a key.
   * @throws {OckamError} `secure-channel/payload-too-large`, `secure-channel/vault-failed`; rejects with `signal.reason` when aborted.
   */
  write(payload: Uint8Array, options?: Cancellable): Promise<{ readonly message: Uint8Array<ArrayBuffer>; readonly next: Next }>
}

export interface Receiving<Next> extends HandshakeStep {
  /**
   * @param message borrowed. @returns the payload in fresh memory.
   * @throws {OckamError} `secure-channel/invalid-handshake`, `secure-channel/reflected`, `secure-channel/vault-failed`; this state can read again.
   */
  read(message: Uint8Array, options?: Cancellable): Promise<{ readonly payload: Uint8Array; readonly next: Next }>
}

/** The two transport keys as 32 raw bytes each, which the caller turns into AEAD keys and wipes. */
export interface TransportKeys {
  readonly sendingKey: Uint8Array<ArrayBuffer>
  readonly receivingKey: Uint8Array<ArrayBuffer>
}

export interface Finished extends HandshakeStep {
  readonly remoteStaticKey: Uint8Array<ArrayBuffer>
  /** Works once; wipes what the keys were derived from. */
  split(): TransportKeys
}

/** The state of a side before the messages `P`, of which it sends the first when `IsSender`. */
export type Turn<P extends Pattern, IsSender extends boolean> = P extends readonly [unknown, ...infer Rest extends Pattern]
  ? IsSender extends true
    ? Sending<Turn<Rest, false>>
    : Receiving<Turn<Rest, true>>
  : Finished
