/**
 * Reads a socket in pieces that fit one Payload. A socket we connect ourselves reads straight into memory with room for what a Payload has around its
 * data, so that nothing is copied before it is encrypted; accepted and TLS sockets give Node's own chunks, from which the Payload is copied once.
 */

import type { OnReadOpts, Socket } from 'node:net'
import { MAX_PAYLOAD_BYTES, PAYLOAD_HEAD, PAYLOAD_TAIL } from './portal-message.ts'

/** Shorter reads are copied, and their memory is used for the next: a keystroke must not pin 48 KiB. */
const LEAST_IN_PLACE = MAX_PAYLOAD_BYTES / 4

/** Bytes that were read: `bytes[from, to)`. `hasRoom`: nobody else holds the array, and there is room for a Payload's head and tail around them. */
export interface ReadChunk {
  readonly bytes: Uint8Array
  from: number
  readonly to: number
  readonly hasRoom: boolean
}

export interface SocketReader {
  /** From now on whatever is read goes to `onChunk`, until the socket is paused. Called once. */
  start(onChunk: (chunk: ReadChunk) => void): void
}

/** Reads by `data` events. */
export function eventReader(socket: Socket): SocketReader {
  return {
    start(onChunk) {
      socket.on('data', (bytes: Buffer) => onChunk({ bytes, from: 0, to: bytes.length, hasRoom: false }))
      socket.resume()
    },
  }
}

/** Reads into memory of our own. Its {@link onread} must be among the options the socket is made with. */
export class SlabReader implements SocketReader {
  readonly onread: OnReadOpts
  #slab = allocate()
  #socket: Socket | undefined
  #onChunk: (chunk: ReadChunk) => void = () => undefined

  constructor() {
    this.onread = {
      buffer: () => this.#slab.subarray(PAYLOAD_HEAD, PAYLOAD_HEAD + MAX_PAYLOAD_BYTES),
      callback: (length) => {
        this.#read(length)
        return true
      },
    }
  }

  /** The socket that was made with {@link onread}; paused until {@link start}. */
  attach(socket: Socket): void {
    this.#socket = socket
    socket.pause()
  }

  start(onChunk: (chunk: ReadChunk) => void): void {
    this.#onChunk = onChunk
    this.#socket?.resume()
  }

  #read(length: number): void {
    const end = PAYLOAD_HEAD + length
    let bytes = this.#slab
    if (length < LEAST_IN_PLACE) {
      bytes = allocate(PAYLOAD_HEAD + length + PAYLOAD_TAIL)
      bytes.set(this.#slab.subarray(PAYLOAD_HEAD, end), PAYLOAD_HEAD)
    } else this.#slab = allocate()
    this.#onChunk({ bytes, from: PAYLOAD_HEAD, to: end, hasRoom: true })
  }
}

/** Memory that is not cleared, because it is written before it is read. */
export function allocate(length: number = PAYLOAD_HEAD + MAX_PAYLOAD_BYTES + PAYLOAD_TAIL): Uint8Array<ArrayBuffer> {
  const { buffer } = Buffer.allocUnsafeSlow(length)
  return new Uint8Array(buffer, 0, length)
}
