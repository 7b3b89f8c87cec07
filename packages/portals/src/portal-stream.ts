/**
 * The bytes between one socket and the portal worker at the other end, once both know each other.
 *
 * From the socket: one read is one Payload. Reading stops while there is pressure, no credit, or too much under way to the other program. To the
 * socket: what arrives is written at once;
 * between two ends of ours the other side has credit for it, otherwise the sender is made to wait when too much is unwritten, and the connection ends
 * when nothing of that is taken for a while: a client that stands still must not stop its neighbours on the same channel for ever.
 *
 * An end of file goes over as End between our own ends, and each direction ends for itself. Other makes know only Disconnect: both directions end,
 * what has arrived is still written. Whatever ends otherwise cuts the socket, so that nobody takes half of something for the whole.
 */

import { type Clock, type Context, dropPressure, OckamError, type Pressure, type Route, type Timer } from '@ockam/core'
import { PAYLOAD_COST, ReceiveWindow, SendCredit } from './credit.ts'
import type { EndReason } from './end-reason.ts'
import { systemCode } from './error.ts'
import type { PathUser, PathWindow } from './path-window.ts'
import {
  DISCONNECT,
  encodeChallenge,
  encodeCredit,
  encodeMark,
  encodeResponse,
  END,
  framePayload,
  MAX_PAYLOAD_BYTES,
  PAYLOAD_HEAD,
  PAYLOAD_TAIL,
  PONG,
  type PortalMark,
  type PortalMessage,
} from './portal-message.ts'
import { cut, type PortalSocket } from './portal-socket.ts'
import { allocate, type ReadChunk } from './socket-reader.ts'

/** Less credit than this is saved up, or a byte at a time would be sent. */
const LEAST_PIECE = 4096

/** Data may keep a message of twice its length and this alive; what is behind it in a longer one is not held for a socket that takes nothing. */
const HELD_BESIDES = 128

export interface StreamSettings {
  /** Between our own ends: what is held for one client that does not read. */
  readonly windowBytes: number
  /** Between our own ends: what may be under way, of all connections through the same channel. */
  readonly maxInFlightBytes: number
  /** With other makes: unwritten bytes, with some added for each Payload, from which the sender has to wait. */
  readonly maxQueuedBytes: number
  /** With other makes: how long a client may take nothing while the sender waits for it. */
  readonly stallTimeoutMs: number
  /** How long a client may take nothing of what is left after the other side has ended. */
  readonly lingerTimeoutMs: number
}

/** What all connections of an inlet or outlet have moved. */
export interface Traffic {
  /** From sockets into the portal. */
  sentBytes: number
  /** Out of the portal to sockets. */
  receivedBytes: number
}

export interface StreamOptions extends StreamSettings {
  readonly socket: PortalSocket
  readonly context: Context
  readonly clock: Clock
  /** To the portal worker at the other end. */
  readonly onwardRoute: Route
  readonly returnRoute: Route
  /** Whether the other end is one of ours: Credit, End, Mark and counters are used. */
  readonly isExtended: boolean
  /** Of the channel; undefined when the other end is in this node. */
  readonly path: PathWindow | undefined
  /** Whether a Mark is answered with one: the outlet's part. */
  readonly answersMarks: boolean
  readonly traffic: Traffic
  /** Called once; nothing more is sent then, and nothing more needs to be received. @param code of the system's or the router's error. */
  onOver(reason: EndReason, code: string | undefined): void
}

export class PortalStream implements PathUser {
  sentBytes = 0
  receivedBytes = 0
  readonly #options: StreamOptions
  readonly #credit: SendCredit | undefined
  readonly #window: ReceiveWindow | undefined
  readonly #path: PathWindow | undefined
  /** Read, and not yet sent whole. While there is one, the socket is paused. */
  #chunk: ReadChunk | undefined
  /** How many things have to be waited for before more is sent. */
  #holds = 0
  #hasRead = false
  #sendCounter = 0
  #receiveCounter = 0
  #hasReceivedEnd = false
  #hasSentEnd = false
  #isOver = false
  #unwritten = 0
  /** Grows whenever the socket has taken something. */
  #progress = 0
  /** When bytes went either way. */
  #movedAt: number
  #pressure: Promise<void> | undefined
  #relieve: (() => void) | undefined
  #timer: Timer | undefined
  #errorCode: string | undefined

  constructor(options: StreamOptions) {
    this.#options = options
    this.#movedAt = options.clock.monotonic()
    this.#credit = options.isExtended ? new SendCredit() : undefined
    this.#window = options.isExtended ? new ReceiveWindow(options.windowBytes) : undefined
    this.#path = options.isExtended ? options.path : undefined
  }

