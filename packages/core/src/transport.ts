/**
 * Transports: what carries messages between nodes. A transport moves bytes and knows nothing of workers; the router alone makes the addresses
 * by which connections are reached, and strips and adds hops, so that no transport can get flow control wrong.
 */

import type { TransportMessage } from './message.ts'
import type { MultiAddr, MultiAddrProtocol } from './multiaddr/index.ts'
import type { Clock, Diagnostics, Random, Turns } from './platform.ts'
import type { Pressure } from './pressure.ts'
import type { Cancellable } from './vault.ts'

/** Why a connection ended. */
export type ClosedReason = 'local' | 'peer' | 'error'

export interface Connection {
  /** Where the other end is, for people: `/ip4/127.0.0.1/tcp/40112`. */
  readonly remote: string
  /**
   * Writes a message; the routes are as they go on the wire. A message that cannot be encoded (too large) throws `transport/…`; a connection that
   * is gone swallows it.
   */
  send(message: TransportMessage): Pressure
  /** Resolves once, when nothing more will be delivered and nothing more can be sent. */
  readonly closed: Promise<ClosedReason>
  /** Sends what was accepted, then closes. Idempotent. */
  close(): Promise<void>
}

/** Optional capability: all that waits in one write. `messages` is borrowed for the call. */
export interface BatchConnection {
  sendBatch(messages: readonly TransportMessage[]): Pressure
}

/**
 * Optional capability: where the other end is on the network, for shares and quotas. It must be something the other end cannot choose at will, and the
 * same for all connections from one place.
 */
export interface AddressedConnection {
  /**
   * An IP address without port (`192.0.2.1`, `2001:db8::1`), or another name of the place: 1 to 256 printable ASCII characters, no spaces. Undefined when it
   * is not known. Does not change while the connection lives.
   */
  readonly remoteAddress: string | undefined
}

/** Where a transport hands over what arrives. Implemented by the router. */
export interface TransportServices {
  readonly clock: Clock
  readonly random: Random
  readonly turns: Turns
  readonly diagnostics: Diagnostics
  /** Most addresses a message may carry in onward and return route together: a limit for decoders. */
  readonly maxAddresses: number
  /**
   * One received message, in order. The routes are as they were on the wire. `isExclusive`: nobody else holds the memory of the payload, and the
   * transport will not use it again. While the pressure lasts the transport reads no more from that connection.
   */
  deliver(connection: Connection, message: TransportMessage, isExclusive: boolean): Pressure
  /** A listener took a connection. False when the node refuses it (limit, shutdown); the transport then closes it. Called before any `deliver` for it. */
  accepted(listener: TransportListener, connection: Connection): boolean
}

export interface TransportListener {
  /** The address that was really bound, with its port. */
  readonly address: MultiAddr
  readonly closed: Promise<void>
  /** Stops listening. Connections it took live on. */
  close(): Promise<void>
}

export interface ConnectOptions extends Cancellable {
  /** Default 15 000. */
  readonly timeoutMs?: number
}

export interface Transport {
  /**
   * Opens a connection to the hop, such as `/dnsaddr/example.com/tcp/4000`.
   * @throws {OckamError} `transport/connect-failed`, `transport/timeout`; rejects with `signal.reason` when aborted.
   */
  connect(hop: MultiAddr, options?: ConnectOptions): Promise<Connection>
  /** @throws {OckamError} `transport/listen-failed` */
  listen(address: MultiAddr): Promise<TransportListener>
  /** Closes listeners and connections. */
  close(): Promise<void>
}

/** A plug-in: options were taken before, node services come now. */
export interface TransportFactory {
  /** The MultiAddr names this transport adds (`[]` when the built-in ones are all it needs). */
  readonly protocols: readonly MultiAddrProtocol[]
  /**
   * The hops it connects and listens to, as sequences of protocol names; the first that fits wins: `[['ip4', 'tcp'], ['dnsaddr', 'tcp']]`.
   * Default: each of `protocols`, behind `ip4`, `ip6` or `dnsaddr` when its value is a port, otherwise alone.
   */
  readonly hops?: readonly (readonly string[])[]
  create(services: TransportServices): Transport
}

/** Codes every transport throws. */
export type TransportErrorCode =
  | 'transport/connect-failed'
  | 'transport/listen-failed'
  | 'transport/timeout'
  | 'transport/closed'
  /** The message is over the transport's limit. */
  | 'transport/message-too-large'
  /** The MultiAddr is not one this transport can use. */
  | 'transport/unsupported-address'
  | 'transport/invalid-argument'
