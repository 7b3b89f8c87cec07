/** A secure channel of a node: the channel itself, requests with typed bodies, and the connections that were opened for it. */

import {
  type Address,
  type BodyCodec,
  type CloseOptions,
  dropPressure,
  type Identifier,
  type MultiAddr,
  OckamError,
  type PeerIdentity,
  type Pressure,
  type RequestOptions,
  type ResolvedRoute,
  Route,
  type RouteLike,
  type Router,
} from '@ockam/core'
import type { ChannelClosed, ChannelEvent, SecureChannel } from '@ockam/secure-channel'
import { RequestSender, type TypedRequestOptions } from './request-sender.ts'
import { TimeLimit, within } from './time-limit.ts'

const PROBE = new Uint8Array(1)
const CONFIRMATION_MS = 5000

export interface MoveOptions extends RequestOptions {
  readonly isUnconfirmed?: boolean
}

export interface MoveAlongOptions extends MoveOptions {
  /** How long the former way stays open, for what is under way along it. Default 0. */
  readonly lingerMs?: number
}

export type ChannelRequestOptions<Request, Reply> = TypedRequestOptions<Request, Reply>

export class NodeChannel implements AsyncDisposable {
  /** The channel itself, with its finer controls. */
  readonly channel: SecureChannel
  readonly #router: Router
  /** What was opened for the present way; undefined when the way was open before. */
  #before: ResolvedRoute | undefined
  /** Route to the peer's node. */
  #way: Route
  readonly #requests: RequestSender

  /** @internal @param way what was opened for the channel, closed with it; or the route to the peer's node, which was open before. */
  constructor(router: Router, channel: SecureChannel, way: ResolvedRoute | Route) {
    this.channel = channel
    this.#router = router
    this.#requests = new RequestSender(router)
    this.#before = Route.is(way) ? undefined : way
    this.#way = Route.is(way) ? way : way.route
    channel.closed.then(() => this.#before?.close()).catch(() => undefined)
  }

  get peer(): PeerIdentity {
    return { identifier: this.channel.peer }
  }

  /** Shorthand for `peer.identifier`. */
  get peerIdentifier(): Identifier {
    return this.channel.peer
  }

  /** What is sent to `[address, …]` goes to `…` on the peer's node. */
  get address(): Address {
    return this.channel.address
  }

  /** Resolves once: closed here, by the peer, cut off, or expired. */
  get closed(): Promise<ChannelClosed> {
    return this.channel.closed
  }

  /** What was opened for the present way; undefined when it was open before. */
  get way(): ResolvedRoute | undefined {
    return this.#before
  }

  on(event: ChannelEvent, listener: () => void): () => void {
    return this.channel.on(event, listener)
  }

  /** Sends raw bytes to a worker of the peer's node; nothing comes back. */
  send(to: RouteLike, payload: Uint8Array): Pressure {
    return this.#router.context.send(this.routeTo(to), payload)
  }

  /** Sends raw bytes to a worker of the peer's node and waits for the first answer. @throws {OckamError} `routing/timeout` */
  request(to: RouteLike, payload: Uint8Array, options?: RequestOptions): Promise<Uint8Array>
  /** Sends a request encoded by `body` and waits for its reply. @throws {OckamError} `routing/timeout`, `core/request-failed`, and what the codec throws. */
  request<Request, Reply>(to: RouteLike, request: Request, options: ChannelRequestOptions<Request, Reply>): Promise<Reply>
  request<Request, Reply>(
    to: RouteLike,
    request: Request | Uint8Array,
    options?: RequestOptions & { readonly body?: BodyCodec<Request, Reply> },
  ): Promise<Reply | Uint8Array> {
    return this.#requests.request(this.routeTo(to), request, options)
  }

  /** The route to a worker of the peer's node, through the channel. */
  routeTo(to: RouteLike): Route {
    return Route.from(to).prepend(this.channel.address)
  }

  /**
   * Carries the live channel over to another way to the same peer, over another connection or transport.
   *
   * The peer follows with the second message that comes along the new way, so two are sent at once, to its `echo` service. When the answer is here the
   * old way is closed; without one the old way is kept.
   * @param to the address of the peer's node without its listener: `/ip4/192.0.2.7/tcp/4000`.
   * @param options.isUnconfirmed true for a peer without an `echo` service: nothing is waited for.
   * @throws {OckamError} `node/move-unconfirmed`, and what connecting throws; the channel is as it was.
   */
  async moveTo(to: MultiAddr | string, options: MoveOptions = {}): Promise<void> {
    const { isUnconfirmed: _, ...waiting } = options
    const old = await this.#switch(await this.#router.resolve(to, waiting), options)
    await old?.close()
  }

  /**
   * The same along a way that is open already, and belongs to the channel from now on; it is closed when this rejects. The old way is closed behind
   * the caller's back: when it is stuck, that takes a while.
   */
  async moveAlong(next: ResolvedRoute, { lingerMs = 0, ...options }: MoveAlongOptions = {}): Promise<void> {
    const old = await this.#switch(next, options)
    if (old === undefined) return
    const close = (): void => dropPressure(old.close())
    if (lingerMs === 0) {
      close()
      return
    }
    const timer = this.#router.services.clock.schedule(lingerMs, close, { isBackground: true })
    const ended = (): void => {
      timer.cancel()
      close()
    }
    this.channel.closed.then(ended, ended)
  }

  /** @returns the old way, if it was opened for this channel. */
  async #switch(next: ResolvedRoute, { isUnconfirmed = false, ...waiting }: MoveOptions): Promise<ResolvedRoute | undefined> {
    try {
      this.channel.updateRoute(next.route)
      if (!isUnconfirmed) await this.#confirm(waiting)
    } catch (error) {
      // A channel that has ended has no way any more.
      if (this.#router.flowControls.producerAt(this.channel.address) !== undefined) this.channel.updateRoute(this.#way)
      await next.close()
      throw error
    }
    const old = this.#before
    this.#before = next
    this.#way = next.route
    return old
  }

  async #confirm(waiting: RequestOptions): Promise<void> {
    dropPressure(this.send('echo', PROBE))
    try {
      await this.request('echo', PROBE, { timeoutMs: CONFIRMATION_MS, ...waiting })
    } catch (cause) {
      if (waiting.signal?.aborted === true) throw waiting.signal.reason
      throw new OckamError('node/move-unconfirmed', 'The peer did not answer along the new way, so the channel stays on the old one.', {
        cause,
      })
    }
  }

  /**
   * Sends what waits, tells the peer, and closes what was opened for the channel. Idempotent.
   * @param options.timeoutMs after this the rest ends by force. Default 5000 each for the channel and what was opened for it. When the signal aborts,
   * everything ends by force at once.
   * @throws {OckamError} `node/invalid-argument`, and then nothing was closed; `signal.reason`, and what closing the way throws.
   */
  async close(options: CloseOptions = {}): Promise<void> {
    const { clock } = this.#router.services
    const limit = new TimeLimit(clock, options, 'Closing a secure channel')
    try {
      await this.channel.close(options)
    } finally {
      const ways = this.#before === undefined ? [] : [this.#before.close()]
      await within(clock, Promise.all(ways), { ...options, ...limit.left }).finally(() => limit.end())
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
