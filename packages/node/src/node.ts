/** A running node: what most programs need of the packages below it, and those packages themselves for the rest. */

import {
  type Address,
  type AnyWorker,
  type CloseOptions,
  type ConnectionHandle,
  type ConnectionOptions,
  dropPressure,
  type ListenerHandle,
  type LocalMessage,
  MultiAddr,
  type MultiAddrProtocol,
  type Pressure,
  type RequestOptions,
  type ResolvedRoute,
  Route,
  type RouteLike,
  type Router,
  type Vault,
  type WorkerHandle,
  type WorkerOptions,
} from '@ockam/core'
import type { CreateIdentityOptions, IdentityRegistry, OwnIdentity } from '@ockam/identity'
import { type RelayService, type RelayServiceOptions, type SessionSet, startRelayService } from '@ockam/routing'
import type { ChannelListener, SecureChannels } from '@ockam/secure-channel'
import { type ChannelIdentity, identifierOf, isMultiAddr, secureHops, splitListener, trustMissing } from './address.ts'
import { NodeChannel } from './node-channel.ts'
import type { NodeSession } from './node-session.ts'
import { type CreateRelayOptions, type NodeRelay, registerNode } from './relay-registration.ts'
import { openNodeSession, type OpenSessionOptions, type SessionOpeningServices } from './session-opening.ts'
import { TimeLimit, within } from './time-limit.ts'

export interface ListenSecureChannelsOptions
  extends ChannelIdentity,
    Omit<Parameters<SecureChannels['createListener']>[1], 'identity' | 'trust'> {}

export interface OpenSecureChannelOptions extends ChannelIdentity, RequestOptions {
  /** Identity and trust for each `secure` hop before the last, in order. */
  readonly hops?: readonly ChannelIdentity[]
}

export interface NodeParts {
  readonly router: Router
  readonly identities: IdentityRegistry
  readonly channels: SecureChannels
  readonly vault: Vault
  readonly sessions: SessionSet
  readonly protocols: readonly MultiAddrProtocol[]
  readonly release: () => Promise<void>
}

export class OckamNode implements AsyncDisposable {
  readonly router: Router
  readonly identities: IdentityRegistry
  readonly channels: SecureChannels
  readonly vault: Vault
  /** Keeps routes open: those of {@link openSession}, of relays, and what else is given to it, such as portals. */
  readonly sessions: SessionSet
  readonly #parts: NodeParts
  readonly #sessions = new Set<NodeSession>()
  /** Aborts when closing is to come to its end. */
  readonly #hurry = new AbortController()
  #closed: Promise<void> | undefined

  /** @internal Use {@link createNode}. */
  constructor(parts: NodeParts) {
    this.router = parts.router
    this.identities = parts.identities
    this.channels = parts.channels
    this.vault = parts.vault
    this.sessions = parts.sessions
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
   * Registers this node with a relay: others then reach it at `forward_to_<name>` there. When the connection is lost, or the relay starts anew, the
   * node registers again, unless `isKept` is false. The connection is closed with the relay.
   *
   * The first registration has to succeed; `isFirstRequired: false` goes on trying.
   * @param at the relay's node: `/dnsaddr/relay.example.com/tcp/4000`, with `/secure/<listener>` behind it when the registration itself goes through
   * a channel (then `identity` and `trust` are for that channel, and the name belongs to the identity instead of the connection).
   */
  createRelay(at: MultiAddr | string, options: CreateRelayOptions = {}): Promise<NodeRelay> {
    return registerNode(this.router, this.sessions, MultiAddr.from(at, this.#parts.protocols), options)
  }

  /**
   * Opens a way to another node and keeps it open: it is watched by pings, opened again when it is lost, and falls back to further addresses when the
   * first is not usable. Returns at once; the session is up when the other node was heard.
   *
   * A secure channel in the address is moved to the next way rather than opened anew, as long as both programs live: what stands on it goes on.
   * @param to addresses of the other node, the primary one first: `/dnsaddr/…/tcp/4000/service/forward_to_x/secure/api`. Behind a channel there may be
   * a worker of that node.
   * @throws {OckamError} `node/invalid-argument`, `node/no-secure-hop`, `secure-channel/trust-missing`, `routing/invalid-argument`; nothing was dialled.
   */
  openSession(to: MultiAddr | string | readonly (MultiAddr | string)[], options: OpenSessionOptions = {}): NodeSession {
    const { router, sessions } = this
    const { protocols } = this.#parts
    const openSecureChannel: SessionOpeningServices['openSecureChannel'] = (address, channel) => this.openSecureChannel(address, channel)
    const session = openNodeSession({ router, sessions, protocols, openSecureChannel }, to, options)
    this.#sessions.add(session)
    dropPressure(session.closed.then(() => void this.#sessions.delete(session)))
    return session
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
   * Stops taking messages, drains, says goodbye to channels, closes connections, keys and the store. Each is closed whatever happened to the others.
   * Idempotent; a later call may be more urgent.
   * @param options.timeoutMs how long peers that do not read may hold this up; the rest ends by force. Default 5000 each for sessions, channels and
   * connections. When the signal aborts, all of it ends by force at once.
   * @throws {OckamError} `node/invalid-argument`, and then nothing was closed; `signal.reason`; the first error of what was closed.
   */
  async close(options: CloseOptions = {}): Promise<void> {
    // Checked before anything is remembered: a node must not become impossible to close.
    const limit = new TimeLimit(this.router.services.clock, options, 'Closing a node')
    const hurry = (): void => this.#hurry.abort()
    try {
      if (limit.signal.aborted) hurry()
      else limit.signal.addEventListener('abort', hurry, { once: true })
      this.#closed ??= this.#close(options)
      await this.#closed
      if (options.signal?.aborted === true) throw options.signal.reason
    } finally {
      limit.end()
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close({ timeoutMs }: CloseOptions): Promise<void> {
    const { signal } = this.#hurry
    const options = timeoutMs === undefined ? { signal } : { signal, timeoutMs }
    const { clock } = this.router.services
    // Sessions come first, or they would open again what is closed; relays last, because goodbyes go through them.
    const steps = [
      () => within(clock, everyEnd([...this.#sessions].map((session) => session.close())), options),
      () => this.channels.close(options),
      () => within(clock, this.sessions.close(), options),
      () => this.router.close(options),
      () => this.#parts.release(),
    ]
    const errors: unknown[] = []
    for (const step of steps) {
      // That it was hurried is an error of the call that did so, not of closing.
      await step().catch((error: unknown) => error === signal.reason || errors.push(error))
    }
    if (errors.length > 0) throw errors[0]
  }
}

/** Waits for all of them. @throws what the first one rejected with. */
async function everyEnd(ends: readonly Promise<void>[]): Promise<void> {
  for (const outcome of await Promise.allSettled(ends)) if (outcome.status === 'rejected') throw outcome.reason
}
