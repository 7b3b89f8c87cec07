/** Peer: `node:net`, one `write` per message, driven by its own back-pressure. A byte stream: no message boundaries, no encryption. Relayed by byte-proxy.mjs. */
import { connect, createServer } from 'node:net'
import { acceptRole, askAndWait, flood, listening, reconnect } from './byte-stream.mjs'

export { relay } from './byte-proxy.mjs'

export const receive = (settings, meter) => listening(createServer({ noDelay: true }, acceptRole(settings, meter)))

const dial = (target, onReady) => {
  const socket = connect({ ...target, host: '127.0.0.1', noDelay: true })
  socket.once('connect', () => onReady(socket))
  return socket
}

export function send(settings, meter, target) {
  if (settings.scenario === 'handshake') return reconnect(settings, meter, (onReady) => dial(target, onReady))
  dial(target, settings.scenario === 'echo' ? askAndWait(settings, meter) : flood(settings)).on('error', (error) => meter.fail(error))
}
