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
 * While the channel is in use, a further way gets a channel of its own: that is how a session tries its primary way beside a fallback. When that has
 * proven itself, the kept channel is moved there too, if little enough is under way: what comes along two ways at once comes in another order, and a
 * channel takes messages only so far out of theirs.
 */

import {
  type Address,
  type Clock,
  dropPressure,
  type HandOver,
  type MultiAddr,
  OckamError,
  type ResolvedRoute,
  type Route,
} from '@ockam/core'
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
/** More messages than this, to and from the peer, while one goes there and back: too many to be moved in the middle of. A channel's window is 32. */
const QUIET_MESSAGES = 16
/** What was under way along the former way has come by then. */
const LINGER_MS = 10_000

/** A way that leads through a channel. */
interface Use {
  readonly channel: NodeChannel
  readonly address: MultiAddr
  readonly behind: Route
}

export class ChannelKeeper {
  readonly #services: ChannelKeeperServices
  readonly #alive = new Set<NodeChannel>()
  readonly #uses = new Map<ResolvedRoute, Use>()
  /** What the session stands on: it outlives its ways. */
  #kept: NodeChannel | undefined
  #isClosed = false

  constructor(services: ChannelKeeperServices) {
    this.#services = services
  }

  /** The channel that routes with this first hop go through. */
  channelAt(firstHop: Address | undefined): NodeChannel | undefined {
    for (const { channel } of this.#uses.values()) if (firstHop !== undefined && channel.address.equals(firstHop)) return channel
    return undefined
  }

  /** Carries the kept channel over to this way, unless it is in use, or opens one along it. @param behind what comes behind the channel. */
  async establish(address: MultiAddr, behind: Route, signal: AbortSignal): Promise<ResolvedRoute> {
    const fresh = await this.#services.open(address, signal)
    try {
      const kept = await this.#moveKept(fresh, address, signal)
      if (this.#isClosed) throw new OckamError('node/not-connected', 'The session was closed while its channel was opened.')
      if (kept !== undefined) {
        dropPressure(fresh.close())
        return this.#use(kept, address, behind)
      }
    } catch (error) {
      await fresh.close()
      throw error
    }
    this.#alive.add(fresh)
    this.#kept ??= fresh
    dropPressure(fresh.closed.then(() => this.#ended(fresh)))
    return this.#use(fresh, address, behind)
  }

  /** Moves the channel from one open way to another, which has a channel of its own: that one is then of no use any more, or else takes its place. */
  readonly handOver: HandOver = async (from, to, { isReady, isLost, signal }) => {
    const former = this.#uses.get(from)
    const next = this.#uses.get(to)
    if (former === undefined || next === undefined) return to
    const { channel } = former
    if (isLost || (isReady && (await this.#isQuiet(channel, signal)))) {
      const way = await this.#services.resolve(next.address, signal)
      if (way !== undefined) {
        await channel.moveAlong(way, { timeoutMs: LONGEST_MS, signal, lingerMs: LINGER_MS })
        return this.#use(channel, next.address, next.behind)
      }
    }
    this.#kept = next.channel
    return to
  }

  /** Closes the channel that waits, and every one that is given back from now on. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#kept?.close()
  }

  /**
   * @returns the kept channel on its new way; undefined when there is none, or none that waits, or the peer does not know it: then it is closed.
   * @throws the signal's reason.
   */
  async #moveKept(fresh: NodeChannel, address: MultiAddr, signal: AbortSignal): Promise<NodeChannel | undefined> {
    const kept = this.#kept
    if (kept === undefined || this.#isInUse(kept)) return undefined
    try {
      const askedAtMs = this.#services.clock.monotonic()
      await fresh.request('echo', PROBE, { timeoutMs: LONGEST_MS, signal })
      const timeoutMs = Math.min(LONGEST_MS, Math.max(SHORTEST_MS, PATIENCE * (this.#services.clock.monotonic() - askedAtMs)))
      const next = await this.#services.resolve(address, signal)
      // From here on it is moved or given up: an attempt that ends meanwhile must not be followed by one that asks again.
      this.#kept = undefined
      if (next !== undefined) {
        await kept.moveAlong(next, { timeoutMs, signal })
        if (!this.#isClosed && this.#alive.has(kept)) {
          this.#kept = kept
          return kept
        }
      }
    } catch {
      // The peer is there and does not know this channel, or cannot say so.
    }
    if (signal.aborted && this.#kept === kept) throw signal.reason
    this.#kept = undefined
    dropPressure(kept.close())
    signal.throwIfAborted()
    return undefined
  }

  /** Whether little is under way; what was, has come then. A peer that cannot say so could not confirm a move either. */
  async #isQuiet(channel: NodeChannel, signal: AbortSignal): Promise<boolean> {
    const before = messagesOf(channel)
    try {
      await channel.request('echo', PROBE, { timeoutMs: LONGEST_MS, signal })
      return messagesOf(channel) - before <= QUIET_MESSAGES
    } catch {
      signal.throwIfAborted()
      return false
    }
  }

  #use(channel: NodeChannel, address: MultiAddr, behind: Route): ResolvedRoute {
    const over = channel.closed.then(() => undefined)
    const route: ResolvedRoute = {
      route: behind.prepend(channel.address),
      producer: channel.channel.producer,
      closed: channel.way === undefined ? over : Promise.race([over, channel.way.closed]),
      close: async () => {
        if (!this.#uses.delete(route) || !this.#alive.has(channel) || this.#isInUse(channel)) return
        if (channel !== this.#kept || this.#isClosed) await channel.close()
      },
    }
    this.#uses.set(route, { channel, address, behind })
    return route
  }

  #isInUse(channel: NodeChannel): boolean {
    for (const use of this.#uses.values()) if (use.channel === channel) return true
    return false
  }

  #ended(channel: NodeChannel): void {
    this.#alive.delete(channel)
    if (this.#kept === channel) this.#kept = undefined
  }
}

function messagesOf({ channel }: NodeChannel): number {
  const { sent, received } = channel.statistics()
  return sent + received
}
