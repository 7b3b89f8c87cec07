/**
 * The secure channel of a session, across the ends of its ways. When a way is lost, the channel is kept. Along the next way a new channel is opened
 * first, which proves that the peer is there; then the kept one is moved to that way, so that whatever stands on it (a portal's connections, their
 * access rights) goes on, and the new one is closed. Only when the peer does not know the kept channel any more, because its program was started anew,
 * the new one takes its place.
 *
 * In this order, because each message that is lost on the kept channel brings it nearer to the end of the peer's window: it is not used for asking
 * whether anybody is there.
 *
 * Messages that were on their way when the old way was lost may be lost; the channel itself never delivers one twice.
 *
 * While the channel is in use, a further way gets a channel of its own: that is how a session tries its primary way beside a fallback.
 */

import { type Address, type Clock, dropPressure, type MultiAddr, OckamError, type ResolvedRoute, type Route } from '@ockam/core'
import type { NodeChannel } from './node-channel.ts'

export interface ChannelKeeperServices {
  readonly clock: Clock
  /** Opens what stands in front of the listener; undefined when that is nothing. */
  resolve(channel: MultiAddr, signal: AbortSignal): Promise<ResolvedRoute | undefined>
  /** Opens a new channel. */
  open(channel: MultiAddr, signal: AbortSignal): Promise<NodeChannel>
}

const PROBE = Uint8Array.of(0)
/** The peer answers along the kept channel within so many times what it took along the new one, or does not know it. */
const PATIENCE = 10
const SHORTEST_MS = 1000
const LONGEST_MS = 5000

export class ChannelKeeper {
  readonly #services: ChannelKeeperServices
  readonly #alive = new Set<NodeChannel>()
  readonly #inUse = new Set<NodeChannel>()
  /** Lives, and waits for the next way. */
  #idle: NodeChannel | undefined
  #isClosed = false

  constructor(services: ChannelKeeperServices) {
    this.#services = services
  }

  /** The channel that routes with this first hop go through. */
  channelAt(firstHop: Address | undefined): NodeChannel | undefined {
    for (const channel of this.#inUse) if (firstHop !== undefined && channel.address.equals(firstHop)) return channel
    return undefined
  }

  /** Carries the kept channel over to this way, or opens one along it. @param behind what comes behind the channel. */
  async establish(address: MultiAddr, behind: Route, signal: AbortSignal): Promise<ResolvedRoute> {
    const fresh = await this.#services.open(address, signal)
    try {
      const kept = await this.#moveKept(fresh, address, signal)
      if (this.#isClosed) throw new OckamError('node/not-connected', 'The session was closed while its channel was opened.')
      if (kept !== undefined) {
        dropPressure(fresh.close())
        return this.#use(kept, behind)
      }
    } catch (error) {
      await fresh.close()
      throw error
    }
    this.#alive.add(fresh)
    dropPressure(fresh.closed.then(() => this.#ended(fresh)))
    return this.#use(fresh, behind)
  }

  /** Closes the channel that waits, and every one that is given back from now on. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#idle?.close()
  }

  /**
   * @returns the kept channel on its new way; undefined when there is none, or the peer does not know it: then it is closed.
   * @throws the signal's reason.
   */
  async #moveKept(fresh: NodeChannel, address: MultiAddr, signal: AbortSignal): Promise<NodeChannel | undefined> {
    const kept = this.#idle
    if (kept === undefined) return undefined
    try {
      const askedAtMs = this.#services.clock.monotonic()
      await fresh.request('echo', PROBE, { timeoutMs: LONGEST_MS, signal })
      const timeoutMs = Math.min(LONGEST_MS, Math.max(SHORTEST_MS, PATIENCE * (this.#services.clock.monotonic() - askedAtMs)))
      const next = await this.#services.resolve(address, signal)
      // From here on it is moved or given up: an attempt that ends meanwhile must not be followed by one that asks again.
      this.#idle = undefined
      if (next !== undefined) {
        await kept.moveAlong(next, { timeoutMs, signal })
        if (!this.#isClosed) return kept
      }
    } catch {
      // The peer is there and does not know this channel, or cannot say so.
    }
    if (signal.aborted && this.#idle === kept) throw signal.reason
    this.#idle = undefined
    dropPressure(kept.close())
    signal.throwIfAborted()
    return undefined
  }

  #use(channel: NodeChannel, behind: Route): ResolvedRoute {
    this.#inUse.add(channel)
    const over = channel.closed.then(() => undefined)
    return {
      route: behind.prepend(channel.address),
      producer: channel.channel.producer,
      closed: channel.way === undefined ? over : Promise.race([over, channel.way.closed]),
      close: async () => {
        this.#inUse.delete(channel)
        if (!this.#alive.has(channel)) return
        if (this.#inUse.size === 0 && !this.#isClosed) this.#idle = channel
        else await channel.close()
      },
    }
  }

  #ended(channel: NodeChannel): void {
    this.#alive.delete(channel)
    if (this.#idle === channel) this.#idle = undefined
  }
}
