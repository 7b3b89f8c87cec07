/**
 * How an inlet gets to its outlet: along a route that is open already, by an address that is opened when it is needed, or by a session that keeps it
 * open. A connection keeps the way it began with; new ones take the way as it is then.
 */

import {
  type Identifier,
  MultiAddr,
  OckamError,
  type Producer,
  type ResolvedRoute,
  type ResolveOptions,
  Route,
  type RouteLike,
  type Router,
  type SecureHop,
  type Session,
  type TrustPolicy,
} from '@ockam/core'
import { portalError } from './error.ts'
import type { PortalNode } from './portal-node.ts'

/** Own identity: what `createIdentity` returned, an identifier, or its text. */
export type IdentityLike = { readonly identifier: Identifier } | Identifier | string

export interface WayOptions {
  /**
   * The outlet: an address that ends with `/service/<outlet>`, whose connections and channels the inlet opens and closes; or a route to it, a resolved
   * route or a session, which stay yours.
   */
  readonly to: MultiAddr | RouteLike | ResolvedRoute | Session
  /** Behind a resolved route or a session that ends before the outlet: the outlet's address, or the rest of the route. */
  readonly outlet?: RouteLike
  /** For the last `secure` hop of the address. */
  readonly identity?: IdentityLike
  readonly trust?: TrustPolicy
  /** For the `secure` hops before it, in order. */
  readonly hops?: readonly { readonly identity: IdentityLike; readonly trust: TrustPolicy }[]
}

/** An open way. */
export interface OpenWay {
  /** To the outlet's worker. */
  readonly route: Route
  /** Where answers come from; undefined for an outlet of the same node. */
  readonly producer: Producer | undefined
}

export interface KeptWay {
  readonly session: Session
  readonly outlet: Route
}

export interface Way {
  /** Opens it for the first time. Rejects with why it cannot be opened. */
  begin(timeoutMs: number): Promise<void>
  /** The open way, or the next. Rejects with the signal's reason, or with why it cannot be opened. */
  open(options: { readonly timeoutMs: number; readonly signal: AbortSignal }): Promise<OpenWay>
  /** What keeps it open, if anything does, and what comes behind that. */
  readonly kept?: KeptWay
  close(): Promise<void>
}

/** A channel has proved already that there is somebody at its end, and he may have no service for pings: then only loss is watched for. */
const PING = { isRequired: false }

/** @throws {OckamError} `portals/invalid-argument`, `portals/not-an-outlet`, and what reading routes and addresses throws. */
export function wayTo(node: PortalNode, name: string, options: WayOptions): Way {
  const { to, outlet } = options
  const { router } = node
  const rest = outlet === undefined ? undefined : Route.from(outlet)
  if (isSession(to)) return sessionWay(to, needed(rest, 'a session'))
  if (isResolved(to)) return fixedWay({ route: rest === undefined ? to.route : to.route.concat(rest), producer: to.producer })
  if (!isMultiAddr(to)) {
    const route = Route.from(to)
    const full = rest === undefined ? route : route.concat(rest)
    const first = full.next
    if (first === undefined) throw portalError('portals/not-an-outlet', 'createTcpInlet: the route to the outlet is empty.')
    return fixedWay({ route: full, producer: router.flowControls.producerAt(first) })
  }
  const { before, last } = rest === undefined ? splitOutlet(to) : { before: to, last: rest }
  if (before === undefined) return fixedWay({ route: last, producer: undefined })
  const resolve: ResolveOptions = secureHops(options)
  if (node.openSession !== undefined) return ownSessionWay(node.openSession(before, { name, ...resolve, ping: PING }), last)
  const establish = (signal: AbortSignal): Promise<ResolvedRoute> => router.resolve(before, { ...resolve, signal })
  if (node.sessions !== undefined) return ownSessionWay(node.sessions.open({ name, ways: [establish], ping: PING }), last)
  return new OnDemandWay(router, before, last, resolve)
}

/** Opens the address when a connection needs it and it is not open (any more). */
class OnDemandWay implements Way {
  readonly #router: Router
  readonly #before: MultiAddr | string
  readonly #outlet: Route
  readonly #options: ResolveOptions
  #opening: Promise<ResolvedRoute> | undefined
  #isClosed = false

  constructor(router: Router, before: MultiAddr | string, outlet: Route, options: ResolveOptions) {
    this.#router = router
    this.#before = before
    this.#outlet = outlet
    this.#options = options
  }

  async begin(timeoutMs: number): Promise<void> {
    this.#opening ??= this.#resolve(timeoutMs)
    await this.#opening
  }

