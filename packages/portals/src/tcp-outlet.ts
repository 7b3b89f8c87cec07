/**
 * `createTcpOutlet()`: makes a TCP or Unix-socket service reachable for inlets, at a worker address of this node.
 *
 * Default deny: without a rule about who may use it an outlet does not start, and inlets reach it through secure channels only.
 */

import type { Address, Reachability, WorkerOptions } from '@ockam/core'
import { type AccessRule, accessControlOf } from './access-rule.ts'
import { portalError } from './error.ts'
import { integer, type PortalOptions, portalSettings, timeLimit } from './option.ts'
import { OutletListener } from './outlet-listener.ts'
import { Portal, type PortalStatistics } from './portal.ts'
import type { PortalNode } from './portal-node.ts'
import { formatSocketAddress, parseSocketAddress } from './socket-address.ts'
import { type TargetTls, targetTls } from './target.ts'

const OF = 'createTcpOutlet'

export interface TcpOutletOptions extends PortalOptions {
  /** Where connections go: `host:port`, a port of this machine, or the path of a Unix socket. */
  readonly to: string | number
  /**
   * Who may use it: identifiers, a trust policy, or an access control. Asked once for each connection. Required, unless {@link allowAnyone} is written.
   */
  readonly allow?: AccessRule
  /** True: no rule; whoever reaches the outlet may use it. */
  readonly allowAnyone?: boolean
  /** How inlets may reach it. Default `channels`. A rule about identities never admits a message that came through no channel. */
  readonly from?: Reachability
  /** TLS to the target; `true` verifies its certificate by host name against the system's authorities. Default: plain. */
  readonly tls?: boolean | TargetTls
  /** How long the target may take to accept a connection. Default 15 000. */
  readonly connectTimeoutMs?: number
  /** Connections of one identity at a time; without an identity, of one transport connection. Default 512. */
  readonly maxConnectionsPerPeer?: number
}

export interface TcpOutlet extends AsyncDisposable {
  readonly address: Address
  /** The target, as text. */
  readonly target: string
  statistics(): PortalStatistics
  /** Takes no more Pings and ends all connections. Idempotent. */
  close(): Promise<void>
}

/**
 * @param address of the outlet's worker, such as `outlet`.
 * @throws {OckamError} `portals/no-rule`, `portals/invalid-argument`, `core/invalid-identifier`, `routing/address-in-use`
 */
export async function createTcpOutlet(node: PortalNode, address: Address | string, options: TcpOutletOptions): Promise<TcpOutlet> {
  const target = parseSocketAddress(options.to, `${OF}({ to })`, 1)
  const tls = targetTls(OF, target, options.tls === true ? {} : options.tls === false ? undefined : options.tls)
  const settings = portalSettings(OF, options)
  const { router } = node
  const portal = new Portal(router, settings, { outlet: String(address) })
  const listener = new OutletListener({
    portal,
    target,
    tls,
    connectTimeoutMs: timeLimit(OF, 'connectTimeoutMs', options.connectTimeoutMs, 15_000),
    maxConnectionsPerPeer: integer(OF, 'maxConnectionsPerPeer', options.maxConnectionsPerPeer, 512, 1, 1_000_000),
  })
  const worker = router.startWorker(address, listener, { ...ruleOf(options), from: options.from ?? 'channels', overflow: 'drop' })
  const close = async (): Promise<void> => {
    await worker.close()
    await portal.close()
  }
  return {
    address: worker.address,
    target: formatSocketAddress(target),
    statistics: () => portal.statistics(),
    close,
    [Symbol.asyncDispose]: close,
  }
}

function ruleOf({ allow, allowAnyone, from }: TcpOutletOptions): WorkerOptions {
  if (allow !== undefined && allowAnyone === true) {
    throw portalError('portals/invalid-argument', `${OF}: "allow" and "allowAnyone: true" contradict each other; give one of them.`)
  }
  if (allow !== undefined) return { incoming: accessControlOf(allow) }
  if (allowAnyone === true) return {}
  throw portalError(
    'portals/no-rule',
    `${OF}: nothing says who may use the outlet${from === undefined ? '' : ' (that "from" lets somebody reach it is no rule)'}. Give allow: [identifier], a policy, or write allowAnyone: true.`,
  )
}
