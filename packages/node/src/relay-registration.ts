/** Registers a node with a relay, and keeps it registered. */

import type { MultiAddr, RequestOptions, ResolvedRoute, ResolveOptions, Router, Session, Sessions } from '@ockam/core'
import {
  createRelayClient,
  createRelaySession,
  type RegisteredRoute,
  type RelayClientOptions,
  type RelayHandle,
  type RelaySessionOptions,
} from '@ockam/routing'
import { type ChannelIdentity, givenIdentity, secureHops } from './address.ts'
import { CHANNEL_ATTEMPT_MS, overlapping } from './overlapping-attempt.ts'
import { TimeLimit } from './time-limit.ts'

export interface CreateRelayOptions extends RelayClientOptions, Pick<RelaySessionOptions, 'ping' | 'backoff'>, Partial<ChannelIdentity> {
  /** Whether the node registers again when the relay is lost, until the handle is closed. Default true. */
  readonly isKept?: boolean
  /**
   * Whether the first registration has to succeed. Default true: when it does not, the call rejects and nothing is kept. False: the call resolves at
   * once, and the node goes on trying; for one of several relays, which may be down just now.
   */
  readonly isFirstRequired?: boolean
}

/** A relay service that knows the channel answers at once: it is the channel that may take long. */
const REGISTRATION_MS = 30_000

/** A relay of this node. */
export interface NodeRelay extends RelayHandle {
  /** What keeps the relay registered; undefined when it is not kept. */
  readonly session: Session | undefined
}

/** @throws what `node.createRelay` throws. */
export async function registerNode(router: Router, sessions: Sessions, at: MultiAddr, options: CreateRelayOptions): Promise<NodeRelay> {
  const { identity: _, trust: __, timeoutMs, signal, ping, backoff, isKept = true, isFirstRequired = true, ...client } = options
  const hops = secureHops(at, givenIdentity(options))
  const limits = { ...(timeoutMs !== undefined && { timeoutMs }), ...(signal && { signal }) }
  const first = isFirstRequired || !isKept ? await registerOnce(router, at, hops, client, limits) : undefined
  if (first !== undefined && !isKept) return notKept(first)
  const open = (aborted: AbortSignal): Promise<ResolvedRoute> => router.resolve(at, { ...hops, signal: aborted })
  const rest = { ...client, ...(ping !== undefined && { ping }), ...(first && { first }) }
  if (hops.identity === undefined) return createRelaySession(router, sessions, open, { ...rest, ...(backoff && { backoff }) })
  return createRelaySession(router, sessions, (aborted) => overlapping(router.services.clock, aborted, open), {
    ...rest,
    registrationMs: REGISTRATION_MS,
    backoff: { attemptMs: CHANNEL_ATTEMPT_MS, ...backoff },
  })
}

async function registerOnce(
  router: Router,
  at: MultiAddr,
  hops: ResolveOptions,
  client: RelayClientOptions,
  limits: RequestOptions,
): Promise<RegisteredRoute> {
  const limit = new TimeLimit(router.services.clock, limits, `Registering with the relay at ${at.toString()}`)
  let route: ResolvedRoute | undefined
  try {
    route = await router.resolve(at, { ...hops, ...limit.left, signal: limit.signal })
    // Its own limit, which ends with the caller's, knows better what took too long.
    return {
      route,
      relay: await createRelayClient(router, route, { ...client, ...limit.left, ...(limits.signal && { signal: limits.signal }) }),
    }
  } catch (error) {
    await route?.close()
    throw error
  } finally {
    limit.end()
  }
}

function notKept({ route, relay }: RegisteredRoute): NodeRelay {
  const close = async (): Promise<void> => {
    await relay.close()
    await route.close()
  }
  return { ...relay, session: undefined, close, [Symbol.asyncDispose]: close }
}
