/**
 * One connection through a portal, as a worker of its node: the socket at this end, and the messages of the one worker at the other end that it is
 * bound to. Messages of anybody else are dropped and counted, whoever sent them and however welcome he is otherwise.
 *
 * An inlet's connection waits for the Pong first; an outlet's begins with the Ping that its listener got.
 */

import {
  type Address,
  type BatchWorker,
  type Context,
  dropPressure,
  type LocalMessage,
  type Pressure,
  type Producer,
  Route,
  type Timer,
  type WorkerHandle,
} from '@ockam/core'
import type { EndReason } from './end-reason.ts'
import { isExtendedRoute, portalAddress } from './extension.ts'
import type { PeerBinding } from './peer-binding.ts'
import { PeerWatch } from './peer-watch.ts'
import type { Carried, Portal } from './portal.ts'
import { pathWindowOf } from './path-window.ts'
import { decodePortalMessage, PAUSE, PING, type PortalMessage } from './portal-message.ts'
import { cut, type PortalSocket } from './portal-socket.ts'
import { PortalStream } from './portal-stream.ts'

/** What an inlet does with messages before the connection is made: a promise holds those behind. Undefined: go on with the next. */
export type Opening = (message: LocalMessage, decoded: PortalMessage) => Promise<void> | undefined

/** The other end compares at once; one that does not is gone. */
const MARK_MS = 30_000

export interface PortalConnectionOptions {
  readonly portal: Portal
  readonly socket: PortalSocket
  /** Messages of this producer may reach the connection; undefined: only those of this node's own workers. */
  readonly producer: Producer | undefined
  /** Whether the address offers Credit and End. */
  readonly isExtended: boolean
  readonly opening?: Opening
  /** Called once, when it can send. */
  onStarted(connection: PortalConnection): void
  /** Called once, after the worker has begun to stop. */
  onOver?(reason: EndReason): void
  /** Called once, when its socket is closed too. */
  onClosed?(): void
}

export class PortalConnection implements BatchWorker, Carried {
  readonly address: Address
  /** Its own address as a return route. */
  readonly returnRoute: Route
  readonly #options: PortalConnectionOptions
  readonly #worker: WorkerHandle
  /** Its own from the start on: mailboxes that are full hold each sender to account. */
  #context: Context
  #binding: PeerBinding | undefined
  #stream: PortalStream | undefined
  #peerRoute: Route | undefined
  #isConfirmed = false
  #confirmation: Timer | undefined
  #markAnswer: Timer | undefined
  /** Called when the other end has sent its last Payload before a move. */
  #onQuiet: (() => void) | undefined
  #watch: PeerWatch | undefined
  #callOff: (() => void) | undefined
  #isOver = false

  constructor(options: PortalConnectionOptions) {
    const { portal, producer } = options
    const { router } = portal
    this.#options = options
    this.#context = router.context
    this.address = portalAddress(router.services.random, options.isExtended)
    this.returnRoute = Route.of(this.address)
    this.#worker = router.startWorker(this.address, this, { from: 'local' })
    if (producer !== undefined) {
      router.flowControls.addConsumer(this.address, producer.flowControlId)
      this.#callOff = router.flowControls.onEnd(producer, () => this.#abort('route-lost', false))
    }
    // A node that cannot wait does not call `stop`.
    dropPressure(this.#worker.stopped.then(() => this.#abort('closed', false)))
    portal.add(this)
  }

  start(context: Context): void {
    this.#context = context
    this.#options.onStarted(this)
  }

  /** The worker stops, with the node or by {@link close}. */
  stop(): void {
    this.#abort('closed', true)
  }

  handleBatch(messages: readonly LocalMessage[]): Pressure {
    return this.#handleFrom(messages, 0)
  }

  /**
   * The other end is known: bytes flow from now on.
   * @param first the Ping or Pong: whoever sent it is the peer, and its return route is the way there.
   * @param confirmMs how long an outlet waits for a sign that its Pong arrived; an end of ours sends one at once. Undefined: does not wait.
   */
  open(first: LocalMessage, binding: PeerBinding, confirmMs?: number): void {
    if (this.#isOver) return
    const { portal, producer, socket } = this.#options
    const { clock, random } = portal.router.services
    const isExtended = this.#options.isExtended && isExtendedRoute(first.returnRoute)
    this.#binding = binding
    this.#peerRoute = first.returnRoute
    this.#stream = new PortalStream({
      ...portal.settings,
      socket,
      context: this.#context,
      clock,
      onwardRoute: first.returnRoute,
      returnRoute: this.returnRoute,
      isExtended,
      path: producer && pathWindowOf(producer, random),
      answersMarks: confirmMs !== undefined,
      traffic: portal.traffic,
      onOver: (reason, code) => this.#over(reason, code),
    })
    portal.opened({ remote: socket.remote, peer: binding.identifier, isExtended })
    if (isExtended && confirmMs !== undefined) {
      this.#confirmation = clock.schedule(confirmMs, () => this.#abort('timeout', true))
    } else this.#isConfirmed = true
    if (isExtended && portal.settings.keepAliveMs > 0) this.#watch = this.#watchPeer(this.#stream)
    this.#stream.start()
  }

