/**
 * The worker at an outlet's address: takes Pings, connects to the target, and makes a connection for each. A Disconnect with the address of a connection
 * behind the outlet's ends that one for the identity it belongs to, whose channel was replaced. Nothing else is ever looked at here.
 *
 * A Ping with hops behind the outlet's address is taken as it is: a Rust inlet whose session was replaced names the outlet twice.
 */

import type { ConnectionOptions as TlsConnectOptions } from 'node:tls'
import { type Context, dropPressure, type LocalMessage, peerOf, Route, type Worker } from '@ockam/core'
import type { EndReason } from './end-reason.ts'
import { systemCode } from './error.ts'
import { isExtendedRoute } from './extension.ts'
import { PeerBinding } from './peer-binding.ts'
import type { Portal, Refusal } from './portal.ts'
import { PortalConnection } from './portal-connection.ts'
import { decodePortalMessage, DISCONNECT, PONG } from './portal-message.ts'
import { cut, type PortalSocket } from './portal-socket.ts'
import { formatSocketAddress, type SocketAddress } from './socket-address.ts'
import { connectTarget } from './target.ts'

/** An inlet of ours confirms the Pong at once; one that does not is gone. */
const CONFIRMATION_MS = 30_000

export interface OutletListenerOptions {
  readonly portal: Portal
  readonly target: SocketAddress
  readonly tls: TlsConnectOptions | undefined
  readonly connectTimeoutMs: number
  readonly maxConnectionsPerPeer: number
}

export class OutletListener implements Worker {
  readonly #options: OutletListenerOptions
  readonly #byPeer = new Map<unknown, PeerShare>()

  constructor(options: OutletListenerOptions) {
    this.#options = options
  }

  handleMessage(message: LocalMessage, context: Context): void {
    const { portal } = this.#options
    const decoded = decodePortalMessage(message.payload)
    if (decoded?.kind === 'disconnect' && this.#disconnect(message)) return
    if (decoded?.kind !== 'ping' || message.returnRoute.isEmpty) {
      portal.drop(decoded === undefined ? 'malformed' : 'unexpected')
      return
    }
    const binding = new PeerBinding(message)
    const refusal = this.#refusal(binding)
    if (refusal !== undefined) {
      portal.refuse(refusal, { peer: binding.identifier })
      answerDisconnect(message, context)
      return
    }
    dropPressure(new Attempt(this.#options, message, binding, context, this.#count(binding)).run())
  }

  /** With the outlet or the node. */
  stop(): void {
    this.#options.portal.closeSoon()
  }

  /** @returns whether it names a connection of the identity it comes from. */
  #disconnect(message: LocalMessage): boolean {
    const { length, recipient } = message.onwardRoute
    const address = length === 2 ? recipient : undefined
    const peer = peerOf(message)?.identifier.toString()
    if (address === undefined || peer === undefined) return false
    for (const connection of this.#byPeer.get(peer)?.connections ?? []) {
      if (!connection.address.equals(address)) continue
      connection.disconnected()
      return true
    }
    return false
  }

  #refusal(binding: PeerBinding): Refusal | undefined {
    const { portal, maxConnectionsPerPeer } = this.#options
    if (portal.isClosed) return 'closed'
    if (portal.isFull) return 'too-many-connections'
    const share = this.#byPeer.get(peerKey(binding))
    if (share === undefined || share.count < maxConnectionsPerPeer) return undefined
    this.#endIdle(share)
    return share.count < maxConnectionsPerPeer ? undefined : 'too-many-of-peer'
  }

  /**
   * Makes room for another connection of the same peer. An inlet of another make that is killed behind a relay leaves its connections here for ever;
   * nobody can ask it, so that its peer could never connect again.
   */
  #endIdle({ connections }: PeerShare): void {
    const { router, settings } = this.#options.portal
    if (settings.keepAliveMs === 0) return
    let longest: PortalConnection | undefined
    let since = router.services.clock.monotonic() - settings.keepAliveMs
    for (const connection of connections) {
      const { idleSince } = connection
      if (idleSince === undefined || idleSince > since) continue
      longest = connection
      since = idleSince
    }
    if (longest !== undefined) dropPressure(longest.close('idle'))
  }

