/**
 * Our contestant in the codec race: core's own encoder and decoder, validation included. A connection's codec remembers the routes that repeat, as in
 * real streams; `ours-changing-routes.mjs` is the same without that luck.
 */
import { Address, Route, TRAILER, TransportMessageDecoder, TransportMessageEncoder } from '@ockam/core'

const toAddress = ({ type, value }) => Address.of(type, value)
const toRoute = (addresses) => Route.of(...addresses.map(toAddress))

export function create(relayAddress) {
  const encoder = new TransportMessageEncoder()
  const decoder = new TransportMessageDecoder()
  const hop = toAddress(relayAddress)
  const slab = new Uint8Array(64 * 1024)
  const encode = (message) => {
    const length = encoder.prepare(message)
    const at = encoder.writeHeader(slab, 0)
    slab.set(message.payload, at)
    slab[length - 1] = TRAILER
    return slab.subarray(0, length)
  }
  const decode = (bytes) => decoder.decode(bytes, 0, bytes.length)
  return {
    prepare: ({ onward, back, payload }) => ({ onwardRoute: toRoute(onward), returnRoute: toRoute(back), payload }),
    encode,
    decode,
    relay(bytes) {
      const { onwardRoute, returnRoute, payload } = decode(bytes)
      return encode({ onwardRoute: onwardRoute.step(), returnRoute: returnRoute.prepend(hop), payload })
    },
    read: ({ onwardRoute, returnRoute, payload }) => ({ onward: plain(onwardRoute), back: plain(returnRoute), payload }),
  }
}

const plain = (route) => [...route].map(({ type, value }) => ({ type, value }))
