/** Ceiling of the codec race: CBOR `[onward, return, payload, null]` by hand into one recycled slab, offsets instead of objects, no validation. The relay step splices ranges. */
const SLAB = new Uint8Array(64 * 1024)

function writeRoute(at, addresses) {
  SLAB[at++] = 0x80 + addresses.length
  for (const { type, value } of addresses) {
    SLAB[at] = 0x82
    SLAB[at + 1] = type
    at = writeBytes(at + 2, value)
  }
  return at
}

function writeBytes(at, bytes) {
  const { length } = bytes
  if (length < 24) SLAB[at++] = 0x40 + length
  else {
    SLAB[at] = 0x58
    SLAB[at + 1] = length
    at += 2
  }
  if (length > 32) SLAB.set(bytes, at)
  else for (let i = 0; i < length; i++) SLAB[at + i] = bytes[i]
  return at + length
}

const bytesAt = (bytes, at) => (bytes[at] < 0x58 ? at + 1 : at + 2)
const lengthAt = (bytes, at) => (bytes[at] < 0x58 ? bytes[at] - 0x40 : bytes[at + 1])
const skipAddress = (bytes, at) => bytesAt(bytes, at + 2) + lengthAt(bytes, at + 2)

function skipRoute(bytes, at) {
  let left = bytes[at] - 0x80
  let next = at + 1
  while (left-- > 0) next = skipAddress(bytes, next)
  return next
}

function readRoute(bytes, at) {
  const addresses = []
  let next = at + 1
  for (let left = bytes[at] - 0x80; left > 0; left--) {
    const start = bytesAt(bytes, next + 2)
    const end = skipAddress(bytes, next)
    addresses.push({ type: bytes[next + 1], value: bytes.subarray(start, end) })
    next = end
  }
  return addresses
}

export function create(relayAddress) {
  const hop = new Uint8Array(SLAB.subarray(0, writeRoute(0, [relayAddress]))).subarray(1)
  return {
    encode(message) {
      SLAB[0] = 0x84
      const end = writeBytes(writeRoute(writeRoute(1, message.onward), message.back), message.payload)
      SLAB[end] = 0xf6
      return SLAB.subarray(0, end + 1)
    },
    decode(bytes) {
      const backAt = skipRoute(bytes, 1)
      const payloadHead = skipRoute(bytes, backAt)
      const start = bytesAt(bytes, payloadHead)
      return { bytes, onwardAt: 1, backAt, payload: bytes.subarray(start, start + lengthAt(bytes, payloadHead)) }
    },
    relay(bytes) {
      const popped = skipAddress(bytes, 2)
      const backAt = skipRoute(bytes, 1)
      SLAB[0] = 0x84
      SLAB[1] = bytes[1] - 1
      SLAB.set(bytes.subarray(popped, backAt), 2)
      let at = 2 + backAt - popped
      SLAB[at++] = bytes[backAt] + 1
      SLAB.set(hop, at)
      at += hop.length
      SLAB.set(bytes.subarray(backAt + 1), at)
      return SLAB.subarray(0, at + bytes.length - backAt - 1)
    },
    read: ({ bytes, onwardAt, backAt, payload }) => ({ onward: readRoute(bytes, onwardAt), back: readRoute(bytes, backAt), payload }),
  }
}
