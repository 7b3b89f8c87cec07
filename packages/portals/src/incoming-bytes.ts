/**
 * Out of the portal to one socket: what arrives is written at once. Between two ends of ours the other side has credit for it. Otherwise the sender is
 * made to wait when too much is unwritten, and the connection ends when nothing of that is taken for a while: a client that stands still must not stop
 * its neighbours on the same channel for ever.
 */

import type { Clock, Pressure, Timer } from '@ockam/core'
import { PAYLOAD_COST, ReceiveWindow } from './credit.ts'
import { cut, type PortalSocket } from './portal-socket.ts'
import type { Traffic } from './traffic.ts'

/** Data may keep a message of twice its length and this alive; what is behind it in a longer one is not held for a socket that takes nothing. */
const HELD_BESIDES = 128

export interface IncomingOptions {
  readonly socket: PortalSocket
  readonly clock: Clock
  /** Whether the other end is one of ours: it needs credit. */
  readonly isExtended: boolean
  readonly windowBytes: number
  readonly maxQueuedBytes: number
  readonly stallTimeoutMs: number
  readonly lingerTimeoutMs: number
  readonly traffic: Traffic
  /** To be granted to the other side. */
  onCredit(bytes: number): void
  /** The socket takes nothing for too long while the sender waits. */
  onStalled(): void
}

export class IncomingBytes {
  receivedBytes = 0
  /** Payloads received, modulo 65,536. */
  payloads = 0
  /** When the socket took something last. */
  takenAtMs: number
  /** Whether the other side has said that it sends no more. */
  hasEnded = false
  readonly #options: IncomingOptions
  readonly #window: ReceiveWindow | undefined
  #isOver = false
  #unwritten = 0
  /** Grows whenever the socket has taken something. */
  #progress = 0
  #pressure: Promise<void> | undefined
  #relieve: (() => void) | undefined
  #timer: Timer | undefined

  constructor(options: IncomingOptions) {
    this.#options = options
    this.takenAtMs = options.clock.monotonic()
    this.#window = options.isExtended ? new ReceiveWindow(options.windowBytes) : undefined
  }

  /** All that was ever granted. */
  get grantedBytes(): number {
    return this.#window?.grantedBytes ?? 0
  }

  /** Whether something waits to be written. */
  get isWaiting(): boolean {
    return this.#unwritten > 0
  }

  start(): void {
    this.#grant()
  }

  /** Whether a Payload may come now, with that counter and so much data. Counts it. */
  admits(length: number, counter: number | undefined): boolean {
    const isInOrder = counter === undefined || counter === this.payloads
    this.payloads = (this.payloads + 1) & 0xffff
    return isInOrder && !this.hasEnded && this.#window?.receive(length) !== false
  }

  write(data: Uint8Array): Pressure {
    const { length } = data
    if (length === 0) this.#release(0)
    else {
      this.receivedBytes += length
      this.#options.traffic.receivedBytes += length
      this.#unwritten += this.#costOf(length)
      this.#options.socket.socket.write(holdable(data), () => this.#written(length))
    }
    return this.#window === undefined && this.#unwritten > this.#options.maxQueuedBytes ? this.#wait() : undefined
  }

  /** The other side sends no more: the socket's writing side ends when all is written. */
  end(): void {
    this.hasEnded = true
    this.#options.socket.socket.end()
  }

  /** Nothing more comes; nobody waits any more. */
  stop(): void {
    this.#isOver = true
    this.#endWait()
  }

  /** The socket is closed. */
  closed(): void {
    this.#timer?.cancel()
  }

  /** Writes what is left. What still comes in is read and forgotten, or the system would discard what was written as well. */
  linger(): void {
    const { socket } = this.#options.socket
    if (socket.destroyed) return
    socket.end()
    socket.resume()
    // What is written already, the system still delivers.
    this.#watch(this.#options.lingerTimeoutMs, () => (this.#unwritten === 0 ? socket.destroy() : cut(this.#options.socket)))
  }

  #written(length: number): void {
    this.#unwritten -= this.#costOf(length)
    this.takenAtMs = this.#options.clock.monotonic()
    this.#progress++
    if (this.#isOver) return
    if (this.#window !== undefined) this.#release(length)
    else if (this.#unwritten * 2 <= this.#options.maxQueuedBytes) this.#endWait()
  }

  /** Of a Payload while it is unwritten. */
  #costOf(length: number): number {
    return this.#window === undefined ? length + PAYLOAD_COST : length
  }

  /** A Payload is held no more: its credit goes back. */
  #release(length: number): void {
    this.#window?.release(length)
    this.#grant()
  }

  #grant(): void {
    const bytes = this.hasEnded ? 0 : (this.#window?.grant() ?? 0)
    if (bytes > 0) this.#options.onCredit(bytes)
  }

  /** The sender waits until half is written, and gives up a socket that takes nothing. */
  #wait(): Promise<void> {
    if (this.#pressure === undefined) {
      this.#pressure = new Promise((resolve) => {
        this.#relieve = resolve
      })
      this.#watch(this.#options.stallTimeoutMs, () => this.#options.onStalled())
    }
    return this.#pressure
  }

  #endWait(): void {
    this.#timer?.cancel()
    this.#pressure = undefined
    this.#relieve?.()
  }

  /** Calls `onStill` when the socket took nothing for so long. */
  #watch(timeoutMs: number, onStill: () => void): void {
    const before = this.#progress
    this.#timer = this.#options.clock.schedule(timeoutMs, () => {
      if (this.#progress === before) onStill()
      else this.#watch(timeoutMs, onStill)
    })
  }
}

/** @returns `data`, or a copy when the message that it is a view of is much longer. */
function holdable(data: Uint8Array): Uint8Array {
  return data.buffer.byteLength > 2 * data.length + HELD_BESIDES ? new Uint8Array(data) : data
}
