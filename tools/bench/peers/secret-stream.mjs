/** Peer: hyperswarm's secret-stream. Keeps message boundaries, authenticates raw keys (no identity history, no credentials). Not relayed: the library has no router. */
import { connect, createServer } from 'node:net'
import SecretStream from '@hyperswarm/secret-stream'
import { askAndWait, flood, listening, reconnect } from './byte-stream.mjs'

/** Both sides know whom they expect and refuse anybody else, as the other peers do. */
const pairOf = (hex) => SecretStream.keyPair(Buffer.from(hex, 'hex'))
function stream(settings, isSender, socket, onStranger) {
  const [sender, receiver] = settings.keys.map(pairOf)
  const [own, expected] = isSender ? [sender, receiver] : [receiver, sender]
  socket.setNoDelay(true)
  const secret = new SecretStream(isSender, socket, { keyPair: own })
  secret.on('handshake', () => {
    if (!secret.remotePublicKey.equals(expected.publicKey)) onStranger(new Error('The other side proved another key than expected.'))
  })
  return secret
}

export function receive(settings, meter) {
  const fail = (error) => meter.fail(error)
  const server = createServer((socket) => {
    const secret = stream(settings, false, socket, fail)
    secret.on('error', (error) => {
      if (settings.scenario !== 'handshake') fail(error)
    })
    secret.on('data', (message) => {
      if (settings.scenario !== 'throughput') return secret.write(message)
      if (message.length !== settings.size) return fail(new Error(`A message has ${message.length} bytes, expected ${settings.size}.`))
      meter.count++
    })
  })
  return listening(server)
}

export function send(settings, meter, target) {
  const dial = (onReady) => {
    const secret = stream(settings, true, connect({ ...target, host: '127.0.0.1' }), (error) => meter.fail(error))
    secret.once('connect', () => onReady(secret))
    return secret
  }
  if (settings.scenario === 'handshake') return reconnect(settings, meter, dial)
  dial(settings.scenario === 'echo' ? askAndWait(settings, meter) : flood(settings)).on('error', (error) => meter.fail(error))
}
