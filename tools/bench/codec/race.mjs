/**
 * The routing-header race: `node race.mjs <module url> <milliseconds>` prints one JSON line. Each codec runs in a process of its own.
 *
 * A codec module exports `create()` (may be async) -> { encode, decode, relay, read, prepare? }:
 *   encode  a message { version: 1, onward: [address, …], back: [address, …], payload } with addresses { type, value: bytes } -> its bytes
 *   decode  bytes -> anything from which `read` gives back { onward, back, payload }
 *   read    what the check sees of a decoded message
 *   prepare (optional, not timed) a message -> the form this codec likes best
 *   vary    (optional) changes the bytes before each timed decode and relay step, for codecs that remember
 *   relay   bytes -> bytes of the same message with the first onward address popped and RELAY_ADDRESS pushed on the return route
 * Results may stand in memory the codec recycles. The message: three onward and three return addresses, 100 bytes of payload.
 */
import { randomBytes } from 'node:crypto'

const BATCH = 2000
const address = () => ({ type: 0, value: new Uint8Array(Buffer.from(randomBytes(6).toString('hex'))) })
const MESSAGE = {
  version: 1,
  onward: [address(), address(), address()],
  back: [address(), address(), address()],
  payload: new Uint8Array(randomBytes(100)),
}
const RELAY_ADDRESS = address()

const text = ({ onward, back, payload }) => {
  const hex = (bytes) => Buffer.from(bytes).toString('hex')
  const route = (addresses) => addresses.map(({ type, value }) => `${type}#${hex(value)}`).join(',')
  return `${route(onward)} | ${route(back)} | ${hex(payload)}`
}

function check(codec, bytes) {
  const { onward, back } = MESSAGE
  const same = text(codec.read(codec.decode(bytes)))
  if (same !== text(MESSAGE)) throw new Error('Decoding does not give back what was encoded.')
  const relayed = text(codec.read(codec.decode(new Uint8Array(codec.relay(bytes)))))
  if (relayed !== text({ ...MESSAGE, onward: onward.slice(1), back: [RELAY_ADDRESS, ...back] }))
    throw new Error('The relay step gives a wrong message.')
}

let sink = 0
function perSecond(run, ms) {
  const timed = (forMs) => {
    const startedAt = performance.now()
    let operations = 0
    let spentMs = 0
    while (spentMs < forMs) {
      for (let i = 0; i < BATCH; i++) sink += run() === undefined ? 0 : 1
      operations += BATCH
      spentMs = performance.now() - startedAt
    }
    return (operations / spentMs) * 1000
  }
  timed(ms / 2)
  return timed(ms)
}

const [module, ms] = process.argv.slice(2)
const codec = await (await import(module)).create(RELAY_ADDRESS)
const message = codec.prepare === undefined ? MESSAGE : codec.prepare(MESSAGE)
const bytes = new Uint8Array(codec.encode(message))
check(codec, bytes)
const vary = codec.vary ?? (() => undefined)
const result = {
  bytes: bytes.length,
  encodePerSecond: perSecond(() => codec.encode(message), Number(ms)),
  decodePerSecond: perSecond(() => (vary(bytes), codec.decode(bytes)), Number(ms)),
  relayPerSecond: perSecond(() => (vary(bytes), codec.relay(bytes)), Number(ms)),
}
if (sink === 0) throw new Error('Nothing was computed.')
process.stdout.write(`${JSON.stringify(result)}\n`)
