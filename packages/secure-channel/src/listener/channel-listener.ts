/**
 * A listener for secure channels: a worker that starts a handshake for every first message worth one. Cheap checks come first; what fails them, and
 * everything refused later, is answered with nothing at all.
 */

import {
  type Address,
  type CloseOptions,
  type Context,
  dropPressure,
  type LocalMessage,
  type Reachability,
  Route,
  type Spawner,
  type WorkerHandle,
} from '@ockam/core'
import type { LiveChannel } from '../channel/live-channel.ts'
import type { SecureChannel } from '../channel/secure-channel.ts'
import type { ChannelServices } from '../channel/services.ts'
import { checkedDuration, checkedNumber } from '../checked-number.ts'
import { checkCloseOptions } from '../close-within.ts'
import { type CheckedSideOptions, checkedSideOptions, type HandshakeSideOptions } from '../handshake/handshake-options.ts'
import { Responder } from '../handshake/responder.ts'
import { KEY_LENGTH, MAX_NOISE_MESSAGE } from '../noise/protocol.ts'
import { Admission, type HandshakeSource } from './admission.ts'
import { ChannelPlaces } from './channel-places.ts'

export interface ListenerOptions extends HandshakeSideOptions {
  /** Who may reach the listener. Default `anyone`: the handshake is what keeps strangers out. */
  readonly reachableFrom?: Reachability
  /** Until when a handshake must have ended. Default 60 000; less may shut out peers that fetch a credential between two messages. */
  readonly handshakeTimeoutMs?: number
  /** Most half-open handshakes in all. Default 2048. */
  readonly maxHandshakes?: number
  /** Most half-open handshakes that came from one network, over all its connections. Default 512. */
  readonly maxHandshakesPerSource?: number
  /**
   * Most channels at a time. Default 16 384. From three quarters of them on, a source with many gets no more, so that others still get in: alone, one
   * connection can hold three quarters, all connections of one network four fifths. A peer that has channels from there gets in all the same, in place
   * of its own channel that was silent longest.
   */
  readonly maxChannels?: number
  /**
   * Which network a first hop leads to, where somebody knows better than its transport. Handshakes of one network share a bucket; within it, the
   * connection with most gives way. Channels count to where they were opened from. Default: the `remoteNetwork` of what delivered the message (an IPv4 address, the /64 of an IPv6 address); where
   * the transport knows none, each connection is one of its own.
   */
  readonly sourceOf?: (firstHop: Address) => string | undefined
  /**
   * Ends channels (`expired`, `secure-channel/idle`) through which nothing authentic came for so long, up to a second later. Default: never, because a
   * quiet peer cannot be told from one that is gone. Behind a relay nothing else ends the channels that peers leave behind when they start anew.
   */
  readonly idleTimeoutMs?: number
  /** Called for every channel that was accepted. One that throws is reported to diagnostics; the channel stands nevertheless. */
  readonly onChannel?: (channel: SecureChannel) => void
}

/** Counters since the listener was made. */
export interface ListenerStatistics {
  readonly halfOpen: number
  readonly channels: number
  readonly accepted: number
  /** First messages too short, too long or without a way back, and those that came when no channel was left for their source. */
  readonly ignored: number
  /** First messages and handshakes that came to nothing because no channel was left for their source. */
  readonly refused: number
  /** Handshakes that gave way to others. */
  readonly evicted: number
  /** Channels that gave way to newer ones of the same peer. */
  readonly displaced: number
}

/** A {@link Spawner}: workers with `from: [listener]` are reached through its channels alone. */
export interface ChannelListener extends Spawner {
  readonly address: Address
  statistics(): ListenerStatistics
  /**
   * Stops accepting; handshakes under way end, channels live on. Idempotent.
   * @throws {OckamError} `secure-channel/invalid-argument`; rejects with `signal.reason` when aborted, and the listener is closed nevertheless.
   */
  close(options?: CloseOptions): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** @throws {OckamError} `secure-channel/trust-missing`, `secure-channel/invalid-argument`, `secure-channel/closed`, and what the router throws for an address in use. */
export async function createChannelListener(
  services: ChannelServices,
  address: Address | string,
  options: ListenerOptions,
  onStopped: () => void,
): Promise<ChannelListener> {
  const side = checkedSideOptions(options)
  // A listener that cannot show its identity would be silent for no visible reason: this fails now instead.
  await services.identities.channelProof(side.identity)
  services.channels.requireOpen()
  return new HandshakeListener(services, address, side, options, onStopped)
}

class HandshakeListener implements ChannelListener {
  readonly address: Address
  readonly flowControlId: string
  readonly #services: ChannelServices
  readonly #side: CheckedSideOptions
  readonly #options: ListenerOptions
  readonly #timeoutMs: number
  readonly #idleTimeoutMs: number
  readonly #places: ChannelPlaces
  readonly #admission: Admission<Responder>
  readonly #handle: WorkerHandle
  #channels = 0
  #accepted = 0
  #ignored = 0
  #refused = 0
  #evicted = 0
  #isClosed = false