  /** Where its messages come from. */
  get producer(): Producer | undefined {
    return this.#options.producer
  }

  /** Since when a connection with an end of another make has carried nothing. Ends of ours are asked whether they are still there. */
  get idleSince(): number | undefined {
    return this.#stream?.isExtended === false ? this.#stream.idleSince : undefined
  }

  /** To its other end, once that is known. */
  get peerRoute(): Route | undefined {
    return this.#peerRoute
  }

  /** The way is lost for now, but not its channel. With an end of another make nobody can tell what is lost with it: that connection ends. */
  interrupt(until: Promise<void>): void {
    if (this.#stream?.isExtended === true) this.#stream.hold(until)
    else this.#abort('route-lost', true)
  }

  /**
   * The channel is about to be moved. Nothing is sent until then, and both ends compare afterwards.
   * @returns a promise that resolves when nothing is under way in either direction; rejects with an end of another make, which cannot tell.
   */
  async pause(until: Promise<void>): Promise<void> {
    const stream = this.#stream
    if (this.#isOver || stream === undefined) return
    if (!stream.isExtended) throw new Error('An end of another make cannot tell what is under way.')
    const isQuiet = new Promise<void>((resolve) => {
      this.#onQuiet = resolve
    })
    stream.hold(until)
    stream.say(PAUSE)
    dropPressure(until.then(() => this.resume()))
    await isQuiet
  }

  /** There is a way again: both ends compare what was sent. */
  resume(): void {
    if (this.#isOver || this.#stream === undefined) return
    this.#markAnswer?.cancel()
    this.#markAnswer = this.#options.portal.router.services.clock.schedule(MARK_MS, () => this.#abort('timeout', true))
    this.#stream.mark()
  }

  /** Sends in the connection's own name. @throws {OckamError} `routing/unknown-address` */
  send(onwardRoute: Route, payload: Uint8Array): void {
    dropPressure(this.#context.dispatch({ onwardRoute, returnRoute: this.returnRoute, payload }))
  }

  /** Its peer has ended it along another channel, because the one it stands on is gone. */
  disconnected(): void {
    this.#abort('peer-disconnected', false)
  }

  /** It ends before it was open, or for a reason of the inlet's. */
  async close(reason: EndReason): Promise<void> {
    this.#abort(reason, true)
    await this.#worker.close()
  }

  #handleFrom(messages: readonly LocalMessage[], from: number): Pressure {
    let pressure: Pressure
    const corked = this.#stream
    corked?.cork()
    for (let i = from; i < messages.length && !this.#isOver; i++) {
      const message = messages[i] as LocalMessage
      const decoded = message.onwardRoute.length === 1 ? decodePortalMessage(message.payload) : undefined
      if (decoded === undefined) this.#options.portal.drop('malformed')
      else if (this.#stream !== undefined) pressure = this.#receive(this.#stream, message, decoded) ?? pressure
      else {
        const wait = this.#options.opening?.(message, decoded)
        if (wait !== undefined) return wait.then(() => this.#handleFrom(messages, i + 1))
      }
    }
    corked?.uncork()
    return pressure
  }

  #receive(stream: PortalStream, message: LocalMessage, decoded: PortalMessage): Pressure {
    const { portal } = this.#options
    if (this.#binding?.isFrom(message) !== true) portal.drop('not-the-peer')
    else if (!stream.isExtended && (decoded.kind === 'ping' || decoded.kind === 'pong')) portal.drop('unexpected')
    else {
      this.#watch?.heard()
      if (!this.#isConfirmed) {
        this.#isConfirmed = true
        this.#confirmation?.cancel()
      }
      if (decoded.kind === 'mark') this.#markAnswer?.cancel()
      if (decoded.kind === 'pause' && this.#onQuiet !== undefined) this.#onQuiet()
      else return stream.receive(decoded)
    }
    return undefined
  }

  #watchPeer(stream: PortalStream): PeerWatch {
    const { router, settings } = this.#options.portal
    return new PeerWatch({
      clock: router.services.clock,
      intervalMs: settings.keepAliveMs,
      ask: () => stream.say(PING),
      onGone: () => this.#abort('timeout', true),
    })
  }

  #abort(reason: EndReason, isTold: boolean): void {
    if (this.#isOver) return
    if (this.#stream !== undefined) this.#stream.abort(reason, isTold)
    else {
      cut(this.#options.socket)
      this.#over(reason, undefined)
    }
  }

  #over(reason: EndReason, code: string | undefined): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#confirmation?.cancel()
    this.#markAnswer?.cancel()
    this.#watch?.end()
    this.#callOff?.()
    this.#onQuiet?.()
    const { portal, socket } = this.#options
    portal.remove(this)
    const { sentBytes = 0, receivedBytes = 0 } = this.#stream ?? {}
    if (this.#stream !== undefined) {
      const peer = this.#binding?.identifier
      portal.event('portals/connection-closed', { reason, code, remote: socket.remote, peer, sentBytes, receivedBytes })
    }
    dropPressure(this.#worker.close())
    this.#options.onOver?.(reason)
    portal.linger(socket, () => this.#options.onClosed?.())
  }
}
