/** A running node: what most programs need of the packages below it, and those packages themselves for the rest. */

import {
  Address,
  type AnyWorker,
  type ConnectionHandle,
  type ConnectionOptions,
  type Identifier,
  type ListenerHandle,
  type LocalMessage,
  MultiAddr,
  type MultiAddrProtocol,
  OckamError,
  type Pressure,
  type RequestOptions,
  type ResolvedRoute,
  type ResolveOptions,
  Route,
  type RouteLike,
  type Router,
  type TrustPolicy,
  type Vault,
  type WorkerHandle,
  type WorkerOptions,
} from '@ockam/core'
import type { CreateIdentityOptions, IdentityRegistry, OwnIdentity } from '@ockam/identity'
import {
  createRelayClient,
  type RelayClientOptions,
  type RelayHandle,
  type RelayService,
  type RelayServiceOptions,
  startRelayService,
} from '@ockam/routing'
import type { ChannelListener, SecureChannels } from '@ockam/secure-channel'
import { NodeChannel } from './node-channel.ts'
import { TimeLimit } from './time-limit.ts'

/** Own identity: what `createIdentity` returned, an identifier, or its text. */
export type IdentityLike = OwnIdentity | Identifier | string

/** What has no default for a channel: as whom to speak, and whom to trust. */
export interface ChannelIdentity {
  readonly identity: IdentityLike
  readonly trust: TrustPolicy
}

export interface ListenSecureChannelsOptions
  extends ChannelIdentity,
    Omit<Parameters<SecureChannels['createListener']>[1], 'identity' | 'trust'> {}

export interface OpenSecureChannelOptions extends ChannelIdentity, RequestOptions {
  /** Identity and trust for each `secure` hop before the last, in order. */
  readonly hops?: readonly ChannelIdentity[]
}

export interface CreateRelayOptions extends RelayClientOptions, Partial<ChannelIdentity> {}

export interface NodeParts {
  readonly router: Router
  readonly identities: IdentityRegistry
  readonly channels: SecureChannels
  readonly vault: Vault
  readonly protocols: readonly MultiAddrProtocol[]
  readonly release: () => Promise<void>
}

export class OckamNode implements AsyncDisposable {
  readonly router: Router
  readonly identities: IdentityRegistry
  readonly channels: SecureChannels
  readonly vault: Vault
  readonly #parts: NodeParts
  #closed: Promise<void> | undefined

  /** @internal Use {@link createNode}. */
  constructor(parts: NodeParts) {
    this.router = parts.router
    this.identities = parts.identities
    this.channels = parts.channels
    this.vault = parts.vault
    this.#parts = parts
  }

  /** The identity of that name, made when there is none; a new one every time without a name. */
  createIdentity(options: CreateIdentityOptions = {}): Promise<OwnIdentity> {
    const { name, ...others } = options
    return name === undefined ? this.identities.create(others) : this.identities.getOrCreate(name, others)
  }

  /** Starts a worker; through secure channels only, unless `from` says otherwise. @throws {OckamError} `routing/address-in-use` */
  startWorker(address: Address | string, worker: AnyWorker, options?: WorkerOptions): WorkerHandle {
    return this.router.startWorker(address, worker, options)
  }

  /** Takes connections: `/ip4/0.0.0.0/tcp/4000`. The handle knows the address that was really bound. */
  listen(address: MultiAddr | string): Promise<ListenerHandle> {
    return this.router.listen(address)
  }

  /** Opens a connection to be used with plain routes: `[connection.address, 'echo']`. */
  connect(address: MultiAddr | string, options?: ConnectionOptions): Promise<ConnectionHandle> {
    return this.router.connect(address, options)
  }

  /** Accepts secure channels at a worker address, whichever way messages reach it. */
  listenSecureChannels(address: Address | string, options: ListenSecureChannelsOptions): Promise<ChannelListener> {
    return this.channels.createListener(address, { ...options, identity: identifierOf(options.identity) })
  }

