/** Codes thrown by `@ockam/secure-channel`. A peer learns none of them: towards it every failure is silence. */

import { OckamError } from '@ockam/core'

export type SecureChannelErrorCode =
  /** An argument has the wrong type, length or range. */
  | 'secure-channel/invalid-argument'
  /** A channel was asked for without saying whom to trust, or as whom to speak. */
  | 'secure-channel/trust-missing'
  /** The other side did not finish the handshake in time. */
  | 'secure-channel/timeout'
  /** The first message could not be sent along the route. */
  | 'secure-channel/unreachable'
  /** The channel, or whatever makes channels, was closed. */
  | 'secure-channel/closed'
  /** A handshake message does not authenticate or is not one. */
  | 'secure-channel/invalid-handshake'
  /** A message of our own came back to us. */
  | 'secure-channel/reflected'
  /** A handshake step was asked for that is not the next one. */
  | 'secure-channel/wrong-step'
  /** The identity the peer showed does not hold; the cause says why. */
  | 'secure-channel/invalid-identity'
  /** The peer proved its identity, and the trust policy refuses it. */
  | 'secure-channel/untrusted-peer'
  /** Checking the peer's credentials failed in a way that refuses it. */
  | 'secure-channel/credentials-refused'
  /** The own history, attestation and credentials do not fit a handshake message. */
  | 'secure-channel/payload-too-large'
  /** A vault failed, or answered with something that cannot be right. */
  | 'secure-channel/vault-failed'
  /** A ciphertext is too short, was seen before, lies outside of the window, or does not authenticate. */
  | 'secure-channel/invalid-ciphertext'
  /** What was inside a ciphertext is not a message of the channel. */
  | 'secure-channel/invalid-message'
  /** So many messages were lost that the two sides cannot understand each other any more. */
  | 'secure-channel/window-lost'
  /** The channel has sent all the messages one key agreement is good for. */
  | 'secure-channel/exhausted'
  /** What the peer showed about its identity is no longer valid. */
  | 'secure-channel/expired'
  /** No ciphertext got through along the channel's route for too long. */
  | 'secure-channel/route-lost'
  /** Nothing authentic came through the channel for the listener's `idleTimeoutMs`. */
  | 'secure-channel/idle'
  /** The listener had no place left for another channel of this peer, so the one that was silent longest gave way. */
  | 'secure-channel/displaced'
  /** Stored decryptors cannot be read back, not one of them: other key, or changed bytes. */
  | 'secure-channel/corrupt-record'
  /** As many decryptors are stored as may be, and none of this peer is among them to give way. */
  | 'secure-channel/too-many-records'

/** For diagnostics: the stable code alone, never a message with a peer's bytes in it. */
export function codeOf(error: unknown): string {
  return OckamError.is(error) ? error.code : 'unknown'
}

export function channelError(code: SecureChannelErrorCode, message: string, cause?: unknown): OckamError<SecureChannelErrorCode> {
  return cause === undefined ? new OckamError(code, message) : new OckamError(code, message, { cause })
}
