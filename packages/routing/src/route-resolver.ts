/**
 * Turns a MultiAddr into a route, from the left: a transport's hop becomes a connection, a hop such as `/secure/api` becomes what its resolver opens
 * along the route so far, and `/service/x` or `/worker/x` is an address as it stands.
 *
 * Everything is planned before anything is opened: an address with a hop nobody can open, or a `secure` hop without its own identity and trust, is
 * refused before the first packet. What was opened is closed again when a later hop fails. Only the node's own code gets here: no message from
 * outside ever causes a connection.
 */
import {
  Address,
  type ConnectionHandle,
  type HopResolver,
  type MultiAddr,
  type Producer,
  type ResolvedRoute,
  type ResolveOptions,
  Route,
  type SecureHop,
} from '@ockam/core'
import { routingError } from './error.ts'
import { matchingHop, type TransportSet } from './transport-set.ts'

type Step =
  | { readonly kind: 'connect'; readonly hop: MultiAddr }
  | { readonly kind: 'local'; readonly name: string }
  | { readonly kind: 'resolve'; readonly hop: MultiAddr; readonly resolver: HopResolver; readonly secure: SecureHop | undefined }

export interface RouteResolverServices {
  readonly transports: TransportSet
  connect(hop: MultiAddr, options: ResolveOptions): Promise<ConnectionHandle>
  producerAt(address: Address): Producer | undefined
}

export class RouteResolver {
  readonly #services: RouteResolverServices
  readonly #resolvers: HopResolver[] = []

  constructor(services: RouteResolverServices) {
    this.#services = services
  }

  add(resolver: HopResolver): void {
    this.#resolvers.push(resolver)
  }

  async resolve(text: MultiAddr | string, options: ResolveOptions = {}): Promise<ResolvedRoute> {
    options.signal?.throwIfAborted()
    const steps = this.#plan(this.#services.transports.parse(text), options)
    const opened = new OpenedRoute()
    try {
      for (const step of steps) {
        await this.#take(step, opened, options)
        options.signal?.throwIfAborted()
      }
    } catch (error) {
      await opened.close()
      throw error
    }
    const first = opened.route.next
    opened.producer ??= first === undefined ? undefined : this.#services.producerAt(first)
    return opened
  }

  #plan(address: MultiAddr, options: ResolveOptions): readonly Step[] {
    const { pieces } = address
    const secureHops = trustOfHops(address, options)
    const steps: Step[] = []
    for (let at = 0; at < pieces.length; ) {
      const piece = pieces[at]
      const match = this.#services.transports.match(pieces, at)
      const resolver = this.#resolvers.find(({ hops }) => matchingHop(hops, pieces, at) !== undefined)
      if (match !== undefined && at === 0) {
        steps.push({ kind: 'connect', hop: address.slice(0, match.length) })
        at += match.length
      } else if (piece !== undefined && resolver !== undefined) {
        const length = matchingHop(resolver.hops, pieces, at)?.length ?? 1
        const secure = piece.name === 'secure' ? secureHops.shift() : undefined
        steps.push({ kind: 'resolve', hop: address.slice(at, at + length), resolver, secure })
        at += length
      } else if (piece !== undefined && (piece.name === 'service' || piece.name === 'worker')) {
        steps.push({ kind: 'local', name: piece.value })
        at++
      } else {
        throw unresolvable(address, at, match !== undefined)
      }
    }
    if (steps.length === 0) throw routingError('routing/unresolvable', 'The address is empty: there is nothing to open.')
    return steps
  }

  async #take(step: Step, opened: OpenedRoute, options: ResolveOptions): Promise<void> {
    if (step.kind === 'local') {
      opened.route = opened.route.concat(Route.of(Address.local(step.name)))
      return
    }
    if (step.kind === 'connect') {
      const connection = await this.#services.connect(step.hop, options)
      const closed = connection.closed.then(() => undefined)
      opened.add({ closed, close: () => connection.close() })
      opened.route = Route.of(connection.address)
      opened.producer = connection.producer
      return
    }
    const before = opened.route.isEmpty ? undefined : opened.soFar((first) => this.#services.producerAt(first))
    const { secure } = step
    const resolved = await step.resolver.resolve(step.hop, before, secure === undefined ? options : { ...options, secure })
    opened.add(resolved)
    opened.route = resolved.route
    opened.producer = resolved.producer
  }
}

/** What was opened for one route; owns all of it. */
class OpenedRoute implements ResolvedRoute {
  route: Route = Route.empty
  producer: Producer | undefined = undefined
  readonly closed: Promise<void>
  #resolveClosed: (() => void) | undefined
  readonly #parts: { readonly closed: Promise<void>; close(): Promise<void> }[] = []

  constructor() {
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve
    })
  }

  add(part: { readonly closed: Promise<void>; close(): Promise<void> }): void {
    this.#parts.push(part)
    const end = (): void => this.#resolveClosed?.()
    part.closed.then(end, end)
  }

  /** The route up to here, for the resolver of the next hop; closing it is left to the whole. */
  soFar(producerAt: (address: Address) => Producer | undefined): ResolvedRoute {
    const first = this.route.next
    const producer = this.producer ?? (first === undefined ? undefined : producerAt(first))
    return { route: this.route, producer, closed: this.closed, close: () => this.close() }
  }

  /** The last opened goes first, so that a channel can still say goodbye through its connection. */
  async close(): Promise<void> {
    for (const part of this.#parts.splice(0).reverse()) await part.close().catch(() => undefined)
    this.#resolveClosed?.()
  }
}

/** Identity and trust of each `secure` hop, in order. @throws {OckamError} `secure-channel/trust-missing` */
function trustOfHops(address: MultiAddr, options: ResolveOptions): SecureHop[] {
  const count = address.pieces.filter(({ name }) => name === 'secure').length
  const found: SecureHop[] = []
  for (let i = 0; i < count; i++) {
    const { identity, trust } = (i === count - 1 ? options : options.hops?.[i]) ?? {}
    if (identity === undefined || trust === undefined) {
      throw routingError(
        'secure-channel/trust-missing',
        `"${address.toString()}" opens ${count} secure channel(s), and number ${i + 1} has no ${identity === undefined ? 'identity' : 'trust policy'}. Nothing was dialled. ` +
          'Give identity and trust for the last one, and hops: [{ identity, trust }] for those before it.',
      )
    }
    found.push({ identity, trust })
  }
  return found
}

function unresolvable(address: MultiAddr, at: number, isSecondConnection: boolean): Error {
  const rest = address.slice(at).toString()
  const why = isSecondConnection
    ? 'only the first hop of an address can be a connection of this node'
    : 'no transport and no resolver of this node is for it'
  return routingError('routing/unresolvable', `"${address.toString()}" cannot be opened at "${rest}": ${why}.`)
}
