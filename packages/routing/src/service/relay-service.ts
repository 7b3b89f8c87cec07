/**
 * The relay service: a party that cannot be dialled registers here over a connection of its own, and is then reached at `forward_to_<name>` on this
 * node. Wire: routing specification of the published Rust nodes, relays; bodies of Elixir clients are understood too.
 *
 * - A registration must come from another node and carry at least one hop of the registering side behind the connection (or channel) it came
 *   through. That connection is the relay's only next hop, for ever: a relay never reaches a worker of this node.
 * - A name belongs to the identity that registered it, over a plain connection to that connection, and is free again when the connection ends.
 *   The owner may register it again, also through another connection: the relay then leads there.
 * - Who is refused gets no answer, and nobody is waited for.
 * - Who loses a relay to somebody with fewer, or to his own newer connection, is not told: the wire has no message for it, and one that he did not ask for
 *   could be taken for the answer to something else. This node's diagnostics are told. An owner who must know asks something through his own relay
 *   now and then; registering the name again brings it back when it is free.
 *
 * Not here: how many connections, channels or identities one party makes. Limit connections on the node, and say in `from` and `incoming` who may
 * register.
 */

import {
  Address,
  type Context,
  dropPressure,
  type LocalMessage,
  OckamError,
  type Producer,
  peerOf,
  Route,
  type Router,
  type WorkerOptions,
} from '@ockam/core'
import { encodeBareString } from '@ockam/core/bare'
import { type RoutingErrorCode, routingError } from '../error.ts'
import { Introductions } from './introduction.ts'
import { LimitedEvent } from './limited-event.ts'
import { ANY_NAME, requestedName } from './relay-name.ts'
import { type NameRefusal, RelayTable } from './relay-table.ts'
import { Relay, type RelayServices, type RelayTarget } from './relay-worker.ts'

export interface RelayServiceOptions extends Pick<WorkerOptions, 'from' | 'incoming'> {
  /** Addresses relays are registered at. Default those of Rust nodes: `forwarding_service` and `static_forwarding_service`. */
  readonly addresses?: readonly string[]
  /** What relay addresses begin with, so that no registration gets the name of another worker. Default `forward_to_`. */
  readonly prefix?: string
  /** Relays in total. Default 1000. When there are so many, whoever has most of them gives up the newest to an owner who has fewer. */
  readonly maxRelays?: number
  /** Relays of one connection, or channel. Default 100. */
  readonly maxRelaysPerConnection?: number
  /** Relays of one identity, over all its connections. Default 100. */
  readonly maxRelaysPerIdentity?: number
}

export interface RelayService extends AsyncDisposable {
  /** Names of the relays there are, with the prefix. */
  readonly relays: readonly string[]
  /** Takes no more registrations and ends all relays. */
  close(): Promise<void>
}

type RegistrationRefusal = NameRefusal | 'not-from-another-node' | 'no-own-hop' | 'name-not-allowed' | 'address-in-use'

/**
 * @throws {OckamError} `routing/invalid-argument` for an empty prefix, no addresses, or limits that are not whole numbers above 0;
 * `routing/address-in-use`.
 */
