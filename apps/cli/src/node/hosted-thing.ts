/** What commands have made on a node, by the names people use for them. */

import type { ConnectionHandle, ListenerHandle } from '@ockam/core'
import type { ChannelListener, NodeChannel, NodeRelay, NodeSession } from '@ockam/node'
import type { TcpInlet, TcpOutlet } from '@ockam/portals'
import { conflictError, notFoundError } from '../error.ts'

export interface HostedService {
  /** `echo`, `uppercase`, `relay` or `hop`. */
  readonly type: string
  /** Undefined for what cannot be stopped alone. */
  readonly close: (() => Promise<void>) | undefined
}

export interface HostedChannelListener {
  readonly listener: ChannelListener
  readonly identity: string
  readonly authorized: readonly string[]
}

export interface HostedConnection {
  readonly handle: ConnectionHandle
  /** `host:port` as it was asked for. */
  readonly to: string
}

export interface HostedChannel {
  readonly channel: NodeChannel
  readonly to: string
  readonly identity: string
  readonly authorized: readonly string[]
}

export interface HostedRelay {
  /** What the relay is called at its node, as asked for: `forward_to_db`. */
  readonly address: string
  readonly handle: NodeRelay
  readonly at: string
}

export interface HostedInlet {
  readonly inlet: TcpInlet
  /** Keeps the way to the outlet's node open. */
  readonly session: NodeSession
  readonly to: readonly string[]
}

export interface HostedOutlet {
  readonly outlet: TcpOutlet
  readonly allowed: readonly string[]
}

/** Things of one kind. */
export class NamedThings<Thing> {
  readonly #kind: string
  readonly #things = new Map<string, Thing>()
  /** Names of things that are being made. */
  readonly #reserved = new Set<string>()

  /** @param kind for messages: `relay`. */
  constructor(kind: string) {
    this.#kind = kind
  }

  /** @throws {CommandError} `cli/conflict` */
  requireFree(name: string): void {
    if (this.#things.has(name) || this.#reserved.has(name)) {
      throw conflictError(`A ${this.#kind} "${name}" exists already.`, `Choose another name, or delete it first.`)
    }
  }

  add(name: string, thing: Thing): void {
    this.requireFree(name)
    this.#things.set(name, thing)
  }

  /** Makes a thing whose name nobody else takes meanwhile. @throws {CommandError} `cli/conflict`, and what making it fails with. */
  async make(name: string, make: () => Promise<Thing>): Promise<void> {
    this.requireFree(name)
    this.#reserved.add(name)
    try {
      this.#things.set(name, await make())
    } finally {
      this.#reserved.delete(name)
    }
  }

  find(name: string): Thing | undefined {
    return this.#things.get(name)
  }

  /** @throws {CommandError} `cli/not-found` */
  get(name: string): Thing {
    const thing = this.#things.get(name)
    if (thing !== undefined) return thing
    throw notFoundError(`${this.#kind} "${name}" not found on this node.`, `See which there are: ockam ${this.#kind} list`)
  }

  remove(name: string): void {
    this.#things.delete(name)
  }

  entries(): readonly (readonly [string, Thing])[] {
    return [...this.#things]
  }
}

export class HostedThings {
  readonly services: NamedThings<HostedService> = new NamedThings('service')
  readonly listeners: NamedThings<ListenerHandle> = new NamedThings('tcp-listener')
  readonly connections: NamedThings<HostedConnection> = new NamedThings('tcp-connection')
  readonly channelListeners: NamedThings<HostedChannelListener> = new NamedThings('secure-channel-listener')
  readonly channels: NamedThings<HostedChannel> = new NamedThings('secure-channel')
  readonly relays: NamedThings<HostedRelay> = new NamedThings('relay')
  readonly inlets: NamedThings<HostedInlet> = new NamedThings('tcp-inlet')
  readonly outlets: NamedThings<HostedOutlet> = new NamedThings('tcp-outlet')
}