  /**
   * Opens a channel to a listener: connects what the address names from the left, and shakes hands end to end with its last piece, `/secure/api`.
   * What was opened on the way is closed with the channel.
   *
   * The channel is there when this side has seen the peer's proof and sent its own. Whether the peer accepts it shows with the first answer: a peer that
   * refuses says nothing.
   * @param to a MultiAddr that ends with `/secure/<listener>`, or a route to a listener for which everything is open already.
   * @throws {OckamError} `node/not-a-listener`, `secure-channel/…`, `routing/…`, `transport/…`
   */
  async openSecureChannel(to: MultiAddr | RouteLike, options: OpenSecureChannelOptions): Promise<NodeChannel> {
    const limit = new TimeLimit(this.router.services.clock, options, `Opening a secure channel to ${to.toString()}`)
    const { signal } = options
    const side = { identity: identifierOf(options.identity), trust: options.trust, ...(signal && { signal }) }
    let before: ResolvedRoute | undefined
    try {
      if (!isMultiAddr(to)) {
        const route = Route.from(to)
        return new NodeChannel(this.router, await this.channels.createChannel(route, { ...side, ...limit.left }), route.withoutRecipient())
      }
      const { way, listener } = splitListener(MultiAddr.from(to, this.#parts.protocols))
      const hops = secureHops(way, options.hops ?? [])
      if (options.identity === undefined || options.trust === undefined) throw trustMissing()
      if (way.length > 0) before = await this.router.resolve(way, { ...hops, ...limit.left, signal: limit.signal })
      const route = before?.route ?? Route.empty
      const channel = await this.channels.createChannel(route.concat(listener), { ...side, ...limit.left })
      return new NodeChannel(this.router, channel, before ?? route)
    } catch (error) {
      await before?.close()
      throw error
    } finally {
      limit.end()
    }
  }

  /** Lets parties that cannot be dialled register here and be reached at `forward_to_<name>`. */
  startRelayService(options?: RelayServiceOptions): RelayService {
    return startRelayService(this.router, options)
  }

  /**
   * Registers this node with a relay: others then reach it at `forward_to_<name>` there. The connection is closed with the relay.
   * @param at the relay's node: `/dnsaddr/relay.example.com/tcp/4000`, with `/secure/<listener>` behind it when the registration itself goes through
   * a channel (then `identity` and `trust` are for that channel).
   */
  async createRelay(at: MultiAddr | string, options: CreateRelayOptions = {}): Promise<RelayHandle> {
    const { identity, trust, ...client } = options
    const address = MultiAddr.from(at, this.#parts.protocols)
    if ((identity === undefined) !== (trust === undefined)) throw trustMissing()
    const hops = secureHops(address, identity === undefined || trust === undefined ? [] : [{ identity, trust }])
    const limit = new TimeLimit(this.router.services.clock, options, `Registering with the relay at ${address.toString()}`)
    let route: ResolvedRoute | undefined
    try {
      const open = await this.router.resolve(address, { ...hops, ...limit.left, signal: limit.signal })
      route = open
      const relay = await createRelayClient(this.router, open, { ...client, ...limit.left })
      const close = async (): Promise<void> => {
        await relay.close()
        await open.close()
      }
      return { ...relay, close, [Symbol.asyncDispose]: close }
    } catch (error) {
      await route?.close()
      throw error
    } finally {
      limit.end()
    }
  }

  /** Sends from outside any worker; nothing comes back. */
  send(route: RouteLike, payload: Uint8Array): Pressure {
    return this.router.context.send(route, payload)
  }

  /** Sends raw bytes and waits for the first answer. @throws {OckamError} `routing/timeout` */
  request(route: RouteLike, payload: Uint8Array, options?: RequestOptions): Promise<LocalMessage> {
    return this.router.context.request(route, payload, options)
  }

  /**
   * Stops taking messages, drains, says goodbye to channels, closes connections, keys and the store. Idempotent.
   * @param options.timeoutMs how long peers that do not read may hold this up. Default 5000 for channels and for connections.
   */
  close(options: { readonly timeoutMs?: number } = {}): Promise<void> {
    const { timeoutMs } = options
    // Checked before anything is remembered: a node must not become impossible to close.
    if (timeoutMs !== undefined && !(timeoutMs > 0)) {
      const problem = `timeoutMs is a positive number of milliseconds; got ${timeoutMs}.`
      return Promise.reject(new OckamError('node/invalid-argument', problem))
    }
    this.#closed ??= this.#close(options)
    return this.#closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(options: { readonly timeoutMs?: number }): Promise<void> {
    try {
      await this.channels.close(options)
      await this.router.close(options)
    } finally {
      await this.#parts.release()
    }
  }
}

function identifierOf(identity: IdentityLike): Identifier | string {
  return typeof identity === 'object' && 'identifier' in identity ? identity.identifier : identity
}

/** What stands in front of the listener, and the listener as a route. */
function splitListener(address: MultiAddr): { readonly way: MultiAddr; readonly listener: Route } {
  const last = address.pieces.at(-1)
  if (last?.name !== 'secure') {
    throw new OckamError('node/not-a-listener', `"${address}" does not end with a secure-channel listener, such as /secure/api.`)
  }
  return { way: address.slice(0, -1), listener: Route.of(Address.local(String(last.value))) }
}

/** Identity and trust for the secure hops of an address, as the router wants them: the last apart. Each hop has its own, and none is left over. */
function secureHops(address: MultiAddr, given: readonly ChannelIdentity[]): Pick<ResolveOptions, 'identity' | 'trust' | 'hops'> {
  const needed = address.pieces.filter(({ name }) => name === 'secure').length
  if (given.length > needed) {
    throw new OckamError(
      'node/no-secure-hop',
      `"${address}" has ${needed} secure hops, but identity and trust were given for ${given.length}: they would protect nothing. Add /secure/<listener> to the address, or leave them out.`,
    )
  }
  if (given.length < needed) throw trustMissing()
  const hops = given.map(({ identity, trust }) => ({ identity: identifierOf(identity), trust }))
  return { hops: hops.slice(0, -1), ...hops.at(-1) }
}

function trustMissing(): OckamError {
  return new OckamError(
    'secure-channel/trust-missing',
    'Each secure hop of an address needs an identity to speak as and a policy whom to trust: give both, for every hop. Nothing was dialled.',
  )
}

/** Text that starts with a slash is a MultiAddr; everything else is a route. */
function isMultiAddr(to: MultiAddr | RouteLike): to is MultiAddr | string {
  return MultiAddr.is(to) || (typeof to === 'string' && to.startsWith('/'))
}
