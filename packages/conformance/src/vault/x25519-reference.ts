/**
 * X25519 straight from RFC 7748 section 5, with big integers: a second opinion on a vault whose secrets cannot be seen or chosen. The kit makes a
 * key pair with it and compares shared secrets. Far too slow, and far from constant time, for anything but checking.
 */

const P = 2n ** 255n - 19n
const A24 = 121665n

/** @param scalar 32 bytes, clamped here. @param u 32 bytes, top bit ignored; without it the base point. */
export function referenceX25519(scalar: Uint8Array, u: Uint8Array = Uint8Array.of(9, ...new Uint8Array(31))): Uint8Array<ArrayBuffer> {
  const k = (readLittleEndian(scalar) & ~7n & (2n ** 255n - 1n)) | (1n << 254n)
  const x1 = (readLittleEndian(u) & (2n ** 255n - 1n)) % P
  let [x2, z2, x3, z3] = [1n, 0n, x1, 1n]
  let isSwapped = 0n
  for (let bit = 254n; bit >= 0n; bit--) {
    const isSet = (k >> bit) & 1n
    if (isSet !== isSwapped) [x2, z2, x3, z3] = [x3, z3, x2, z2]
    isSwapped = isSet
    const a = mod(x2 + z2)
    const b = mod(x2 - z2)
    const aa = mod(a * a)
    const bb = mod(b * b)
    const e = mod(aa - bb)
    const da = mod((x3 - z3) * a)
    const cb = mod((x3 + z3) * b)
    x3 = mod((da + cb) ** 2n)
    z3 = mod(x1 * mod((da - cb) ** 2n))
    x2 = mod(aa * bb)
    z2 = mod(e * (aa + A24 * e))
  }
  return isSwapped === 1n ? divide(x3, z3) : divide(x2, z2)
}

function divide(x: bigint, z: bigint): Uint8Array<ArrayBuffer> {
  let inverse = 1n
  let base = z
  for (let exponent = P - 2n; exponent > 0n; exponent >>= 1n) {
    if ((exponent & 1n) === 1n) inverse = mod(inverse * base)
    base = mod(base * base)
  }
  let value = mod(x * inverse)
  const bytes = new Uint8Array(32)
  for (let at = 0; at < 32; at++) {
    bytes[at] = Number(value & 0xffn)
    value >>= 8n
  }
  return bytes
}

function mod(value: bigint): bigint {
  const rest = value % P
  return rest < 0n ? rest + P : rest
}

function readLittleEndian(bytes: Uint8Array): bigint {
  let value = 0n
  for (let at = bytes.length - 1; at >= 0; at--) value = (value << 8n) | BigInt(bytes[at] ?? 0)
  return value
}
