/**
 * One TCP connection: a version byte each way, then frames (routing specification of the Rust nodes, TCP transport).
 *
 * Anything but the protocol ends it without an answer: another version, a frame over the limit, bytes that are no message. While whoever receives
 * asks to wait, nothing more is read: messages of the same chunk wait here, the rest waits in the other side's socket.
 *
 * Not here: addresses, routes' hops, who may send where; that is the router's.
 */

import type { Socket } from 'node:net'
import {
  type AddressedConnection,
  type BatchConnection,
  type ClosedReason,
  type Connection,
  dropPressure,
  type MultiAddr,
  OckamError,
  placeOf,
  type Pressure,
  remoteNetwork,
  type TransportMessage,
  TransportMessageDecoder,
  type TransportServices,
} from '@ockam/core'
import { systemCode, type TcpErrorCode } from './error.ts'
import { FrameReader } from './frame-reader.ts'
import { FrameWriter } from './frame-writer.ts'
import { FrameWatch } from './frame-watch.ts'
import type { ResolvedTcpOptions } from './option.ts'
import type { PartialBudget } from './partial-budget.ts'
import type { SlabBudget, SlabReceiver } from './read-slab.ts'
import type { SlabPool } from './slab-pool.ts'
import { WriteWatch } from './write-watch.ts'

const VERSION = 1

/** What the connections of one transport share. */
export interface TcpEnvironment {
  readonly services: TransportServices
  readonly options: ResolvedTcpOptions
  readonly budget: PartialBudget
  readonly slabs: SlabPool
  readonly readSlabs: SlabBudget
  readonly connections: Set<TcpConnection>
}

interface Chunk {
  readonly bytes: Uint8Array
  readonly from: number
  readonly to: number
}

export class TcpConnection implements Connection, BatchConnection, AddressedConnection, SlabReceiver {
  readonly remote: string
  readonly remoteAddress: string | undefined
  readonly closed: Promise<ClosedReason>
  readonly #socket: Socket
  readonly #environment: TcpEnvironment
  readonly #reader: FrameReader
  readonly #writer: FrameWriter
  readonly #watch: FrameWatch
  readonly #writeWatch: WriteWatch
  readonly #decoder: TransportMessageDecoder
  #resolveClosed: (reason: ClosedReason) => void = () => undefined
  /** Open until somebody ends it; then nothing is delivered or accepted any more. */
  #reason: ClosedReason | undefined
  #isGreeted = false
  /** Bytes that came before the receiver asked to wait. */
  #rest: Chunk | undefined
  /** Why the socket ended while messages of it still wait here. */
  #ending: ClosedReason | undefined

