/** A secure channel of a node: the channel itself, requests with typed bodies, and the connections that were opened for it. */

import {
  type Address,
  type BodyCodec,
  dropPressure,
  type Identifier,
  type MultiAddr,
  type PeerIdentity,
  type Pressure,
  type RequestOptions,
  type ResolvedRoute,
  Route,
  type RouteLike,
  type Router,
} from '@ockam/core'
import type { ChannelClosed, ChannelEvent, SecureChannel } from '@ockam/secure-channel'

const PROBE = new Uint8Array(1)
const CONFIRMATION_MS = 2000

export interface ChannelRequestOptions<Request, Reply> extends RequestOptions {
  readonly body: BodyCodec<Request, Reply>
}

export class NodeChannel implements AsyncDisposable {
  /** The channel itself, with its finer controls. */
  readonly channel: SecureChannel
  readonly #router: Router
  #before: ResolvedRoute | undefined
  #lastRequest = 0

  /** @internal @param before what the channel runs over, closed with it. */
  constructor(router: Router, channel: SecureChannel, before: ResolvedRoute | undefined) {
    this.channel = channel
    this.#router = router
    this.#before = before
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
  async request<Request, Reply>(
    to: RouteLike,
    request: Request | Uint8Array,
    options?: RequestOptions & { readonly body?: BodyCodec<Request, Reply> },
  ): Promise<Reply | Uint8Array> {
    const route = this.routeTo(to)
    const body = options?.body
    if (body === undefined) return (await this.#router.context.request(route, request as Uint8Array, options)).payload
    this.#lastRequest = (this.#lastRequest + 1) >>> 0
    const id = this.#lastRequest
    const answer = await this.#router.context.request(route, body.encodeRequest(id, request as Request), options)
    return body.decodeReply(answer.payload, id)
  }

  /** The route to a worker of the peer's node, through the channel. */
  routeTo(to: RouteLike): Route {
    return Route.from(to).prepend(this.channel.address)
  }

  /**
   * Carries the live channel over to another way to the same peer, over another connection or transport.
   *
   * The peer follows with the second message that comes along the new way, so two are sent at once, to its `echo` service; the old way is closed when
   * the answer is here, or after two seconds where there is no such service.
   * @param to the address of the peer's node without its listener: `/ip4/192.0.2.7/tcp/4000`.
   */
  async moveTo(to: MultiAddr | string): Promise<void> {
    const next = await this.#router.resolve(to)
    try {
      this.channel.updateRoute(next.route)
    } catch (error) {
      await next.close()
      throw error
    }
    const old = this.#before
    this.#before = next
    dropPressure(this.send('echo', PROBE))
    await this.request('echo', PROBE, { timeoutMs: CONFIRMATION_MS }).catch(() => undefined)
    await old?.close()
  }

  /** Sends what waits, tells the peer, and closes what was opened for the channel. Idempotent. */
  async close(): Promise<void> {
    await this.channel.close()
    await this.#before?.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
