/**
 * Scalars of NIST P-256 (FIPS 186-5): which 32 bytes are a private key, and the low-s form of a signature. Signatures are public, so the
 * arithmetic may be plain big integers; private scalars are only compared, byte by byte.
 */

/** The order n of the base point, big-endian. */
const ORDER = new Uint8Array([
  0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3,
  0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
])

/** Whether 32 big-endian bytes are a scalar from 1 to n - 1. Looks at every byte whatever their values. */
export function isPrivateScalar(bytes: Uint8Array): boolean {
  let borrow = 0
  let bits = 0
  for (let at = 31; at >= 0; at--) {
    const byte = bytes[at] ?? 0
    bits |= byte
    borrow = byte - (ORDER[at] ?? 0) - borrow < 0 ? 1 : 0
  }
  return bits !== 0 && borrow === 1
}

/** Replaces s by n - s in a 64-byte signature r, s when s is above n / 2, so that every signature we make has one form. */
export function toLowS(signature: Uint8Array): void {
  const s = readScalar(signature, 32)
  const order = readScalar(ORDER, 0)
  if (s <= order >> 1n) return
  let rest = order - s
  for (let at = 63; at >= 32; at--) {
    signature[at] = Number(rest & 0xffn)
    rest >>= 8n
  }
}

function readScalar(bytes: Uint8Array, offset: number): bigint {
  let value = 0n
  for (let at = offset; at < offset + 32; at++) value = (value << 8n) | BigInt(bytes[at] ?? 0)
  return value
}
