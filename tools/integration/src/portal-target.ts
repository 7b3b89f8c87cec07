/**
 * A TCP service that does what its client's first line says:
 *
 * | line | what it does |
 * |---|---|
 * | `flood <bytes>` | sends so many bytes that look random, and ends |
 * | `echo` | sends back what comes, and ends when its client has ended |
 * | `count` | reads until its client has ended, then says how many bytes came and their digest |
 * | `hold` | reads nothing more |
 */

import { createCipheriv, createHash } from 'node:crypto'
import { createServer, type Socket } from 'node:net'
import { MemoryWatch } from './control/memory-watch.ts'
import { answerParent } from './control/parent.ts'

const PIECE = new Uint8Array(64 * 1024)
const memory = new MemoryWatch()
let served = 0
/** Bytes and digest of the last flood. */
let flooded = { bytes: 0, digest: '' }

const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
  served++
  socket.on('error', () => undefined)
  let line = ''
  const onReadable = (): void => {
    for (let byte = socket.read(1) as Buffer | null; byte !== null; byte = socket.read(1) as Buffer | null) {
      const character = String.fromCharCode(byte[0] as number)
      if (character !== '\n') line += character
      else {
        socket.off('readable', onReadable)
        serve(socket, line)
        return
      }
    }
  }
  socket.on('readable', onReadable)
})

function serve(socket: Socket, line: string): void {
  const [command, argument] = line.split(' ')
  if (command === 'flood') flood(socket, Number(argument))
  else if (command === 'echo') socket.pipe(socket)
  else if (command === 'count') count(socket)
  else if (command !== 'hold') socket.destroy()
}

function flood(socket: Socket, totalBytes: number): void {
  const stream = createCipheriv('aes-128-ctr', new Uint8Array(16), new Uint8Array(16))
  const hash = createHash('sha256')
  const own = { bytes: 0, digest: '' }
  flooded = own
  const offer = (): void => {
    while (own.bytes < totalBytes && !socket.destroyed) {
      const piece = stream.update(PIECE.subarray(0, Math.min(PIECE.length, totalBytes - own.bytes)))
      hash.update(piece)
      own.bytes += piece.length
      if (!socket.write(piece)) {
        socket.once('drain', offer)
        return
      }
    }
    own.digest = hash.digest('hex')
    socket.end()
  }
  offer()
}

function count(socket: Socket): void {
  const hash = createHash('sha256')
  let bytes = 0
  socket.on('data', (data: Buffer) => {
    hash.update(data)
    bytes += data.length
  })
  socket.on('end', () => socket.end(`${bytes} ${hash.digest('hex')}\n`))
  socket.resume()
}

server.listen(0, '127.0.0.1', () => {
  const bound = server.address()
  const port = bound === null || typeof bound === 'string' ? 0 : bound.port
  answerParent(
    {
      served: () => served,
      flooded: () => flooded,
      connections: () => new Promise((resolve) => server.getConnections((_, many) => resolve(many))),
      markMemory: () => memory.mark(),
      memory: () => memory.report(),
    },
    port,
  )
})
