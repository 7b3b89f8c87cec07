/**
 * The router as its neighbours see it: secure channels, portals and relays are written against this interface, not against `@ockam/routing`.
 */

import type { Address } from './address.ts'
import type { FlowControls } from './flow-control.ts'
import type { TrustPolicy } from './identities.ts'
import type { Identifier } from './identifier.ts'
import type { Producer } from './message.ts'
import type { MultiAddr } from './multiaddr/index.ts'
import type { Clock, Diagnostics, Random, Turns } from './platform.ts'
import type { Route } from './route.ts'
import type { ClosedReason, ConnectOptions, TransportFactory } from './transport.ts'
import type { AnyWorker, CloseOptions, Context, Mailbox, Reachability, Spawner, WorkerHandle, WorkerOptions } from './worker.ts'

/** What a node lends to the parts plugged into it. */
export interface NodeServices {
  readonly clock: Clock
  readonly random: Random
  readonly turns: Turns
  readonly diagnostics: Diagnostics
  /** Most addresses a message may carry in onward and return route together, for whoever decodes messages. */
  readonly maxAddresses: number
}

/** An open connection as an address of this node: send to `[address, …]` to reach the other side. */
export interface ConnectionHandle extends AsyncDisposable {
  readonly address: Address
  readonly producer: Producer
  readonly remote: string
  readonly closed: Promise<ClosedReason>
  close(): Promise<void>
}

/** A transport listener; also a {@link Spawner}. */
export interface ListenerHandle extends Spawner, AsyncDisposable {
  readonly address: MultiAddr
  close(): Promise<void>
}

/** A route that is ready for use, and what was opened for it. */
export interface ResolvedRoute {
  readonly route: Route
  /** Where answers come from: the connection or channel behind the first hop. Undefined for local routes. */
  readonly producer: Producer | undefined
  /** Resolves when something the route depends on is gone. */
  readonly closed: Promise<void>
  /** Closes what was opened for this route. */
  close(): Promise<void>
}

/** Own identity and trust for one `secure` hop. Both have no default: who is trusted is always written down. */
export interface SecureHop {
  readonly identity: Identifier | string
  readonly trust: TrustPolicy
}

export interface ResolveOptions extends ConnectOptions {
  /** For the last `secure` hop. */
  readonly identity?: Identifier | string
  readonly trust?: TrustPolicy
  /** For the `secure` hops before it, in order. */
  readonly hops?: readonly SecureHop[]
  /** Who may send through connections opened for this route. Default `local`. */
  readonly from?: Reachability
}

/** Turns a hop of a MultiAddr into a route. Transports are registered as such by the router; secure-channel registers `secure`. */
export interface HopResolver {
  /** Protocol-name sequences it resolves: `[['secure']]`. */
  readonly hops: readonly (readonly string[])[]
  /** @param before what the pieces before this hop became; the result replaces it together with the hop. @param secure for `secure` hops. */
  resolve(
    hop: MultiAddr,
    before: ResolvedRoute | undefined,
    options: ResolveOptions & { readonly secure?: SecureHop },
  ): Promise<ResolvedRoute>
}

export interface ConnectionOptions extends ConnectOptions {
  /** Who may send through this connection to its other side: gateways and relays need more than the default `local`. */
  readonly from?: Reachability
}

/** Counters since the router was made. A remote party learns none of them. */
export interface RouterStatistics {
  readonly delivered: number
  /**
   * Dropped messages by reason, such as `unknown-address`, `not-reachable`, `denied-incoming`, `denied-outgoing`, `mailbox-full`, `node-full`, `deadlock`,
   * `loop`, `stopped`; of answers `nobody-reads`, `nobody-there`, `goes-to-a-service`.
   */
  readonly dropped: Readonly<Record<string, number>>
  readonly workers: number
  readonly connections: number
  readonly waitingMessages: number
  /** Memory that those messages hold. */
  readonly waitingBytes: number
}

export interface Router extends AsyncDisposable {
  readonly services: NodeServices
  readonly flowControls: FlowControls
  /** For sending from outside any worker. */
  readonly context: Context
  /**
   * @param address a name, or undefined for a random one.
   * @throws {OckamError} `routing/address-in-use`, `routing/stopped`.
   */
  startWorker(address: Address | string | undefined, worker: AnyWorker, options?: WorkerOptions): WorkerHandle
  /** A mailbox at a random or given address, reachable like a worker with the same options. */
  createMailbox(address?: Address | string, options?: WorkerOptions): Mailbox
  addTransport(factory: TransportFactory): void
  addHopResolver(resolver: HopResolver): void
  connect(address: MultiAddr | string, options?: ConnectionOptions): Promise<ConnectionHandle>
  listen(address: MultiAddr | string): Promise<ListenerHandle>
  /**
   * Opens what a MultiAddr needs, from the left: connections, then channels. What was opened is closed again when a later hop fails.
   * @throws {OckamError} `routing/unresolvable`, `secure-channel/trust-missing` (before anything is dialled), and what transports and channels throw.
   */
  resolve(address: MultiAddr | string, options?: ResolveOptions): Promise<ResolvedRoute>
  statistics(): RouterStatistics
  /** Addresses of the workers that run, aliases included, in the order they were started: a copy, for people to look at. */
  addresses(): readonly Address[]
  /**
   * Stops taking messages from outside, drains, stops workers, closes transports; by force when its time is over. Idempotent.
   * @throws {OckamError} `routing/invalid-argument`, and then nothing was closed.
   */
  close(options?: CloseOptions): Promise<void>
}
