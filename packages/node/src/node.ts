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
  Route,
  type RouteLike,
  type Router,
  type SecureHop,
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
   * @param to a MultiAddr that ends with `/secure/<listener>`, or a route to a listener for which everything is open already.
   * @throws {OckamError} `node/not-a-listener`, `secure-channel/…`, `routing/…`, `transport/…`
   */
  async openSecureChannel(to: MultiAddr | RouteLike, options: OpenSecureChannelOptions): Promise<NodeChannel> {
    const { timeoutMs, signal } = options
    const waiting = { ...(timeoutMs !== undefined && { timeoutMs }), ...(signal && { signal }) }
    const side = { identity: identifierOf(options.identity), trust: options.trust, ...waiting }
    if (!isMultiAddr(to)) return new NodeChannel(this.router, await this.channels.createChannel(to, side), undefined)
    const address = MultiAddr.from(to, this.#parts.protocols)
    const listener = address.pieces.at(-1)
    if (listener?.name !== 'secure') {
      throw new OckamError('node/not-a-listener', `"${address}" does not end with a secure-channel listener, such as /secure/api.`)
    }
    const hops = options.hops?.map(secureHop)
    const before =
      address.length === 1
        ? undefined
        : await this.router.resolve(address.slice(0, -1), { ...waiting, ...(hops && { hops: hops.slice(0, -1), ...hops.at(-1) }) })
    try {
      const route = (before?.route ?? Route.empty).concat(Route.of(Address.local(String(listener.value))))
      return new NodeChannel(this.router, await this.channels.createChannel(route, side), before)
    } catch (error) {
      await before?.close()
      throw error
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
    const secure = identity !== undefined && trust !== undefined ? { identity: identifierOf(identity), trust } : {}
    const route = await this.router.resolve(MultiAddr.from(at, this.#parts.protocols), {
      ...secure,
      ...(client.signal && { signal: client.signal }),
    })
    try {
      const relay = await createRelayClient(this.router, route, client)
      const close = async (): Promise<void> => {
        await relay.close()
        await route.close()
      }
      return { address: relay.address, closed: relay.closed, close }
    } catch (error) {
      await route.close()
      throw error
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

  /** Stops taking messages, drains, says goodbye to channels, closes connections, keys and the store. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    await this.channels.close()
    await this.router.close()
    await this.#parts.release()
  }
}

function identifierOf(identity: IdentityLike): Identifier | string {
  return typeof identity === 'object' && 'identifier' in identity ? identity.identifier : identity
}

function secureHop({ identity, trust }: ChannelIdentity): SecureHop {
  return { identity: identifierOf(identity), trust }
}

/** Text that starts with a slash is a MultiAddr; everything else is a route. */
function isMultiAddr(to: MultiAddr | RouteLike): to is MultiAddr | string {
  return MultiAddr.is(to) || (typeof to === 'string' && to.startsWith('/'))
}
