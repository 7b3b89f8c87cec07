/** Peer of the codec race: msgpackr with plain objects, as an application would use it for such a header. It packs a Buffer shorter than other byte arrays, so it gets those. */
import { Packr } from 'msgpackr'

const packr = new Packr({ useRecords: false })

const asBuffers = (addresses) => addresses.map(({ type, value }) => ({ type, value: Buffer.from(value) }))

export function create(address) {
  const [relayAddress] = asBuffers([address])
  return {
    prepare: (message) => ({
      ...message,
      onward: asBuffers(message.onward),
      back: asBuffers(message.back),
      payload: Buffer.from(message.payload),
    }),
    encode: (message) => packr.pack(message),
    decode: (bytes) => packr.unpack(bytes),
    relay(bytes) {
      const message = packr.unpack(bytes)
      message.onward.shift()
      message.back.unshift(relayAddress)
      return packr.pack(message)
    },
    read: (message) => message,
  }
}