  #count(binding: PeerBinding): Place {
    const key = peerKey(binding)
    const share = this.#byPeer.get(key) ?? { count: 0, connections: new Set() }
    this.#byPeer.set(key, share)
    share.count++
    let isCounted = true
    let taken: PortalConnection | undefined
    return {
      take: (connection) => {
        taken = connection
        if (isCounted) share.connections.add(connection)
      },
      release: () => {
        if (!isCounted) return
        isCounted = false
        share.count--
        if (taken !== undefined) share.connections.delete(taken)
        if (share.count === 0) this.#byPeer.delete(key)
      },
    }
  }
}

/** What one peer has of an outlet. */
interface PeerShare {
  /** Those that are being made, and sockets that linger, included. */
  count: number
  readonly connections: Set<PortalConnection>
}

/** One of a peer's connections, as it is counted. */
interface Place {
  readonly take: (connection: PortalConnection) => void
  /** Takes it off again, once. */
  readonly release: () => void
}

/** One Ping on its way to a connection. Counts as one from the beginning. */
class Attempt {
  readonly #options: OutletListenerOptions
  readonly #ping: LocalMessage
  readonly #binding: PeerBinding
  readonly #context: Context
  readonly #place: Place
  readonly #controller = new AbortController()

  constructor(options: OutletListenerOptions, ping: LocalMessage, binding: PeerBinding, context: Context, place: Place) {
    this.#options = options
    this.#ping = ping
    this.#binding = binding
    this.#context = context
    this.#place = place
    options.portal.add(this)
  }

  async run(): Promise<void> {
    const { portal, target, tls, connectTimeoutMs } = this.#options
    const { clock } = portal.router.services
    const { origin } = this.#binding
    const { signal } = this.#controller
    const timer = clock.schedule(connectTimeoutMs, () => this.#controller.abort('timeout'))
    const callOff = origin && portal.router.flowControls.onEnd(origin, () => this.#controller.abort('route-lost'))
    try {
      this.#open(await connectTarget(target, { tls, keepAliveMs: portal.settings.keepAliveMs, signal }))
    } catch (error) {
      this.#place.release()
      const code = signal.aborted ? String(signal.reason) : (systemCode(error) ?? 'unknown')
      portal.refuse('target-unreachable', { code, remote: formatSocketAddress(target), peer: this.#binding.identifier })
      if (code !== 'route-lost') answerDisconnect(this.#ping, this.#context)
    } finally {
      timer.cancel()
      callOff?.()
      portal.remove(this)
    }
  }

  /** The outlet closes. */
  async close(reason: EndReason): Promise<void> {
    this.#controller.abort(reason)
  }

  #open(socket: PortalSocket): void {
    const { portal } = this.#options
    const ping = this.#ping
    if (portal.isClosed) {
      cut(socket)
      throw new Error('The outlet was closed.')
    }
    try {
      const connection = new PortalConnection({
        portal,
        socket,
        producer: this.#binding.origin,
        isExtended: portal.settings.isExtended && isExtendedRoute(ping.returnRoute),
        onStarted: () => {
          try {
            connection.send(ping.returnRoute, PONG)
          } catch {
            dropPressure(connection.close('route-lost'))
            return
          }
          connection.open(ping, this.#binding, CONFIRMATION_MS)
        },
        onClosed: this.#place.release,
      })
      this.#place.take(connection)
    } catch (error) {
      // The node is closing: it starts nothing any more.
      cut(socket)
      throw error
    }
  }
}

/** Identities count together wherever they come from; who has none counts by the connection. */
function peerKey({ identifier, origin }: PeerBinding): unknown {
  return identifier ?? origin
}

function answerDisconnect(ping: LocalMessage, context: Context): void {
  try {
    dropPressure(context.dispatch({ onwardRoute: ping.returnRoute, returnRoute: Route.of(context.address), payload: DISCONNECT }))
  } catch {
    // Its connection has ended: there is nobody to tell.
  }
}
