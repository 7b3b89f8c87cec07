/** Peer: `node:tls` 1.3, both sides with P-256 certificates signed by one authority, no resumption. A byte stream: many writes share one record. Relayed by byte-proxy.mjs. */
import { connect, createServer } from 'node:tls'
import { acceptRole, askAndWait, flood, listening, reconnect } from './byte-stream.mjs'

export { relay } from './byte-proxy.mjs'

export function receive({ certificates, ...settings }, meter) {
  const server = createServer(
    {
      ...certificates.server,
      ca: certificates.authority,
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: 'TLSv1.3',
      noDelay: true,
    },
    acceptRole(settings, meter),
  )
  server.on('tlsClientError', (error) => meter.fail(error))
  return listening(server)
}

const dial = (certificates, target, onReady) => {
  const socket = connect({
    ...target,
    ...certificates.client,
    host: '127.0.0.1',
    servername: 'localhost',
    ca: certificates.authority,
    minVersion: 'TLSv1.3',
  })
  socket.setNoDelay(true)
  socket.once('secureConnect', () => onReady(socket))
  return socket
}

export function send({ certificates, ...settings }, meter, target) {
  if (settings.scenario === 'handshake') return reconnect(settings, meter, (onReady) => dial(certificates, target, onReady))
  dial(certificates, target, settings.scenario === 'echo' ? askAndWait(settings, meter) : flood(settings)).on('error', (error) =>
    meter.fail(error),
  )
}
