/** Numbered messages as the Rust peer makes and checks them: eight bytes of number, most significant first, then bytes of value number mod 251. */

const NUMBER_BYTES = 8
/** From here on comparing in native code is faster. */
const LONG = 128

/** In memory of its own: once sent, a payload is never written again. */
export function numbered(number, size) {
  const length = Math.max(size, NUMBER_BYTES)
  const bytes = Buffer.allocUnsafeSlow(length).fill(number % 251)
  bytes.writeUInt32BE(Math.floor(number / 0x1_0000_0000), 0)
  bytes.writeUInt32BE(number >>> 0, 4)
  return new Uint8Array(bytes.buffer, 0, length)
}

/** Looks at every byte. */
export function isNumbered(payload, number) {
  const { length } = payload
  if (length < NUMBER_BYTES) return false
  let read = 0
  for (let at = 0; at < NUMBER_BYTES; at++) read = read * 256 + payload[at]
  if (read !== number) return false
  const value = number % 251
  if (length < LONG) {
    for (let at = NUMBER_BYTES; at < length; at++) if (payload[at] !== value) return false
    return true
  }
  // All bytes are equal when each is equal to the one before it.
  return payload[NUMBER_BYTES] === value && Buffer.compare(payload.subarray(NUMBER_BYTES + 1), payload.subarray(NUMBER_BYTES, -1)) === 0
}
