/**
 * The eight bytes in front of every ciphertext: its nonce, big-endian. Nonces are numbers here; a channel ends long before 2^53, and what a peer
 * claims beyond that is as far outside of every window as 2^64-1.
 */

/** Bytes of a nonce. */
export const NONCE_LENGTH = 8
/** The highest nonce in use; 2^64-1 is reserved for making new keys (Noise, section 4.2). */
export const MAX_NONCE: number = Number.MAX_SAFE_INTEGER
/** What a ciphertext is longer than its plaintext: nonce and tag. */
export const CIPHERTEXT_OVERHEAD: number = NONCE_LENGTH + 16

export function writeNonce(out: Uint8Array, at: number, nonce: number): void {
  const high = Math.floor(nonce / 0x1_0000_0000)
  out[at] = high >>> 24
  out[at + 1] = high >>> 16
  out[at + 2] = high >>> 8
  out[at + 3] = high
  out[at + 4] = nonce >>> 24
  out[at + 5] = nonce >>> 16
  out[at + 6] = nonce >>> 8
  out[at + 7] = nonce
}

/** Exact up to 2^53, and larger than that for anything above. */
export function readNonce(bytes: Uint8Array, at: number): number {
  const high =
    (((bytes[at] as number) << 24) | ((bytes[at + 1] as number) << 16) | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number)) >>> 0
  const low =
    (((bytes[at + 4] as number) << 24) |
      ((bytes[at + 5] as number) << 16) |
      ((bytes[at + 6] as number) << 8) |
      (bytes[at + 7] as number)) >>>
    0
  return high * 0x1_0000_0000 + low
}
