/** A session of a node: a way to another node that is opened, watched and opened again, with the requests that go along it. */

import {
  type BodyCodec,
  OckamError,
  type Pressure,
  type RequestOptions,
  type ResolvedRoute,
  Route,
  type RouteLike,
  type Router,
  type Session,
  type SessionEvents,
  type SessionState,
} from '@ockam/core'
import type { ChannelKeeper } from './channel-keeper.ts'
import type { NodeChannel } from './node-channel.ts'
import { RequestSender, type TypedRequestOptions } from './request-sender.ts'
import { TimeLimit } from './time-limit.ts'

const DEFAULT_TIMEOUT_MS = 30_000

export class NodeSession implements Session {
  readonly closed: Promise<void>
  readonly #router: Router
  readonly #session: Session
  readonly #keeper: ChannelKeeper
  readonly #requests: RequestSender
  /** Rejects when the channel that was kept could not be closed in order. */
  readonly #ended: Promise<void>

  /** @internal Use `node.openSession`. */
  constructor(router: Router, session: Session, keeper: ChannelKeeper) {
    this.#router = router
    this.#session = session
    this.#keeper = keeper
    this.#requests = new RequestSender(router)
    this.#ended = session.closed.then(() => keeper.close())
    this.closed = this.#ended.catch(() => undefined)
  }

  get name(): string {
    return this.#session.name
  }

  get state(): SessionState {
    return this.#session.state
  }

  /** The way to the other node. Behind a secure channel it stays the same address for as long as that channel lives, whatever it goes over. */
  get route(): ResolvedRoute | undefined {
    return this.#session.route
  }

  get way(): number | undefined {
    return this.#session.way
  }

  /** The secure channel of the open way; undefined when it has none, and while the session is not up. */
  get channel(): NodeChannel | undefined {
    return this.#keeper.channelAt(this.route?.route.next)
  }

  whenUp(options?: RequestOptions): Promise<ResolvedRoute> {
    return this.#session.whenUp(options)
  }

  on<Name extends keyof SessionEvents>(event: Name, listener: (event: SessionEvents[Name]) => void): () => void {
    return this.#session.on(event, listener)
  }

  /** Sends raw bytes to a worker of the other node; nothing comes back. @throws {OckamError} `node/not-connected` while the session is not up. */
  send(to: RouteLike, payload: Uint8Array): Pressure {
    return this.#router.context.send(this.routeTo(to), payload)
  }

  /**
   * Waits until the session is up, sends raw bytes to a worker of the other node, and waits for the first answer. It is sent once: when the way is lost
   * before the answer is here, nobody knows whether it was received, and asking again is the caller's decision.
   * @throws {OckamError} `routing/timeout`, `node/interrupted`
   */
  request(to: RouteLike, payload: Uint8Array, options?: RequestOptions): Promise<Uint8Array>
  /** The same with a body encoded by `body`. @throws {OckamError} `routing/timeout`, `node/interrupted`, `core/request-failed`, and what the codec throws. */
  request<Request, Reply>(to: RouteLike, request: Request, options: TypedRequestOptions<Request, Reply>): Promise<Reply>
  async request<Request, Reply>(
    to: RouteLike,
    request: Request | Uint8Array,
    options: RequestOptions & { readonly body?: BodyCodec<Request, Reply> } = {},
  ): Promise<Reply | Uint8Array> {
    const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS
    const limit = new TimeLimit(this.#router.services.clock, { ...options, timeoutMs }, `A request along the session "${this.name}"`)
    const interruption = new AbortController()
    const interrupt = (reason: unknown): void => interruption.abort(reason)
    const givenUp = (): void => interrupt(limit.signal.reason)
    let remove: (() => void) | undefined
    try {
      await this.#session.whenUp({ ...options, ...limit.left })
      remove = this.#session.on('down', ({ error }) => interrupt(interrupted(this.name, error)))
      limit.signal.addEventListener('abort', givenUp, { once: true })
      return await this.#requests.request(this.routeTo(to), request, { ...options, ...limit.left, signal: interruption.signal })
    } finally {
      remove?.()
      limit.signal.removeEventListener('abort', givenUp)
      limit.end()
    }
  }

  /** The route to a worker of the other node. @throws {OckamError} `node/not-connected` while the session is not up. */
  routeTo(to: RouteLike): Route {
    const route = this.#session.route?.route
    if (route !== undefined) return route.concat(Route.from(to))
    throw new OckamError('node/not-connected', `The session "${this.name}" is ${this.state}: wait until it is up.`)
  }

  /** Idempotent. @throws what closing the channel's way did; nothing is left open by the session then either. */
  async close(): Promise<void> {
    await this.#session.close()
    await this.#ended
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

function interrupted(name: string, cause: unknown): OckamError {
  return new OckamError(
    'node/interrupted',
    `The way of the session "${name}" was lost before the answer came. Whether the request was received is not known: ask again if it may be received twice.`,
    { cause },
  )
}
