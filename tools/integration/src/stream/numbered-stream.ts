/**
 * A stream whose receiver notices every lost, repeated, swapped or changed message: each carries its number, has the length and the filling its number
 * asks for, and both sides keep a SHA-256 over all of them.
 */

import { createHash, type Hash } from 'node:crypto'

const SMALL = 64
export const LARGE: number = 16 * 1024
/** Small and large messages come in runs, because both kinds of burst stress different bounds: by number and by bytes. */
const RUN = 64

function lengthOf(sequence: number): number {
  return Math.floor(sequence / RUN) % 2 === 0 ? SMALL : LARGE
}

/** How far one side of a stream has come. */
export interface StreamProgress {
  readonly messages: number
  readonly bytes: number
  /** What was wrong first. */
  readonly problem: string | undefined
}

export class StreamWriter {
  #messages = 0
  #bytes = 0
  readonly #hash: Hash = createHash('sha256')

  /** The next message, in memory of its own. */
  next(): Uint8Array<ArrayBuffer> {
    const sequence = this.#messages++
    const payload = new Uint8Array(lengthOf(sequence)).fill(sequence & 0xff)
    new DataView(payload.buffer).setUint32(0, sequence)
    this.#bytes += payload.length
    this.#hash.update(payload)
    return payload
  }

  get progress(): StreamProgress {
    return { messages: this.#messages, bytes: this.#bytes, problem: undefined }
  }

  /** Over all messages so far. */
  digest(): string {
    return this.#hash.copy().digest('hex')
  }
}

export class StreamReader {
  #messages = 0
  #bytes = 0
  #problem: string | undefined
  readonly #hash: Hash = createHash('sha256')

  take(payload: Uint8Array): void {
    const expected = this.#messages++
    this.#bytes += payload.length
    this.#hash.update(payload)
    if (this.#problem !== undefined) return
    const sequence = payload.length < 4 ? -1 : new DataView(payload.buffer, payload.byteOffset).getUint32(0)
    if (sequence !== expected) this.#problem = `message ${sequence} came in place of ${expected}`
    else if (payload.length !== lengthOf(expected)) this.#problem = `message ${expected} has ${payload.length} bytes`
    else if (payload[payload.length - 1] !== (expected & 0xff)) this.#problem = `message ${expected} was changed`
  }

  get progress(): StreamProgress {
    return { messages: this.#messages, bytes: this.#bytes, problem: this.#problem }
  }

  digest(): string {
    return this.#hash.copy().digest('hex')
  }
}
