/** Passes a TCP connection on, and keeps every byte of both directions. */

import { connect, createServer, type Server, type Socket } from 'node:net'
import { once } from 'node:events'

export class RecordingProxy {
  readonly port: number
  readonly #server: Server
  readonly #sockets: Set<Socket>
  readonly #toTarget: Buffer[]
  readonly #fromTarget: Buffer[]

  private constructor(server: Server, port: number, sockets: Set<Socket>, toTarget: Buffer[], fromTarget: Buffer[]) {
    this.#server = server
    this.port = port
    this.#sockets = sockets
    this.#toTarget = toTarget
    this.#fromTarget = fromTarget
  }

  /** In front of a port of this machine. */
  static async to(targetPort: number): Promise<RecordingProxy> {
    const [toTarget, fromTarget]: [Buffer[], Buffer[]] = [[], []]
    const sockets = new Set<Socket>()
    const server = createServer((near) => {
      const far = connect(targetPort, '127.0.0.1')
      for (const [from, to, record] of [
        [near, far, toTarget],
        [far, near, fromTarget],
      ] as const) {
        sockets.add(from)
        from.on('data', (bytes: Buffer) => record.push(bytes))
        from.on('error', () => to.destroy())
        from.pipe(to)
      }
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('The proxy has no port.')
    return new RecordingProxy(server, address.port, sockets, toTarget, fromTarget)
  }

  /** What went to the target so far, and what came from it; each direction without gaps, so that nothing hides at the edge of a chunk. */
  get captured(): readonly [Buffer, Buffer] {
    return [Buffer.concat(this.#toTarget), Buffer.concat(this.#fromTarget)]
  }

  close(): void {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
  }
}
