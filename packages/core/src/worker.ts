/**
 * Workers: what receives messages. One message at a time, in order; while a handler's promise is pending the next message waits, and with it, in
 * the end, the socket the messages come from.
 */

import type { AccessControl, OutgoingAccessControl } from './access-control.ts'
import type { Address } from './address.ts'
import type { LocalInfo, LocalMessage, Producer } from './message.ts'
import type { Pressure } from './pressure.ts'
import type { Route, RouteLike } from './route.ts'
import type { Cancellable } from './vault.ts'

/** A worker with a life cycle. An error of `handleMessage` is reported to diagnostics; the worker goes on with the next message. */
export interface Worker {
  /** Called once before the first message; when it throws, the worker stops. */
  start?(context: Context): void | Promise<void>
  /** Return a promise (a {@link Pressure} for instance) to receive nothing more until it settles. */
  handleMessage(message: LocalMessage, context: Context): void | Promise<void>
  /** Called once after the last message. */
  stop?(context: Context): void | Promise<void>
}

/** A worker that takes everything that waits at once, in order. `messages` is borrowed: it is reused after the call, or after its promise. */
export interface BatchWorker {
  start?(context: Context): void | Promise<void>
  handleBatch(messages: readonly LocalMessage[], context: Context): void | Promise<void>
  stop?(context: Context): void | Promise<void>
}

/** The short form of a worker: one function. */
export type WorkerFunction = (message: LocalMessage, context: Context) => void | Promise<void>

export type AnyWorker = Worker | BatchWorker | WorkerFunction

/** Something with a flow-control id of its own that spawns producers: a transport listener, a channel listener. */
export interface Spawner {
  readonly flowControlId: string
}

/**
 * Who may reach a worker.
 * - `channels`: every secure-channel listener of the node, present or future; a message without a channel identity is refused.
 * - `local`: this node's own workers only.
 * - `anyone`: every producer, on every transport.
 * - a list: what those listeners spawned.
 *
 * Messages of the node's own workers reach all but `channels` workers, which need an identity.
 */
export type Reachability = 'channels' | 'local' | 'anyone' | readonly Spawner[]

export interface WorkerOptions {
  /** Default `channels`. */
  readonly from?: Reachability
  /** A further address of the same worker, with the same queue. */
  readonly aliases?: readonly (Address | string)[]
  /** Asked for every message that is reachable. Default: all. */
  readonly incoming?: AccessControl
  /** Asked for every message this worker sends. Default: all. */
  readonly outgoing?: OutgoingAccessControl
  /** What happens to messages that find the mailbox full: the sender waits (default), or they are dropped and counted. */
  readonly overflow?: 'wait' | 'drop'
  /** Bounds of the mailbox. Defaults: 1024 messages, 1 MiB of payload. */
  readonly maxMessages?: number
  readonly maxBytes?: number
  /**
   * Set for workers that stand for something outside the node (a connection, a channel): replies to it are expected from this producer, and
   * routes through it count as leaving the node.
   */
  readonly producer?: Producer
  /**
   * True when the worker reads payloads within its handler and keeps no view of them (transports, encryptors, forwarders). Otherwise a payload much
   * smaller than the memory it is a view of is copied, so that it does not pin that memory.
   */
  readonly isTransit?: boolean
  /**
   * True when the worker passes messages of many senders on to many places with {@link Context.forward}. It then waits for none of these places: where one
   * asks to wait, whoever sent the message is asked to, the next time it sends something here, and `forward` gives back nothing. So nobody who sends
   * through the worker is stopped by what others send through it. Otherwise what is forwarded is on the worker's own account.
   */
  readonly isForwarder?: boolean
}

/** How long closing may wait for what is under way. When the signal aborts, it ends by force at once and rejects with `signal.reason`. */
export interface CloseOptions extends Cancellable {
  /** After this it ends by force: handlers at work are not waited for, what waits is dropped and counted. Default 5000; `Infinity` waits for ever. */
  readonly timeoutMs?: number
}

/** A running worker. */
export interface WorkerHandle extends AsyncDisposable {
  readonly address: Address
  /** Resolves when the worker has stopped. */
  readonly stopped: Promise<void>
  /**
   * Takes no more messages, handles those that wait, calls `stop`; by force when its time is over. Idempotent; a later call may be more urgent.
   * Called by the worker's own handler, before that has awaited anything, it resolves at once: the worker stops behind that handler.
   */
  close(options?: CloseOptions): Promise<void>
}

/** A message as a worker makes it; what is left out has the value of a new local message. */
export interface OutgoingMessage {
  readonly onwardRoute: Route
  readonly returnRoute: Route
  readonly payload: Uint8Array
  readonly localInfo?: readonly LocalInfo[]
  readonly origin?: Producer | undefined
  readonly forwards?: number
  /** True only when nobody will look at the payload any more, its sender included: it may be written to, and may have no bytes when it was sent. */
  readonly isExclusive?: boolean
}

export interface RequestOptions {
  /** Default 30 000. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

/**
 * What a worker sees of its node. Sending throws synchronously for local mistakes: `routing/unknown-address`, `routing/invalid-route`,
 * `routing/mailbox-overflow` (pressure was ignored for too long), `routing/stopped`.
 */
export interface Context {
  /** The main address of this worker. */
  readonly address: Address
  /** Sends a new message; its return route is this worker's address. The payload is immutable from now on. */
  send(route: RouteLike, payload: Uint8Array): Pressure
  /**
   * Answers a received message along its return route, and waits for nobody: where its first hop has no room, because whoever asked does not read, the
   * answer is dropped. So are answers to nobody any more, and answers to `echo`, to `uppercase` and to a worker of this one's name, which would answer in
   * turn. What is dropped is counted and told to diagnostics. An answer counts as a forward; a message without a return route wants none.
   *
   * This is how a service answers whom it does not know: one that waits for each of its askers stands still when a single one does not read.
   * @param returnRoute of the answer. Default: this worker's address.
   * @throws {OckamError} `routing/stopped`
   */
  reply(message: LocalMessage, payload: Uint8Array, returnRoute?: Route): void
  /**
   * Passes a received message on along a new onward route, with its local info, origin and forward count. Of a worker that {@link WorkerOptions.isForwarder}
   * it asks to wait for nothing.
   * @param returnRoute default: the message's own, unchanged.
   */
  forward(message: LocalMessage, onwardRoute: Route, returnRoute?: Route): Pressure
  /** Full control: for transports, channels and relays. */
  dispatch(message: OutgoingMessage): Pressure
  /**
   * Sends from a fresh address and waits for the first answer to it. The fresh address may receive from wherever the route's first hop leads.
   * @throws {OckamError} `routing/timeout`; rejects with `signal.reason` when aborted.
   */
  request(route: RouteLike, payload: Uint8Array, options?: RequestOptions): Promise<LocalMessage>
}

/** A mailbox without a worker: messages are taken when one wants them. */
export interface Mailbox extends Context, AsyncDisposable {
  /** The next message. @throws {OckamError} `routing/timeout`, `routing/stopped`. */
  receive(options?: RequestOptions): Promise<LocalMessage>
  close(): Promise<void>
}