  /** Called once, when the other end may be sent to. */
  start(): void {
    const { socket, reader } = this.#options.socket
    socket.on('end', () => {
      this.#hasRead = true
      this.#pump()
    })
    socket.on('error', (error) => {
      this.#errorCode ??= systemCode(error) ?? 'unknown'
    })
    socket.on('close', () => this.#socketClosed())
    this.#grant()
    reader.start((chunk) => {
      if (this.#isOver) return
      this.#chunk = chunk
      this.#pump()
    })
  }

  /** Collects what is written until {@link uncork}. */
  cork(): void {
    this.#options.socket.socket.cork()
  }

  uncork(): void {
    this.#options.socket.socket.uncork()
  }

  /** A message of the other end, in order. */
  receive(message: PortalMessage): Pressure {
    if (this.#isOver) return undefined
    if (message.kind === 'payload') return this.#receivePayload(message.data, message.counter)
    if (message.kind === 'disconnect') this.#end('peer-disconnected', { isCut: this.#window !== undefined && !this.#hasReceivedEnd })
    else if (message.kind === 'credit' && this.#credit !== undefined) {
      if (this.#credit.add(message.bytes)) this.#pump()
      else this.#violate()
    } else if (message.kind === 'mark' && this.#credit !== undefined) this.#compare(message, this.#credit)
    else if (message.kind === 'challenge' && this.#window !== undefined) this.say(encodeResponse(message.number))
    else if (message.kind === 'response' && this.#window !== undefined) this.#path?.answered(message.number)
    else if (message.kind === 'end' && this.#window !== undefined && !this.#hasReceivedEnd) this.#receiveEnd()
    else if (message.kind === 'ping') this.say(PONG)
    else if (message.kind !== 'pong') this.#violate()
    return undefined
  }

  /** Whether the other end is one of ours. */
  get isExtended(): boolean {
    return this.#options.isExtended
  }

  /** Since when it has carried nothing; undefined while something waits to be carried. */
  get idleSince(): number | undefined {
    return this.#isOver || this.#unwritten > 0 || this.#chunk !== undefined || this.#holds > 0 ? undefined : this.#movedAt
  }

  /** Reads nothing from the socket until then. */
  hold(until: Promise<void>): void {
    this.#hold(until)
    this.#pump()
  }

  /**
   * Sends a message that carries nothing, without waiting for room: a peer that asks and does not read must not stop what comes from others. Ends the
   * stream when there is no way any more, or when too much waits there already.
   */
  say(message: Uint8Array): void {
    dropPressure(this.#send(message))
  }

  get maxInFlightBytes(): number {
    return this.#options.maxInFlightBytes
  }

  /** There is room under way: for the path. */
  goOn(): void {
    this.#pump()
  }

  /** For the path. */
  challenge(number: bigint): void {
    this.say(encodeChallenge(number))
  }

  /** Tells the other end what it must have received; for ends of ours. */
  mark(): void {
    const grantedBytes = this.#window?.grantedBytes ?? 0
    this.say(encodeMark({ payloads: this.#sendCounter, grantedBytes, hasEnded: this.#hasSentEnd }))
  }

  /** Ends it from outside. @param isTold whether the other end can still be told. */
  abort(reason: EndReason, isTold: boolean): void {
    this.#end(reason, { isTold, isCut: true })
  }

  /** Sends of what was read as much as may be sent now; reads on when that was all. */
  #pump(): void {
    const { socket } = this.#options.socket
    while (this.#chunk !== undefined && this.#holds === 0 && !this.#isOver) {
      const chunk = this.#chunk
      let length = Math.min(chunk.to - chunk.from, MAX_PAYLOAD_BYTES)
      if (this.#credit !== undefined) {
        const { dataBytes } = this.#credit
        if (dataBytes < Math.min(length, LEAST_PIECE)) break
        length = Math.min(length, dataBytes)
        if (this.#path?.take(this, length) === false) break
        this.#credit.spend(length)
      }
      const payload = this.#framed(chunk, length)
      chunk.from += length
      if (chunk.from === chunk.to) this.#chunk = undefined
      this.sentBytes += length
      this.#movedAt = this.#options.clock.monotonic()
      this.#options.traffic.sentBytes += length
      this.#hold(this.#send(payload))
      if (!this.#isOver) this.#path?.sent(this)
    }
    if (this.#isOver) return
    if (this.#chunk !== undefined || this.#holds > 0) socket.pause()
    else if (this.#hasRead) this.#sendEnd()
    else if (socket.isPaused()) socket.resume()
  }

  #framed(chunk: ReadChunk, length: number): Uint8Array {
    const counter = this.#options.isExtended ? this.#sendCounter : undefined
    this.#sendCounter = (this.#sendCounter + 1) & 0xffff
    const end = chunk.from + length
    // What stood in front of a later piece has been copied out by then.
    if (chunk.hasRoom && end === chunk.to) return framePayload(chunk.bytes, chunk.from, end, counter)
    const bytes = allocate(PAYLOAD_HEAD + length + PAYLOAD_TAIL)
    bytes.set(chunk.bytes.subarray(chunk.from, end), PAYLOAD_HEAD)
    return framePayload(bytes, PAYLOAD_HEAD, PAYLOAD_HEAD + length, counter)
  }

  #hold(pressure: Pressure): void {
    if (pressure === undefined) return
    this.#holds++
    dropPressure(pressure.then(this.#unhold))
  }

  readonly #unhold = (): void => {
    this.#holds--
    this.#pump()
  }

  #receivePayload(data: Uint8Array, counter: number | undefined): Pressure {
    const isInOrder = counter === undefined || counter === this.#receiveCounter
    this.#receiveCounter = (this.#receiveCounter + 1) & 0xffff
    if (!isInOrder || this.#hasReceivedEnd || this.#window?.receive(data.length) === false) {
      this.#violate()
      return undefined
    }
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

  #receiveEnd(): void {
    this.#hasReceivedEnd = true
    this.#options.socket.socket.end()
  }

  /** After an interruption. What is lost of Credit and End is made good; bytes cannot be. */
  #compare({ payloads, grantedBytes, hasEnded }: PortalMark, credit: SendCredit): void {
    if (payloads !== this.#receiveCounter) this.#end('messages-lost', { isTold: true, isCut: true })
    else if (!credit.raiseTo(grantedBytes)) this.#violate()
    else {
      if (hasEnded && !this.#hasReceivedEnd) this.#receiveEnd()
      if (this.#options.answersMarks) this.mark()
      this.#path?.retry(this)
      this.#pump()
    }
  }

  #written(length: number): void {
    this.#unwritten -= this.#costOf(length)
    this.#movedAt = this.#options.clock.monotonic()
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
    const bytes = this.#hasReceivedEnd ? 0 : (this.#window?.grant() ?? 0)
    if (bytes > 0) this.say(encodeCredit(bytes))
  }

  /** The sender waits until half is written, and gives up a socket that takes nothing. */
  #wait(): Promise<void> {
    if (this.#pressure === undefined) {
      this.#pressure = new Promise((resolve) => {
        this.#relieve = resolve
      })
      this.#watch(this.#options.stallTimeoutMs, () => this.#end('stalled', { isTold: true, isCut: true }))
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

  /** The socket's program has sent all it had. */
  #sendEnd(): void {
    if (this.#hasSentEnd) return
    this.#hasSentEnd = true
    if (this.#window === undefined) this.#end('ended', { isTold: true })
    else this.say(END)
  }

  #socketClosed(): void {
    this.#timer?.cancel()
    const hasAll = this.#hasSentEnd && this.#hasReceivedEnd && this.#errorCode === undefined
    this.#end(hasAll ? 'ended' : 'socket-closed', { isTold: !hasAll })
  }

  #violate(): void {
    this.#end('protocol-violation', { isTold: true, isCut: true })
  }

  #send(payload: Uint8Array): Pressure {
    const { context, onwardRoute, returnRoute } = this.#options
    try {
      return context.dispatch({ onwardRoute, returnRoute, payload })
    } catch (error) {
      this.#errorCode ??= OckamError.is(error) ? error.code : 'unknown'
      this.#end('route-lost', { isCut: true })
      return undefined
    }
  }

  /** @param how.isTold the other end gets a Disconnect. @param how.isCut the socket ends at once; otherwise with what has arrived for it. */
  #end(reason: EndReason, { isTold = false, isCut = false }: { readonly isTold?: boolean; readonly isCut?: boolean }): void {
    if (this.#isOver) return
    if (isTold) this.say(DISCONNECT)
    // Sending may have failed, and ended it.
    if (this.#isOver) return
    this.#isOver = true
    this.#chunk = undefined
    this.#path?.leave(this)
    this.#endWait()
    if (isCut) cut(this.#options.socket)
    else this.#linger()
    this.#options.onOver(reason, this.#errorCode)
  }

  /** Writes what is left. What still comes in is read and forgotten, or the system would discard what was written as well. */
  #linger(): void {
    const { socket } = this.#options.socket
    if (socket.destroyed) return
    socket.end()
    socket.resume()
    // What is written already, the system still delivers.
    this.#watch(this.#options.lingerTimeoutMs, () => (this.#unwritten === 0 ? socket.destroy() : cut(this.#options.socket)))
  }
}

/** @returns `data`, or a copy when the message that it is a view of is much longer. */
function holdable(data: Uint8Array): Uint8Array {
  return data.buffer.byteLength > 2 * data.length + HELD_BESIDES ? new Uint8Array(data) : data
}
