/**
 * The bytes between one socket and the portal worker at the other end, once both know each other.
 *
 * An end of file goes over as End between our own ends, and each direction ends for itself. Other makes know only Disconnect: both directions end,
 * what has arrived is still written. Whatever ends otherwise cuts the socket, so that nobody takes half of something for the whole.
 *
 * How bytes get into the portal is in `outgoing-bytes.ts`, how they get out of it in `incoming-bytes.ts`.
 */

import { type Clock, type Context, dropPressure, OckamError, type Pressure, type Route, type Timer } from '@ockam/core'
import type { EndReason } from './end-reason.ts'
import { systemCode } from './error.ts'
import { IncomingBytes } from './incoming-bytes.ts'
import { OutgoingBytes } from './outgoing-bytes.ts'
import type { PathWindow } from './path-window.ts'
import {
  DISCONNECT,
  encodeChallenge,
  encodeCredit,
  encodeMark,
  encodeResponse,
  END,
  PAUSE,
  PONG,
  type PortalMark,
  type PortalMessage,
} from './portal-message.ts'
import { cut, type PortalSocket } from './portal-socket.ts'
import type { Traffic } from './traffic.ts'

/** An end of ours that has asked for a pause ends it with a Mark as soon as its session has moved, or has given that up. */
const PAUSE_MS = 30_000

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

export interface StreamOptions extends StreamSettings {
  readonly socket: PortalSocket
  readonly context: Context
  readonly clock: Clock
  /** To the portal worker at the other end. */
  readonly onwardRoute: Route
  readonly returnRoute: Route
  /** Whether the other end is one of ours: it is sent, and may send, what only those know. */
  readonly isExtended: boolean
  /** Of the channel; undefined when the other end is in this node. */
  readonly path: PathWindow | undefined
  /** Whether Mark and Pause are answered with the same: the outlet's part. */
  readonly answersMarks: boolean
  readonly traffic: Traffic
  /** Called once; nothing more is sent then, and nothing more needs to be received. @param code of the system's or the router's error. */
  onOver(reason: EndReason, code: string | undefined): void
}

export class PortalStream {
  readonly #options: StreamOptions
  readonly #outgoing: OutgoingBytes
  readonly #incoming: IncomingBytes
  #hasSentEnd = false
  #isOver = false
  #errorCode: string | undefined
  /** Ends the pause that the other end has asked for. */
  #endPause: (() => void) | undefined

  constructor(options: StreamOptions) {
    this.#options = options
    this.#outgoing = new OutgoingBytes({
      ...options,
      send: (payload) => this.#send(payload),
      challenge: (number) => this.say(encodeChallenge(number)),
      onEnd: () => this.#sendEnd(),
    })
    this.#incoming = new IncomingBytes({
      ...options,
      onCredit: (bytes) => this.say(encodeCredit(bytes)),
      onStalled: () => this.#end('stalled', { isTold: true, isCut: true }),
    })
  }

  /** Called once, when the other end may be sent to. */
  start(): void {
    const { socket } = this.#options.socket
    socket.on('error', (error) => {
      this.#errorCode ??= systemCode(error) ?? 'unknown'
    })
    socket.on('close', () => this.#socketClosed())
    this.#incoming.start()
    this.#outgoing.start()
  }

  get sentBytes(): number {
    return this.#outgoing.sentBytes
  }

  get receivedBytes(): number {
    return this.#incoming.receivedBytes
  }

  /** Whether the other end is one of ours. */
  get isExtended(): boolean {
    return this.#options.isExtended
  }

  /** Since when it has carried nothing; undefined while something waits to be carried. */
  get idleSince(): number | undefined {
    if (this.#isOver || this.#incoming.isWaiting || this.#outgoing.isWaiting) return undefined
    return Math.max(this.#incoming.takenAtMs, this.#outgoing.sentAtMs)
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
    if (message.kind === 'payload') {
      if (this.#incoming.admits(message.data.length, message.counter)) return this.#incoming.write(message.data)
      this.#violate()
    } else if (message.kind === 'ping') this.say(PONG)
    else if (message.kind === 'disconnect') this.#end('peer-disconnected', { isCut: this.isExtended && !this.#incoming.hasEnded })
    else if (message.kind !== 'pong') {
      if (this.isExtended) this.#receiveExtended(message)
      else this.#violate()
    }
    return undefined
  }

  /** Reads nothing from the socket until then. */
  hold(until: Promise<void>): void {
    this.#outgoing.hold(until)
    this.#outgoing.goOn()
  }

  /**
   * Sends a message that carries nothing, without waiting for room: a peer that asks and does not read must not stop what comes from others. Ends the
   * stream when there is no way any more, or when too much waits there already.
   */
  say(message: Uint8Array): void {
    dropPressure(this.#send(message))
  }

  /** Tells the other end what it must have received; for ends of ours. */
  mark(): void {
    const { grantedBytes } = this.#incoming
    this.say(encodeMark({ payloads: this.#outgoing.payloads, grantedBytes, hasEnded: this.#hasSentEnd }))
  }

  /** Ends it from outside. @param isTold whether the other end can still be told. */
  abort(reason: EndReason, isTold: boolean): void {
    this.#end(reason, { isTold, isCut: true })
  }

  #receiveExtended(message: Exclude<PortalMessage, { readonly kind: 'payload' }>): void {
    if (message.kind === 'credit' && this.#outgoing.addCredit(message.bytes)) return
    if (message.kind === 'mark') this.#compare(message)
    else if (message.kind === 'pause' && this.#options.answersMarks) this.#pause()
    else if (message.kind === 'challenge') this.say(encodeResponse(message.number))
    else if (message.kind === 'response') this.#outgoing.answered(message.number)
    else if (message.kind === 'end' && !this.#incoming.hasEnded) this.#incoming.end()
    else this.#violate()
  }

  /** After an interruption. What is lost of Credit and End is made good; bytes cannot be. */
  #compare({ payloads, grantedBytes, hasEnded }: PortalMark): void {
    if (payloads !== this.#incoming.payloads) this.#end('messages-lost', { isTold: true, isCut: true })
    else if (!this.#outgoing.raiseCredit(grantedBytes)) this.#violate()
    else {
      if (hasEnded && !this.#incoming.hasEnded) this.#incoming.end()
      if (this.#options.answersMarks) this.mark()
      this.#endPause?.()
      this.#outgoing.retry()
    }
  }

  /** Sends no Payload behind the answer until there is a Mark: the other end is about to move the channel. */
  #pause(): void {
    if (this.#endPause === undefined) {
      let timer: Timer | undefined
      const until = new Promise<void>((resolve) => {
        // By way of a variable: docs/decisions/0025.
        const end = (): void => {
          this.#endPause = undefined
          timer?.cancel()
          resolve()
        }
        this.#endPause = end
        timer = this.#options.clock.schedule(PAUSE_MS, end)
      })
      this.hold(until)
    }
    this.say(PAUSE)
  }

  /** The socket's program has sent all it had. */
  #sendEnd(): void {
    if (this.#hasSentEnd) return
    this.#hasSentEnd = true
    if (this.isExtended) this.say(END)
    else this.#end('ended', { isTold: true })
  }

  #socketClosed(): void {
    this.#incoming.closed()
    const hasAll = this.#hasSentEnd && this.#incoming.hasEnded && this.#errorCode === undefined
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
    this.#endPause?.()
    this.#outgoing.stop()
    this.#incoming.stop()
    if (isCut) cut(this.#options.socket)
    else this.#incoming.linger()
    this.#options.onOver(reason, this.#errorCode)
  }
}