  constructor(socket: Socket, remote: MultiAddr, environment: TcpEnvironment) {
    const { services, options, budget, slabs } = environment
    this.remote = remote.toString()
    this.remoteAddress = remote.pieces[0]?.value
    this.#socket = socket
    this.#environment = environment
    this.#reader = new FrameReader(
      options.maxMessageBytes,
      budget,
      {
        network: remoteNetwork(this.remoteAddress ?? this.remote),
        evict: () =>
          this.#fail(
            'transport/closed',
            'Memory for unfinished frames ran out, its network held most of it, and its frame was the oldest: raise maxPartialBytes if the senders are honest.',
          ),
      },
      (bytes, start, end) => this.#deliver(bytes, start, end),
    )
    this.#decoder = new TransportMessageDecoder(services.maxAddresses)
    const onLate = (problem: string): void => this.#fail('transport/timeout', problem)
    this.#watch = new FrameWatch(services, options, this.#reader, onLate)
    this.#writeWatch = new WriteWatch(services, options.stallTimeoutMs, socket, onLate)
    this.#writer = new FrameWriter(socket, slabs, services.turns, this.#writeWatch, options)
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve
    })
    environment.connections.add(this)
    if (options.isBackground) socket.unref()
    if (options.idleTimeoutMs > 0)
      socket.setTimeout(options.idleTimeoutMs, () => this.#fail('transport/timeout', 'It was idle for too long.'))
    socket.on('error', (error) => this.#onError(error))
    socket.on('end', () => this.#onGone('peer'))
    socket.on('close', () => this.#onClose())
  }

  /** Greets the other side and waits for its greeting. What is read has to be brought to {@link receive} from now on. */
  start(): void {
    this.#socket.write(Uint8Array.of(VERSION))
    this.#watch.awaitVersion()
  }

  get frameLength(): number {
    return this.#reader.lastLength
  }

  /** `bytes[from, to)` were read; nobody else holds them or will write to them. */
  receive(bytes: Uint8Array, from: number, to: number): void {
    if (this.#reason !== undefined) return
    try {
      let at = from
      if (!this.#isGreeted) {
        if (bytes[at++] !== VERSION) {
          this.#fail('transport/closed', `The other side does not speak version ${VERSION} of the protocol. Is it an Ockam node?`)
          return
        }
        this.#isGreeted = true
        this.#watch.versionCame()
      }
      at = this.#reader.push(bytes, at, to)
      if (this.#reader.isPaused) this.#rest = at < to ? { bytes, from: at, to } : undefined
      else if (this.#reader.partialBytes > 0) this.#watch.awaitProgress()
    } catch (error) {
      if (OckamError.is(error)) this.#fail(error.code, error.message)
      else this.#failUnexpectedly(error)
    }
  }

  send(message: TransportMessage): Pressure {
    if (this.#reason !== undefined) return undefined
    if (!this.#writer.write(message)) {
      throw new OckamError<TcpErrorCode>(
        'transport/message-too-large',
        `A message of ${message.payload.length} bytes to ${this.remote} is over the limit of ${this.#environment.options.maxMessageBytes} with its routes: send it in parts.`,
      )
    }
    return this.#pressure()
  }

  /** Messages over the limit are left out, and reported to diagnostics: the others of the batch must not suffer. */
  sendBatch(messages: readonly TransportMessage[]): Pressure {
    if (this.#reason !== undefined) return undefined
    for (let i = 0; i < messages.length; i++) {
      const message = messages[i] as TransportMessage
      if (this.#writer.write(message)) continue
      const { services } = this.#environment
      services.diagnostics.event('transport/message-dropped', {
        reason: 'message-too-large',
        remote: this.remote,
        bytes: message.payload.length,
      })
    }
    return this.#pressure()
  }

  close(): Promise<void> {
    this.#end('local')
    return this.closed.then(() => undefined)
  }

  /** Cuts the connection without a word: the node does not want it. */
  refuse(): void {
    this.#reason ??= 'local'
    this.#socket.destroy()
  }

  #pressure(): Pressure {
    const unsent = this.#writer.unsentBytes
    if (unsent > this.#environment.options.maxUnsentBytes) {
      this.#fail('transport/closed', `${unsent} bytes wait to be sent: the other side does not read and the sender did not wait.`)
      return undefined
    }
    return this.#writer.pressure()
  }

  #deliver(bytes: Uint8Array, start: number, end: number): void {
    const message = this.#decode(bytes, start, end)
    if (message === undefined) return
    // A message to nobody is a heartbeat.
    if (message.onwardRoute.isEmpty) return
    const pressure = this.#environment.services.deliver(this, message, true)
    if (this.#reason !== undefined) {
      this.#reader.isPaused = true
    } else if (pressure !== undefined) {
      this.#reader.isPaused = true
      this.#watch.pause()
      this.#socket.pause()
      dropPressure(pressure.then(this.#continue))
    }
  }

  /**
   * Undefined for a message over a limit of ours, such as the number of addresses: a third party can make an honest relay send one, which must not
   * cost all others their connection. What no honest node sends is thrown, and ends it.
   */
  #decode(bytes: Uint8Array, start: number, end: number): TransportMessage | undefined {
    try {
      return this.#decoder.decode(bytes, start, end)
    } catch (error) {
      if (!OckamError.is(error, 'core/limit-exceeded')) throw error
      this.#environment.services.diagnostics.event('transport/message-dropped', { reason: error.message, remote: this.remote })
      return undefined
    }
  }

  readonly #continue = (): void => {
    if (this.#reason !== undefined) return
    this.#reader.isPaused = false
    const rest = this.#rest
    this.#rest = undefined
    if (rest !== undefined) this.receive(rest.bytes, rest.from, rest.to)
    if (this.#reader.isPaused || this.#reason !== undefined) return
    if (this.#ending !== undefined) this.#end(this.#ending)
    else this.#socket.resume()
  }

  /** The other side ended. What it had sent is delivered first. */
  #onGone(reason: ClosedReason): void {
    if (this.#rest !== undefined) this.#ending ??= reason
    else this.#end(reason)
  }

  #onError(error: Error): void {
    if (this.#reason !== undefined) return
    const code = systemCode(error)
    this.#report('transport/closed', code ?? error.message)
    this.#onGone(code === 'ECONNRESET' || code === 'EPIPE' ? 'peer' : 'error')
  }

  #onClose(): void {
    this.#writer.endPressure()
    this.#onGone('peer')
    if (this.#reason !== undefined) this.#finish(this.#reason)
  }

  /** Sends what was accepted, then closes. What still comes in is read and forgotten, so that the other side gets all that it was sent. */
  #end(reason: ClosedReason): void {
    if (this.#reason !== undefined) return
    this.#reason = reason
    this.#stopReading()
    if (this.#socket.destroyed) {
      this.#finish(reason)
      return
    }
    this.#writer.flush()
    this.#socket.end()
    this.#socket.resume()
    this.#watch.awaitClose(() => this.#socket.destroy())
  }

  /** Ends the connection at once and says nothing to the other side. */
  #fail(code: string, problem: string): void {
    if (this.#reason !== undefined) return
    this.#report(code, problem)
    this.#cut()
  }

  #cut(): void {
    this.#reason = 'error'
    this.#stopReading()
    this.#socket.destroy()
  }

  /**
   * A mistake in this process. It may be one that whoever sends can cause at will, and what is thrown out of a socket's callback ends the process: it
   * must cost this connection and no other.
   */
  #failUnexpectedly(error: unknown): void {
    if (this.#reason !== undefined) return
    this.#environment.services.diagnostics.event('transport/receive-failed', {
      error: error instanceof Error ? error.name : typeof error,
      at: placeOf(error),
      remote: this.remote,
    })
    this.#cut()
  }

  #stopReading(): void {
    this.#reader.isPaused = true
    this.#reader.discard()
    this.#rest = undefined
    this.#watch.stop()
    // From here on `closeTimeoutMs` bounds what still waits.
    this.#writeWatch.stop()
  }

  #finish(reason: ClosedReason): void {
    this.#watch.stop()
    this.#writeWatch.stop()
    this.#writer.endPressure()
    this.#reader.end()
    this.#environment.connections.delete(this)
    this.#resolveClosed(reason)
  }

  #report(code: string, problem: string): void {
    this.#environment.services.diagnostics.event('transport/connection-failed', { code, problem, remote: this.remote })
  }
}