export function startRelayService(router: Router, options: RelayServiceOptions = {}): RelayService {
  const [main, ...aliases] = options.addresses ?? ['forwarding_service', 'static_forwarding_service']
  if (main === undefined) throw routingError('routing/invalid-argument', 'A relay service needs at least one address.')
  const registry = new RelayRegistry(router, options)
  const { from = 'anyone', incoming } = options
  const handleMessage = (message: LocalMessage, context: Context): void => registry.register(message, context)
  const worker = router.startWorker(main, { handleMessage }, { from, aliases, overflow: 'drop', ...(incoming && { incoming }) })
  const close = async (): Promise<void> => {
    await worker.close()
    await registry.close()
  }
  return {
    get relays(): readonly string[] {
      return registry.names
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

class RelayRegistry {
  readonly #router: Router
  readonly #prefix: string
  readonly #table: RelayTable
  readonly #services: RelayServices
  readonly #refused: LimitedEvent<RegistrationRefusal>
  readonly #displaced: LimitedEvent<'too-many-relays'>
  readonly #moved: LimitedEvent<'registered-again'>

  constructor(router: Router, options: RelayServiceOptions) {
    this.#router = router
    this.#prefix = options.prefix ?? 'forward_to_'
    if (this.#prefix === '') {
      throw routingError(
        'routing/invalid-argument',
        'A relay service needs a prefix: without one, a registration could take the name of any worker.',
      )
    }
    this.#table = new RelayTable({
      total: checkedLimit('maxRelays', options.maxRelays ?? 1000),
      perConnection: checkedLimit('maxRelaysPerConnection', options.maxRelaysPerConnection ?? 100),
      perOwner: checkedLimit('maxRelaysPerIdentity', options.maxRelaysPerIdentity ?? 100),
    })
    const introductions = new Introductions(router.flowControls)
    this.#services = { router, introductions, dropped: new LimitedEvent('routing/relay-dropped', router.services) }
    this.#refused = new LimitedEvent('routing/relay-refused', router.services)
    this.#displaced = new LimitedEvent('routing/relay-displaced', router.services)
    this.#moved = new LimitedEvent('routing/relay-moved', router.services)
  }

  get names(): readonly string[] {
    return this.#table.names
  }

  register(message: LocalMessage, context: Context): void {
    const { origin, returnRoute } = message
    const delivering = returnRoute.next
    if (origin === undefined || delivering === undefined || this.#router.flowControls.producerAt(delivering) !== origin) {
      return this.#refused.count('not-from-another-node')
    }
    if (returnRoute.length < 2) return this.#refused.count('no-own-hop')
    const requested = requestedName(message.payload)
    if (requested === undefined) return this.#refused.count('name-not-allowed')
    const name = `${this.#prefix}${requested === ANY_NAME ? Address.random(this.#router.services.random).name : requested}`
    const owner = peerOf(message)?.identifier.toString() ?? origin.flowControlId
    const refusal = this.#table.refusal(name, owner, origin) ?? this.#give(name, owner, { producer: origin, registered: returnRoute })
    if (refusal !== undefined) return this.#refused.count(refusal, { relay: name })
    context.reply(message, encodeBareString(name), Route.of(Address.local(name)))
  }

  async close(): Promise<void> {
    await Promise.all(this.#table.relays.map((relay) => relay.close()))
  }

  #give(name: string, owner: string, target: RelayTarget): RegistrationRefusal | undefined {
    const present = this.#table.get(name)
    if (present !== undefined) {
      const before = present.producer
      present.moveTo(target)
      this.#table.moved(name)
      if (before !== target.producer) this.#moved.count('registered-again', { relay: name })
      this.#forgetIdle(before)
      return undefined
    }
    if (this.#table.isFull) this.#makeRoomFor(owner)
    try {
      const relay: Relay = new Relay(this.#services, name, target, () => {
        this.#table.delete(name)
        this.#forgetIdle(relay.producer)
      })
      this.#table.add(name, owner, relay)
    } catch (error) {
      if (OckamError.is<RoutingErrorCode>(error, 'routing/address-in-use')) return 'address-in-use'
      throw error
    }
    this.#router.services.diagnostics.event('routing/relay-registered', { relay: name })
    return undefined
  }

  #makeRoomFor(owner: string): void {
    const relay = this.#table.displaceable(owner)
    if (relay === undefined) return
    this.#displaced.count('too-many-relays', { relay: relay.address.name })
    dropPressure(relay.close())
  }

  /** Nothing leads to that connection any more: what it was introduced to, it forgets. */
  #forgetIdle(producer: Producer): void {
    if (this.#table.ofConnection(producer) === 0) this.#services.introductions.forget(producer)
  }
}

function checkedLimit(name: string, value: number): number {
  if (Number.isSafeInteger(value) && value > 0) return value
  throw routingError('routing/invalid-argument', `${name} is a whole number above 0; got ${String(value)}.`)
}
