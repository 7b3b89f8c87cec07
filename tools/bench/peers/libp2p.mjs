/**
 * Peer: js-libp2p over TCP with Noise and yamux; relayed by its circuit relay v2 without limits. Streams of bytes inside yamux, driven by `send` and 'drain'.
 * In 'handshake' every round is a new connection and a new stream; libp2p refuses parallel forced dials to one peer, so it runs one at a time like all others.
 */
import './with-resolvers.mjs'
import { noise } from '@chainsafe/libp2p-noise'
import { circuitRelayServer, circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { identify } from '@libp2p/identify'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'

const PROTOCOL = '/bench/1.0.0'
const LIMITED = { runOnLimitedConnection: true }
const HANDSHAKE_GREETING = 64
const LOCAL = '/ip4/127.0.0.1/tcp/0'
const RESERVATION_MS = 10_000

const create = (options = {}) =>
  createLibp2p({
    transports: [tcp(), circuitRelayTransport()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionManager: { inboundConnectionThreshold: Number.POSITIVE_INFINITY, maxIncomingPendingConnections: 1000 },
    ...options,
    services: { identify: identify(), ...options.services },
  })

const addressOf = (node) => ({ multiaddr: node.getMultiaddrs()[0].toString() })

export async function relay() {
  const reservations = { applyDefaultLimit: false }
  return addressOf(await create({ addresses: { listen: [LOCAL] }, services: { relay: circuitRelayServer({ reservations }) } }))
}

export async function receive(settings, meter, relayAddress) {
  const listen = [relayAddress === undefined ? LOCAL : `${relayAddress.multiaddr}/p2p-circuit`]
  const node = await create({ addresses: { listen } })
  await node.handle(PROTOCOL, (stream) => answer(settings, meter, stream), LIMITED)
  if (relayAddress === undefined) return addressOf(node)
  const deadline = performance.now() + RESERVATION_MS
  while (node.getMultiaddrs().length === 0) {
    if (performance.now() > deadline) throw new Error('The circuit relay gave no reservation in time.')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return addressOf(node)
}

function answer(settings, meter, stream) {
  let bytes = 0
  stream.addEventListener('message', ({ data }) => {
    if (settings.scenario !== 'throughput') return stream.send(data.subarray())
    bytes += data.byteLength
    meter.count = Math.floor(bytes / settings.size)
  })
}

export async function send(settings, meter, target) {
  const node = await create()
  const address = multiaddr(target.multiaddr)
  if (settings.scenario === 'handshake') return void reconnect(node, address, meter).catch((error) => meter.fail(error))
  const stream = await node.dialProtocol(address, PROTOCOL, LIMITED)
  stream.addEventListener('close', () => meter.fail(new Error('The stream was closed.')))
  const message = new Uint8Array(settings.size).fill(0x5a)
  if (settings.scenario === 'echo') return askAndWait(stream, message, meter)
  flood(stream, message).catch((error) => meter.fail(error))
}

/**
 * `send` answers false when full, 'drain' says go on. Not `onDrain()`: in this version its promise stays resolved after the first time, and the buffer would grow without end.
 * A turn of the event loop now and then lets the process hear the runner.
 */
async function flood(stream, message) {
  for (;;) {
    for (let sent = 0; sent < 256; sent++) {
      stream.send(message)
      if (stream.writableNeedsDrain) await new Promise((resolve) => stream.addEventListener('drain', resolve, { once: true }))
    }
    await new Promise((resolve) => setImmediate(resolve))
  }
}

function askAndWait(stream, message, meter) {
  let startedAt = 0
  let received = 0
  const ask = () => {
    received = 0
    startedAt = performance.now()
    stream.send(message)
  }
  stream.addEventListener('message', ({ data }) => {
    received += data.byteLength
    if (received >= message.length && meter.sample(performance.now() - startedAt)) ask()
  })
  ask()
}

async function reconnect(node, address, meter) {
  for (;;) {
    const connection = await node.dial(address, { force: true })
    const stream = await connection.newStream(PROTOCOL)
    const answered = new Promise((resolve) => stream.addEventListener('message', resolve, { once: true }))
    stream.send(new Uint8Array(HANDSHAKE_GREETING))
    await answered
    meter.count++
    await connection.close()
  }
}
