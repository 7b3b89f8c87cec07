/**
 * From one socket into the portal: one read is one Payload. Reading stops while there is pressure, no credit, too much under way to the other program,
 * or another reason to wait.
 */

import { type Clock, dropPressure, type Pressure } from '@ockam/core'
import { SendCredit } from './credit.ts'
import type { PathUser, PathWindow } from './path-window.ts'
import { framePayload, MAX_PAYLOAD_BYTES, PAYLOAD_HEAD, PAYLOAD_TAIL } from './portal-message.ts'
import type { PortalSocket } from './portal-socket.ts'
import { allocate, type ReadChunk } from './socket-reader.ts'
import type { Traffic } from './traffic.ts'

/** Less credit than this is saved up, or a byte at a time would be sent. */
const LEAST_PIECE = 4096

export interface OutgoingOptions {
  readonly socket: PortalSocket
  readonly clock: Clock
  /** Whether the other end is one of ours: it gives credit, and Payloads have counters. */
  readonly isExtended: boolean
  /** Of the channel; undefined when the other end is in this node. */
  readonly path: PathWindow | undefined
  readonly maxInFlightBytes: number
  readonly traffic: Traffic
  /** Sends a Payload; may lead to {@link OutgoingBytes.stop}. */
  send(payload: Uint8Array): Pressure
  /** As above, for a Challenge. */
  challenge(number: bigint): void
  /** The socket's program has sent all it had, and all of it was sent on. */
  onEnd(): void
}

export class OutgoingBytes implements PathUser {
  sentBytes = 0
  /** Payloads sent, modulo 65,536. */
  payloads = 0
  /** When bytes were sent last. */
  sentAtMs: number
  readonly #options: OutgoingOptions
  readonly #credit: SendCredit | undefined
  readonly #path: PathWindow | undefined
  /** Read, and not yet sent whole. While there is one, the socket is paused. */
  #chunk: ReadChunk | undefined
  /** How many things have to be waited for before more is sent. */
  #holds = 0
  #hasRead = false
  #isOver = false

  constructor(options: OutgoingOptions) {
    this.#options = options
    this.sentAtMs = options.clock.monotonic()
    this.#credit = options.isExtended ? new SendCredit() : undefined
    this.#path = options.isExtended ? options.path : undefined
  }

  get maxInFlightBytes(): number {
    return this.#options.maxInFlightBytes
  }

  /** Whether something waits to be sent. */
  get isWaiting(): boolean {
    return this.#chunk !== undefined || this.#holds > 0
  }

  start(): void {
    const { socket, reader } = this.#options.socket
    socket.on('end', () => {
      this.#hasRead = true
      this.goOn()
    })
    reader.start((chunk) => {
      if (this.#isOver) return
      this.#chunk = chunk
      this.goOn()
    })
  }

  /** Nothing more is sent. */
  stop(): void {
    this.#isOver = true
    this.#chunk = undefined
    this.#path?.leave(this)
  }

  /** Sends nothing before that. */
  hold(until: Pressure): void {
    if (until === undefined) return
    this.#holds++
    dropPressure(until.then(this.#unhold))
  }

  /** @returns false when that is more credit than there can be. */
  addCredit(bytes: number): boolean {
    if (this.#credit?.add(bytes) !== true) return false
    this.goOn()
    return true
  }

  /** So much was granted in all. @returns false when it is less than was received, or more than there can be. */
  raiseCredit(grantedBytes: number): boolean {
    return this.#credit?.raiseTo(grantedBytes) === true
  }

  challenge(number: bigint): void {
    this.#options.challenge(number)
  }

  /** A challenge was answered. */
  answered(number: bigint): void {
    this.#path?.answered(number)
  }

  /** After an interruption, and with the credit that was lost in it. */
  retry(): void {
    this.#path?.retry(this)
    this.goOn()
  }

  /** Sends of what was read as much as may be sent now; reads on when that was all. */
  goOn(): void {
    const { socket } = this.#options.socket
    while (this.#chunk !== undefined && this.#holds === 0 && !this.#isOver) {
      const chunk = this.#chunk
      const length = this.#take(chunk)
      if (length === 0) break
      const payload = this.#framed(chunk, length)
      chunk.from += length
      if (chunk.from === chunk.to) this.#chunk = undefined
      this.sentBytes += length
      this.sentAtMs = this.#options.clock.monotonic()
      this.#options.traffic.sentBytes += length
      this.hold(this.#options.send(payload))
      if (!this.#isOver) this.#path?.sent(this)
    }
    if (this.#isOver) return
    if (this.isWaiting) socket.pause()
    else if (this.#hasRead) this.#options.onEnd()
    else if (socket.isPaused()) socket.resume()
  }

  /** @returns how much of it may be sent now, for which credit and room are taken; 0 for nothing. */
  #take(chunk: ReadChunk): number {
    const length = Math.min(chunk.to - chunk.from, MAX_PAYLOAD_BYTES)
    if (this.#credit === undefined) return length
    const { dataBytes } = this.#credit
    if (dataBytes < Math.min(length, LEAST_PIECE)) return 0
    const covered = Math.min(length, dataBytes)
    if (this.#path?.take(this, covered) === false) return 0
    this.#credit.spend(covered)
    return covered
  }

  #framed(chunk: ReadChunk, length: number): Uint8Array {
    const counter = this.#options.isExtended ? this.payloads : undefined
    this.payloads = (this.payloads + 1) & 0xffff
    const end = chunk.from + length
    // What stood in front of a later piece has been copied out by then.
    if (chunk.hasRoom && end === chunk.to) return framePayload(chunk.bytes, chunk.from, end, counter)
    const bytes = allocate(PAYLOAD_HEAD + length + PAYLOAD_TAIL)
    bytes.set(chunk.bytes.subarray(chunk.from, end), PAYLOAD_HEAD)
    return framePayload(bytes, PAYLOAD_HEAD, PAYLOAD_HEAD + length, counter)
  }

  readonly #unhold = (): void => {
    this.#holds--
    this.goOn()
  }
}
