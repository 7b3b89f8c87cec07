/** A blind relay for byte streams: pipes both directions of a TCP connection to another. It routes nothing and cannot read what is encrypted end to end. */
import { connect, createServer } from 'node:net'
import { listening } from './byte-stream.mjs'

export function relay(_settings, meter, target) {
  const server = createServer({ noDelay: true }, (near) => {
    const far = connect({ ...target, host: '127.0.0.1', noDelay: true })
    for (const socket of [near, far]) socket.on('error', (error) => meter.fail(error))
    near.pipe(far).pipe(near)
  })
  return listening(server)
}