  constructor(
    services: ChannelServices,
    address: Address | string,
    side: CheckedSideOptions,
    options: ListenerOptions,
    onStopped: () => void,
  ) {
    this.#services = services
    this.#side = side
    this.#options = options
    this.#timeoutMs = checkedDuration('handshakeTimeoutMs', options.handshakeTimeoutMs ?? 60_000)
    this.#idleTimeoutMs = checkedNumber('idleTimeoutMs', options.idleTimeoutMs ?? Number.POSITIVE_INFINITY)
    this.#places = new ChannelPlaces(checkedNumber('maxChannels', options.maxChannels ?? 16_384))
    this.#admission = new Admission({
      maxTotal: checkedNumber('maxHandshakes', options.maxHandshakes ?? 2048),
      maxPerNetwork: checkedNumber('maxHandshakesPerSource', options.maxHandshakesPerSource ?? 512),
      evict: (responder) => this.#evict(responder),
    })
    this.flowControlId = services.router.flowControls.createId()
    const worker = (message: LocalMessage, context: Context): void => this.#receive(message, context)
    this.#handle = services.router.startWorker(address, worker, {
      from: options.reachableFrom ?? 'anyone',
      overflow: 'drop',
      isTransit: true,
    })
    this.address = this.#handle.address
    dropPressure(
      this.#handle.stopped.then(() => {
        this.#shut()
        onStopped()
      }),
    )
  }

  statistics(): ListenerStatistics {
    return {
      halfOpen: this.#admission.size,
      channels: this.#channels,
      accepted: this.#accepted,
      ignored: this.#ignored,
      refused: this.#refused,
      evicted: this.#evicted,
      displaced: this.#places.displaced,
    }
  }

  async close(options: CloseOptions = {}): Promise<void> {
    checkCloseOptions(options)
    this.#shut()
    await this.#handle.close(options)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #receive(message: LocalMessage, context: Context): void {
    const { payload, returnRoute } = message
    const firstHop = returnRoute.next
    if (payload.length < KEY_LENGTH || payload.length > MAX_NOISE_MESSAGE || firstHop === undefined || this.#isClosed) {
      this.#ignored++
      return
    }
    const source = this.#sourceOf(message, firstHop)
    if (!this.#places.mayHaveRoom(source)) {
      this.#ignored++
      this.#refuse()
      return
    }
    const place = this.#places.placeFor(source)
    const responder = new Responder({
      services: this.#services,
      side: this.#side,
      spawnerId: this.flowControlId,
      reachableFrom: this.#options.reachableFrom ?? 'anyone',
      timeoutMs: this.#timeoutMs,
      idleTimeoutMs: this.#idleTimeoutMs,
      hasRoom: (peer) => {
        // Taken now, and not when the handshake is over: others that are as far must not get the same place.
        const hasRoom = place.take(peer.toString())
        if (!hasRoom) this.#refuse()
        return hasRoom
      },
      onSettled: (settled, channel) => {
        if (channel === undefined) place.release()
        else place.hold(channel)
        this.#settled(settled, channel)
      },
      onChannelEnded: () => {
        place.release()
        this.#channels--
      },
    })
    this.#admission.admit(responder, source)
    dropPressure(context.forward(message, Route.of(responder.address)))
  }

  #sourceOf({ origin }: LocalMessage, firstHop: Address): HandshakeSource {
    const connection = origin?.flowControlId ?? firstHop.key
    return { connection, network: this.#options.sourceOf?.(firstHop) ?? origin?.remoteNetwork ?? connection }
  }

  #shut(): void {
    this.#isClosed = true
    this.#admission.clear()
  }

  #settled(responder: Responder, channel: LiveChannel | undefined): void {
    this.#admission.release(responder)
    if (channel === undefined) return
    this.#channels++
    this.#accepted++
    try {
      this.#options.onChannel?.(channel)
    } catch {
      // Its own problem: the channel stands, and whoever opened it is already using it.
      this.#services.router.services.diagnostics.event('secure-channel/listener-failed', { event: 'channel' })
    }
  }

  #evict(responder: Responder): void {
    this.#evicted++
    responder.abandon('secure-channel/closed')
  }

  /** Diagnostics hear of the 1st, 2nd, 4th, 8th … time: anybody can cause this. */
  #refuse(): void {
    this.#refused++
    if (!Number.isInteger(Math.log2(this.#refused))) return
    this.#services.router.services.diagnostics.event('secure-channel/channel-refused', {
      listener: this.address.toString(),
      count: this.#refused,
      channels: this.#places.size,
    })
  }
}