  async open({ timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal }): Promise<OpenWay> {
    if (this.#isClosed) throw new Error('The inlet was closed.')
    // All that wait share one attempt; none of them may call it off for the others.
    this.#opening ??= this.#resolve(timeoutMs)
    const { route, producer } = await untilAborted(this.#opening, signal)
    return { route: route.concat(this.#outlet), producer }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    const opening = this.#opening
    this.#opening = undefined
    const resolved = await opening?.catch(() => undefined)
    await resolved?.close()
  }

  #resolve(timeoutMs: number): Promise<ResolvedRoute> {
    const opening = this.#router.resolve(this.#before, { ...this.#options, timeoutMs })
    const forget = (): void => {
      if (this.#opening === opening && !this.#isClosed) this.#opening = undefined
    }
    opening.then((resolved) => {
      resolved.closed.then(forget, forget)
    }, forget)
    return opening
  }
}

function sessionWay(session: Session, outlet: Route): Way {
  return {
    kept: { session, outlet },
    begin: async (timeoutMs) => void (await session.whenUp({ timeoutMs })),
    open: async (options) => {
      const { route, producer } = await session.whenUp(options)
      return { route: route.concat(outlet), producer }
    },
    close: async () => undefined,
  }
}

/** A session of the inlet's own. Clients wait while it tries again; the inlet's beginning does not wait for what only its owner can put right. */
function ownSessionWay(session: Session, outlet: Route): Way {
  const way = sessionWay(session, outlet)
  return {
    kept: { session, outlet },
    begin: async (timeoutMs) => {
      let failure: unknown
      const controller = new AbortController()
      const forget = session.on('down', ({ error }) => {
        failure = error
        if (!OckamError.is(error, 'routing/timeout') && !OckamError.is(error, 'routing/path-silent')) controller.abort(error)
      })
      try {
        await session.whenUp({ timeoutMs, signal: controller.signal })
      } catch (error) {
        throw failure ?? error
      } finally {
        forget()
      }
    },
    open: (options) => way.open(options),
    close: () => session.close(),
  }
}

function fixedWay(way: OpenWay): Way {
  return { begin: async () => undefined, open: async () => way, close: async () => undefined }
}

/** The part of an address that is opened, and its last piece, which is the outlet. */
function splitOutlet(to: MultiAddr | string): { readonly before: MultiAddr | string | undefined; readonly last: Route } {
  // Values have no slash, so text can be cut without knowing the names that transports bring.
  const parts = to
    .toString()
    .split('/')
    .filter((part, at) => at > 0 || part !== '')
  const [name, value] = parts.slice(-2)
  if (parts.length % 2 !== 0 || value === undefined || (name !== 'service' && name !== 'worker')) {
    throw portalError(
      'portals/not-an-outlet',
      `createTcpInlet: "${to.toString()}" does not end with the outlet. Add its address: ${to.toString()}/service/outlet.`,
    )
  }
  const before = parts.slice(0, -2)
  return {
    before: before.length === 0 ? undefined : MultiAddr.is(to) ? to.slice(0, -1) : `/${before.join('/')}`,
    last: Route.from(`/${name}/${value}`),
  }
}

function secureHops({ identity, trust, hops }: WayOptions): ResolveOptions {
  const own = (value: IdentityLike): Identifier | string => (typeof value === 'object' && 'identifier' in value ? value.identifier : value)
  return {
    ...(identity !== undefined && { identity: own(identity) }),
    ...(trust !== undefined && { trust }),
    ...(hops !== undefined && { hops: hops.map((hop): SecureHop => ({ identity: own(hop.identity), trust: hop.trust })) }),
  }
}

function needed(rest: Route | undefined, what: string): Route {
  if (rest !== undefined) return rest
  throw portalError('portals/not-an-outlet', `createTcpInlet: ${what} leads to a node; say where its outlet is with outlet: 'outlet'.`)
}

/** Text that starts with a slash is a MultiAddr; everything else is a route. */
function isMultiAddr(to: MultiAddr | RouteLike): to is MultiAddr | string {
  return MultiAddr.is(to) || (typeof to === 'string' && to.startsWith('/'))
}

function isSession(to: WayOptions['to']): to is Session {
  return typeof (to as Partial<Session>).whenUp === 'function'
}

function isResolved(to: WayOptions['to']): to is ResolvedRoute {
  return typeof to === 'object' && 'route' in to && Route.is(to.route)
}

function untilAborted<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    const aborted = (): void => reject(signal.reason)
    if (signal.aborted) aborted()
    else signal.addEventListener('abort', aborted, { once: true })
    promise
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', aborted))
      .catch(() => undefined)
  })
}
