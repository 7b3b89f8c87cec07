/**
 * `createTcpInlet()`: listens on a TCP port or Unix socket and carries each connection to an outlet at another node, end to end encrypted when the way
 * there has a secure channel.
 */

import { dropPressure } from '@ockam/core'
import { type AccessRule, accessControlOf } from './access-rule.ts'
import { Continuity } from './continuity.ts'
import { InletClient, type InletClientOptions } from './inlet-client.ts'
import { type InletListener, inletTls, type InletTls, listenForClients } from './inlet-listener.ts'
import { type PortalOptions, portalSettings, timeLimit } from './option.ts'
import { Portal, type PortalStatistics } from './portal.ts'
import type { PortalNode } from './portal-node.ts'
import { formatSocketAddress, parseSocketAddress } from './socket-address.ts'
import { type WayOptions, wayTo } from './way.ts'

const OF = 'createTcpInlet'

export interface TcpInletOptions extends PortalOptions, WayOptions {
  /** Where clients connect: `host:port`, a port of the loopback (0: any free one), or the path of a Unix socket, which only this user may open. */
  readonly listen: string | number
  /** Whom the inlet accepts as its outlet, besides what the channel's `trust` says. Asked once for each connection. Default: whoever answers. */
  readonly allow?: AccessRule
  /** Serves TLS to the clients. Default: plain. */
  readonly tls?: InletTls
  /** How long a client waits for the way to the outlet and for its answer. Then its connection is cut. Default 30 000. */
  readonly openTimeoutMs?: number
  /** True: listens although the way to the outlet is not open yet. Default false: creating the inlet fails when the way cannot be opened. */
  readonly isLazy?: boolean
}

export interface TcpInlet extends AsyncDisposable {
  /** Where it listens, with the port that was really bound: `127.0.0.1:15432`, or the socket's path. */
  readonly address: string
  /** The port; undefined for a Unix socket. */
  readonly port: number | undefined
  statistics(): PortalStatistics
  /** Stops listening, ends all connections, closes what was opened for the way. Idempotent. */
  close(): Promise<void>
}

/**
 * @throws {OckamError} `portals/invalid-argument`, `portals/not-an-outlet`, `portals/listen-failed`, `core/…` for what cannot be read,
 * `secure-channel/trust-missing`, and what opening the way throws.
 */
export async function createTcpInlet(node: PortalNode, options: TcpInletOptions): Promise<TcpInlet> {
  const { router } = node
  const listen = parseSocketAddress(options.listen, `${OF}({ listen })`, 0)
  const settings = portalSettings(OF, options)
  const openTimeoutMs = timeLimit(OF, 'openTimeoutMs', options.openTimeoutMs, 30_000)
  const tls = inletTls(OF, options.tls)
  const allow = options.allow === undefined ? undefined : accessControlOf(options.allow)
  const portal = new Portal(router, settings, { inlet: formatSocketAddress(listen) })
  const way = wayTo(node, `inlet ${formatSocketAddress(listen)}`, options)
  const continuity = way.kept && new Continuity(router, way.kept)
  const client: InletClientOptions = { portal, way, allow, openTimeoutMs, continuity }
  let listener: InletListener | undefined
  const end = async (): Promise<void> => {
    await listener?.close()
    await portal.close()
    continuity?.end()
    await way.close()
  }
  try {
    if (options.isLazy !== true) await way.begin(openTimeoutMs)
    listener = await listenForClients({
      listen,
      tls,
      settings,
      onClient: (socket) => dropPressure(new InletClient(client, socket).run()),
      onRefused: (reason) => portal.refuse(reason),
      onFailure: (code) => portal.event('portals/accept-failed', { code }),
    })
    // Stands for the listener in the node: what closes the node closes the inlet.
    const anchor = router.startWorker(undefined, () => undefined, { from: 'local' })
    const ended = anchor.stopped.then(end)
    const close = async (): Promise<void> => {
      await anchor.close()
      await ended
    }
    const { address } = listener
    return {
      address: formatSocketAddress(address),
      port: address.kind === 'tcp' ? address.port : undefined,
      statistics: () => portal.statistics(),
      close,
      [Symbol.asyncDispose]: close,
    }
  } catch (error) {
    await end()
    throw error
  }
}
