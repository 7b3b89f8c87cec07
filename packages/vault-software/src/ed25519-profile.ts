/**
 * The one Ed25519 profile of every vault of this package, so that all of them give the same verdict on every input. A signature (R, S) by the
 * public key A is valid when all of this holds:
 *
 * 1. S < L (RFC 8032 section 5.1.7; otherwise signatures are malleable).
 * 2. A and R are canonical: y < p. An encoding of x = 0 with a sign bit is refused by rule 3.
 * 3. A and R are not of small order: such a key "signs" anything, and such an R lets one signature fit several messages.
 * 4. The cofactorless equation: encode([S]B - [k]A) is byte for byte R, where k = SHA-512(R, A, message) over the bytes as received.
 *
 * Points of mixed order are accepted as far as equation 4 holds for them. This is the accept set of `verify_strict` of ed25519-dalek, apart
 * from its decoder taking a few non-canonical encodings. It is narrower than RFC 8032 demands and than ZIP-215 allows; no honest signer makes
 * anything outside of it. The first three rules are checked here on bytes, the fourth by the back ends.
 */

/** L = 2^252 + 27742317777372353535851937790883648493, little-endian. */
const ORDER = new Uint8Array([
  0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  0, 0x10,
])

/** p = 2^255 - 19, little-endian. */
const PRIME = new Uint8Array(32).fill(0xff)
PRIME[0] = 0xed
PRIME[31] = 0x7f

/** The y of all points of order 1, 2, 4 and 8 (each belongs to one or two of the eight), little-endian. */
const SMALL_ORDER_Y: readonly Uint8Array[] = [
  new Uint8Array(32),
  new Uint8Array(32).fill(1, 0, 1),
  PRIME.map((byte, at) => (at === 0 ? byte - 1 : byte)),
  new Uint8Array([
    0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6,
    0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
  ]),
  new Uint8Array([
    0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39,
    0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
  ]),
]

/** Rules 1 to 3, and the lengths. All input is public, so time may depend on it. */
export function hasStrictEncodings(publicKey: Uint8Array, signature: Uint8Array): boolean {
  return (
    publicKey.length === 32 &&
    signature.length === 64 &&
    isBelow(signature, 32, ORDER, 0xff) &&
    isAcceptablePoint(publicKey) &&
    isAcceptablePoint(signature)
  )
}

/** Whether the first 32 bytes are a canonical encoding of a point that is not of small order (or of no point at all). */
function isAcceptablePoint(bytes: Uint8Array): boolean {
  return isBelow(bytes, 0, PRIME, 0x7f) && !SMALL_ORDER_Y.some((y) => hasY(bytes, y))
}

/** Little-endian comparison of 32 bytes at `offset` with `bound`, the top byte masked. */
function isBelow(bytes: Uint8Array, offset: number, bound: Uint8Array, topMask: number): boolean {
  for (let at = 31; at >= 0; at--) {
    const byte = (bytes[offset + at] ?? 0) & (at === 31 ? topMask : 0xff)
    const limit = bound[at] ?? 0
    if (byte !== limit) return byte < limit
  }
  return false
}

function hasY(bytes: Uint8Array, y: Uint8Array): boolean {
  for (let at = 0; at < 31; at++) if (bytes[at] !== y[at]) return false
  return ((bytes[31] ?? 0) & 0x7f) === y[31]
}
