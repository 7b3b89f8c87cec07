/**
 * A relay that stays registered: a session to the relay's node whose way is complete only when the registration was answered. When the route is lost,
 * it is opened and registered again, under the same name.
 *
 * The relay's node frees a name when it has noticed that the connection it belongs to is gone, which may be later than this side does; over a secure
 * channel our relays move a name to its owner's new connection at once. So a registration is repeated until the attempt ends, and then again.
 *
 * Not here: several relays under one name. Make one of these for each relay's node; whoever wants to come through either opens a session with both ways.
 */
import {
  type Address,
  type Establish,
  type ResolvedRoute,
  type Router,
  type Session,
  type SessionBackoff,
  type SessionPing,
  type Sessions,
} from '@ockam/core'
import { routingError } from '../error.ts'
import { createRelayClient, type RelayClientOptions, type RelayHandle } from './relay-client.ts'

export interface RelaySessionOptions extends Pick<RelayClientOptions, 'name' | 'service'> {
  /** How the relay's node is watched. A node that has never answered is not judged by its silence, unless `isRequired` says so. */
  readonly ping?: SessionPing | false
  readonly backoff?: SessionBackoff
  /** How often an unanswered registration is sent again within an attempt. Default 5000. */
  readonly resendMs?: number
  /** How long the answer to a registration is waited for, once the route is open. Default: as long as the attempt may take. */
  readonly registrationMs?: number
  /** A route and a registration over it that exist already: the session begins with them, and owns them. */
  readonly first?: RegisteredRoute
}

/** A route to a relay's node, and the relay registered over it. */
export interface RegisteredRoute {
  readonly route: ResolvedRoute
  readonly relay: RelayHandle
}

export interface RelaySession extends RelayHandle {
  /**
   * Address of the relay on the relay's node; after a reconnection without a `name`, another one. While the relay is not registered, the last one.
   * @throws {OckamError} `routing/stopped` before it was registered for the first time.
   */
  readonly address: Address
  readonly session: Session
  /** Resolves when the relay was closed here: until then it is registered again whenever it is lost. */
  readonly closed: Promise<void>
}

const RESEND_MS = 5000
/** The first attempt repeats the registration once. */
const FIRST_ATTEMPT_MS = 10_000

/**
 * @param to opens a route to the relay's node; called for every attempt.
 * @throws {OckamError} `routing/invalid-argument`, `routing/stopped`.
 */
export function createRelaySession(router: Router, sessions: Sessions, to: Establish, options: RelaySessionOptions = {}): RelaySession {
  const { name, service, ping = {}, backoff, resendMs = RESEND_MS, registrationMs: timeoutMs = Number.POSITIVE_INFINITY } = options
  // A random name is never taken: asking twice would make two relays.
  const client = { ...(name !== undefined && { name, resendMs }), ...(service !== undefined && { service }) }
  let { first } = options
  let address = first?.relay.address
  const register: Establish = async (signal) => {
    const registered = first ?? (await registerAlong(router, await to(signal), { ...client, timeoutMs, signal }))
    first = undefined
    address = registered.relay.address
    return asOne(registered)
  }
  const session = sessions.open({
    name: `relay ${name ?? 'without a name'}`,
    ways: [register],
    ping: ping === false ? false : { isRequired: false, ...ping },
    backoff: { firstAttemptMs: FIRST_ATTEMPT_MS, ...backoff },
  })
  // A session that is closed before it has begun never took what was registered already.
  const closed = session.closed.then(() => first && asOne(first).close())
  const close = async (): Promise<void> => {
    await session.close()
    await closed
  }
  return {
    session,
    get address(): Address {
      if (address === undefined) throw routingError('routing/stopped', 'The relay was not registered yet: wait until its session is up.')
      return address
    },
    closed,
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** The signal bounds it too: the session's limit of an attempt. The route is closed when there is no answer. */
async function registerAlong(router: Router, route: ResolvedRoute, options: RelayClientOptions): Promise<RegisteredRoute> {
  try {
    return { route, relay: await createRelayClient(router, route, options) }
  } catch (error) {
    await route.close()
    throw error
  }
}

function asOne({ route, relay }: RegisteredRoute): ResolvedRoute {
  return {
    route: route.route,
    producer: route.producer,
    closed: Promise.race([route.closed, relay.closed]),
    close: async () => {
      await relay.close()
      await route.close()
    },
  }
}
