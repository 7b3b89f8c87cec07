/**
 * What distinguishes one Noise protocol from another: name, message pattern, cipher, and which of the two keys of Split the initiator encrypts
 * with. Noise Protocol Framework revision 34, sections 5 to 8; DH is X25519 and the hash SHA-256 throughout.
 *
 * The one deviation from Noise is {@link OCKAM_XX}: its initiator encrypts with the second key. Pre-shared keys are not supported.
 */

import type { AeadAlgorithm } from '@ockam/core'

/** One step of a handshake message: send a public key, or mix in a Diffie-Hellman result. The first letter of a pair is the initiator's key. */
export type Token = 'e' | 's' | 'ee' | 'es' | 'se' | 'ss'

/** The messages of a handshake, the initiator's first. */
export type Pattern = readonly (readonly Token[])[]

/** Both sides send their static keys, encrypted. */
export const XX: readonly [readonly ['e'], readonly ['e', 'ee', 's', 'es'], readonly ['s', 'se']] = [
  ['e'],
  ['e', 'ee', 's', 'es'],
  ['s', 'se'],
]

export interface NoiseProtocol<P extends Pattern = Pattern> {
  /** ASCII. Up to 32 bytes are padded with zeros, longer names hashed (section 5.2). */
  readonly name: string
  readonly pattern: P
  readonly cipher: AeadAlgorithm
  /** Which output of Split the initiator encrypts with; the responder has the other. Noise says `first`. */
  readonly initiatorKey: 'first' | 'second'
}

/** The protocol of Ockam secure channels since June 2024. */
export const OCKAM_XX: NoiseProtocol<typeof XX> = {
  name: 'OCKAM_XX_25519_AES256_GCM_SHA256',
  pattern: XX,
  cipher: 'aes-256-gcm',
  initiatorKey: 'second',
}

/** Section 3: no Noise message is longer. */
export const MAX_NOISE_MESSAGE = 65_535
/** Length of an X25519 public key, of a shared secret, and of a hash. */
export const KEY_LENGTH = 32
export const TAG_LENGTH = 16
