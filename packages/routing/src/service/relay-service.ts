/**
 * The relay service: a party that cannot be dialled registers here over a connection of its own, and is then reached at `forward_to_<name>` on this
 * node. Wire: routing specification of the published Rust nodes, relays; bodies of Elixir clients are understood too.
 *
 * - A registration must come from another node and carry at least one hop of the registering side behind the connection (or channel) it came
 *   through. That connection is the relay's only next hop, for ever: a relay never reaches a worker of this node.
 * - A name belongs to the identity that registered it, over a plain connection to that connection, and is free again when the connection ends.
 * - Who is refused gets no answer.
 */

import { type LocalMessage, type Producer, peerOf, type Route, type Router, type WorkerOptions } from '@ockam/core'
import { BareReader, encodeBareString } from '@ockam/core/bare'
import { CborReader } from '@ockam/core/cbor'
import { type RunningRelay, startRelay } from './relay-worker.ts'

export interface RelayServiceOptions extends Pick<WorkerOptions, 'from' | 'incoming'> {
  /** Addresses relays are registered at. Default those of Rust nodes. */
  readonly addresses?: readonly string[]
  /** What relay addresses begin with. Default `forward_to_`. */
  readonly prefix?: string
  /** Relays in total. Default 1000. */
  readonly maxRelays?: number
  /** Relays of one connection. Default 100. */
  readonly maxRelaysPerConnection?: number
  /** Relays of one identity, over all its connections. Default 100. */
  readonly maxRelaysPerIdentity?: number
}

export interface RelayService {
  /** Names of the relays there are, with the prefix. */
  readonly relays: readonly string[]
  close(): Promise<void>
}

/** What a client sends to be given a random name. */
const ANY_NAME = 'register'
const NAME = /^[A-Za-z0-9_.-]{1,64}$/
const MAX_BODY = 4096

interface Registration extends RunningRelay {
  readonly owner: string
  readonly producer: Producer
}

export function startRelayService(router: Router, options: RelayServiceOptions = {}): RelayService {
  const [main, ...aliases] = options.addresses ?? ['forwarding_service', 'static_forwarding_service']
  const prefix = options.prefix ?? 'forward_to_'
  const limits = {
    total: options.maxRelays ?? 1000,
    connection: options.maxRelaysPerConnection ?? 100,
    identity: options.maxRelaysPerIdentity ?? 100,
  }
  const registrations = new Map<string, Registration>()
  const { diagnostics, random } = router.services

  const refuse = (reason: string, relay?: string): void => diagnostics.event('routing/relay-refused', { reason, relay })

  const mayRegister = (owner: string, producer: Producer): string | undefined => {
    if (registrations.size >= limits.total) return 'too many relays'
    let ofConnection = 0
    let ofOwner = 0
    for (const registration of registrations.values()) {
      if (registration.producer === producer) ofConnection++
      if (registration.owner === owner) ofOwner++
    }
    if (ofConnection >= limits.connection) return 'too many relays of one connection'
    return ofOwner >= limits.identity ? 'too many relays of one identity' : undefined
  }

  const register = async (name: string, route: Route, producer: Producer, owner: string): Promise<void> => {
    const address = `${prefix}${name}`
    const present = registrations.get(address)
    if (present !== undefined && present.owner !== owner) return refuse('the name belongs to somebody else', address)
    const problem = present === undefined ? mayRegister(owner, producer) : undefined
    if (problem !== undefined) return refuse(problem, address)
    await present?.close()
    const relay = startRelay(router, address, route, producer, () => {
      if (registrations.get(address) === registration) registrations.delete(address)
    })
    const registration: Registration = { ...relay, owner, producer }
    registrations.set(address, registration)
    diagnostics.event('routing/relay-registered', { relay: address })
    relay.reply(route, encodeBareString(address))
  }

  const handleMessage = (message: LocalMessage): void | Promise<void> => {
    const { origin, returnRoute } = message
    const delivering = returnRoute.next
    if (origin === undefined || delivering === undefined || router.flowControls.producerAt(delivering) !== origin) {
      return refuse('not registered from another node')
    }
    if (returnRoute.length < 2) return refuse('no hop of the registering side')
    const requested = requestedName(message.payload)
    if (requested === undefined || !NAME.test(requested)) return refuse('the name is not 1 to 64 letters, digits, or any of _ . -')
    const name = requested === ANY_NAME ? randomName(random.bytes(16)) : requested
    return register(name, returnRoute, origin, peerOf(message)?.identifier.toString() ?? origin.flowControlId)
  }

  const worker = router.startWorker(
    main,
    { handleMessage },
    { from: options.from ?? 'anyone', aliases, overflow: 'drop', ...(options.incoming && { incoming: options.incoming }) },
  )
  return {
    get relays(): readonly string[] {
      return [...registrations.keys()]
    },
    async close() {
      await worker.close()
      await Promise.all([...registrations.values()].map((registration) => registration.close()))
    },
  }
}

/** A BARE string, or the map `{1: name, …}` of Elixir clients. Undefined when it is neither. */
function requestedName(body: Uint8Array): string | undefined {
  if (body.length === 0 || body.length > MAX_BODY) return undefined
  try {
    const bare = new BareReader(body, { what: 'relay registration' })
    const name = bare.string()
    if (bare.remaining === 0) return name
  } catch {
    // Not BARE: perhaps the other form.
  }
  try {
    const reader = new CborReader(body, { what: 'relay registration' })
    reader.beginMap()
    return reader.nextKey() === 1 ? reader.text() : undefined
  } catch {
    return undefined
  }
}

function randomName(bytes: Uint8Array): string {
  let name = ''
  for (const byte of bytes) name += byte.toString(16).padStart(2, '0')
  return name
}
