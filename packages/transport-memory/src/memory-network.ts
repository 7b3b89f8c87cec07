/**
 * A network within one process: nodes talk over links whose delay, loss, order, duplication, partitions and limits are set, and change, by the test
 * that made it. The same seed, clock and calls give the same run.
 *
 * Not here: bandwidth, and anything between processes.
 */

import {
  type Clock,
  type Connection,
  dropPressure,
  type Pressure,
  systemClock,
  type TransportFactory,
  TransportMessageEncoder,
  type TransportMessage,
} from '@ockam/core'
import { Link, type LinkCounters } from './link.ts'
import { type LinkFilter, LinkRules, type LinkSettings } from './link-setting.ts'
import { MemoryConnection, type Outgoing } from './memory-connection.ts'
import { MEMORY, type MemoryListener, type MemoryNode, MemoryTransport, memoryAddress, type Switchboard } from './memory-transport.ts'
import { RandomStream } from './random-stream.ts'
import type { Tap } from './tap.ts'

export interface MemoryNetworkOptions {
  /** Where all chance comes from. Default 1. */
  readonly seed?: number
  /** Measures delays. Default: the machine's. */
  readonly clock?: Clock
  /** True: every message is encoded and decoded on its way, as a real network would. Default false. */
  readonly encode?: boolean
  /** How all links are at first. */
  readonly link?: LinkSettings
}

export interface MemoryNetwork {
  /** The plug-in for one node. @param name by which rules and taps know it; default `node-1`, `node-2`, … as transports are created. */
  transport(name?: string): TransportFactory
  /** Changes links from now on: all, or those that fit. @throws {OckamError} `transport/invalid-argument` */
  configure(settings: LinkSettings, links?: LinkFilter): void
  /** Nothing crosses between the two, in either direction, until {@link heal}. */
  partition(one: string, other: string): void
  heal(one: string, other: string): void
  /** Lets a tap see all that is sent from now on, behind earlier taps. Returns how to remove it. */
  tap(tap: Tap): () => void
  /** What happened to messages so far. */
  readonly counters: Readonly<LinkCounters>
}

/** `memoryNetwork({ seed: 7, link: { lossRate: 0.1 } })` */
export function memoryNetwork(options: MemoryNetworkOptions = {}): MemoryNetwork {
  return new Network(options)
}

class Network implements MemoryNetwork, Switchboard {
  readonly counters: LinkCounters = { sent: 0, delivered: 0, lost: 0, duplicated: 0, reordered: 0, overLimit: 0 }
  readonly #seed: number
  readonly #clock: Clock
  readonly #isEncoded: boolean
  readonly #rules = new LinkRules()
  readonly #listeners = new Map<string, MemoryListener>()
  readonly #links = new Set<Link>()
  readonly #taps = new Set<Tap>()
  readonly #encoder = new TransportMessageEncoder()
  /** Attempts that wait for a partition to heal. */
  readonly #unanswered = new Set<() => void>()
  #nodes = 0
  #connections = 0

  constructor({ seed = 1, clock = systemClock, encode = false, link = {} }: MemoryNetworkOptions) {
    this.#seed = seed
    this.#clock = clock
    this.#isEncoded = encode
    this.#rules.add(link, {})
  }

  transport(name?: string): TransportFactory {
    return {
      protocols: [MEMORY],
      hops: [['memory']],
      create: (services) => {
        this.#nodes++
        return new MemoryTransport({ name: name ?? `node-${this.#nodes}`, services, connections: new Set() }, this)
      },
    }
  }

  configure(settings: LinkSettings, links: LinkFilter = {}): void {
    this.#rules.add(settings, links)
    for (const link of this.#links) link.settingsChanged()
    for (const answer of this.#unanswered) answer()
  }

  partition(one: string, other: string): void {
    this.#setPartition(one, other, true)
  }

  heal(one: string, other: string): void {
    this.#setPartition(one, other, false)
  }

  tap(tap: Tap): () => void {
    const own: Tap = (tapped) => tap(tapped)
    this.#taps.add(own)
    return () => {
      this.#taps.delete(own)
    }
  }

  register(name: string, listener: MemoryListener): boolean {
    if (this.#listeners.has(name)) return false
    this.#listeners.set(name, listener)
    return true
  }

  unregister(name: string): void {
    this.#listeners.delete(name)
  }

  dial(node: MemoryNode, name: string, onAnswer: (connection: Connection | undefined) => void): () => void {
    let isWanted = true
    const answer = (): void => {
      if (!isWanted) return
      const listener = this.#listeners.get(name)
      if (listener !== undefined && this.#isParted(node.name, listener.node.name)) {
        this.#unanswered.add(answer)
        return
      }
      this.#unanswered.delete(answer)
      isWanted = false
      onAnswer(listener && this.#open(node, listener))
    }
    // Never within the call: connecting takes a turn at least, and there and back when the link is slow.
    const to = this.#listeners.get(name)?.node.name ?? ''
    const waitMs = this.#rules.for(node.name, to).delayMs + this.#rules.for(to, node.name).delayMs
    const timer = this.#clock.schedule(waitMs, () => node.services.turns.afterIo(answer), { isBackground: false })
    return () => {
      isWanted = false
      timer.cancel()
      this.#unanswered.delete(answer)
    }
  }

  #open(node: MemoryNode, listener: MemoryListener): Connection {
    const number = ++this.#connections
    const far = listener.node
    const [near, place] = [memoryAddress(node.name).toString(), memoryAddress(far.name).toString()]
    const dialled: MemoryConnection = new MemoryConnection(listener.address.toString(), place, () => fromDialled)
    const accepted: MemoryConnection = new MemoryConnection(near, near, () => fromAccepted)
    const there = this.#link(number, node, dialled, far, accepted)
    const back = this.#link(number, far, accepted, node, dialled)
    const fromDialled = this.#outgoing(number, node, far, there, back)
    const fromAccepted = this.#outgoing(number, far, node, back, there)
    if (!far.services.accepted(listener, accepted)) dropPressure(accepted.close())
    return dialled
  }

  #link(number: number, from: MemoryNode, sender: MemoryConnection, to: MemoryNode, receiver: MemoryConnection): Link {
    const link = new Link({
      clock: this.#clock,
      turns: to.services.turns,
      random: new RandomStream(`${this.#seed}/${number}/${from.name}/${to.name}`),
      settings: () => this.#rules.for(from.name, to.name),
      counters: this.counters,
      isEncoded: this.#isEncoded,
      maxAddresses: to.services.maxAddresses,
      deliver: (message) => to.services.deliver(receiver, message, false),
      onEnd: () => receiver.peerEnded(),
    })
    this.#links.add(link)
    from.connections.add(sender)
    dropPressure(sender.closed.then(() => void from.connections.delete(sender)))
    dropPressure(receiver.closed.then(() => void this.#links.delete(link)))
    return link
  }

  #outgoing(number: number, from: MemoryNode, to: MemoryNode, there: Link, back: Link): Outgoing {
    const inject = (message: TransportMessage, toward: 'receiver' | 'sender' = 'receiver'): void =>
      dropPressure((toward === 'receiver' ? there : back).send(message))
    return {
      send: (message) => {
        if (this.#taps.size === 0) return there.send(message)
        let pressure: Pressure
        for (const crossing of this.#tapped([message], (one) => ({
          from: from.name,
          to: to.name,
          connection: number,
          message: one,
          inject,
        })))
          pressure = there.send(crossing)
        return pressure
      },
      overLimit: (message) => {
        const { maxMessageBytes: limit, overLimit } = this.#rules.for(from.name, to.name)
        const length = this.#encoder.prepare(message)
        if (length <= limit) return undefined
        this.counters.overLimit++
        return { length, limit, isDropped: overLimit === 'drop' }
      },
      end: () => there.end(),
      stopIncoming: () => back.stop(),
    }
  }

  #tapped(messages: readonly TransportMessage[], tappedOf: (message: TransportMessage) => Parameters<Tap>[0]): readonly TransportMessage[] {
    let crossing = messages
    for (const tap of this.#taps) crossing = crossing.flatMap((message) => tap(tappedOf(message)) ?? [message])
    return crossing
  }

  #isParted(one: string, other: string): boolean {
    return this.#rules.for(one, other).isPartitioned || this.#rules.for(other, one).isPartitioned
  }

  #setPartition(one: string, other: string, isPartitioned: boolean): void {
    this.configure({ isPartitioned }, { from: one, to: other })
    this.configure({ isPartitioned }, { from: other, to: one })
  }
}
