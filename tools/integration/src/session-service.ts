/**
 * A service that cannot be dialled: registered at relays, through a secure channel to each, and reached through a second channel behind it. What it
 * offers is an echo, and an outlet to a TCP service if there is one.
 */

import { createNode, trustEveryone, trustIdentifier } from '@ockam/node'
import { createTcpOutlet } from '@ockam/portals'
import { fileStore } from '@ockam/storage-file'
import { tcp } from '@ockam/transport-tcp'
import { answerParent, settings } from './control/parent.ts'
import type { SessionTimes } from './control/session-times.ts'

export interface SessionServiceSettings {
  readonly state: string
  readonly relays: readonly { readonly address: string; readonly identifier: string }[]
  readonly times: SessionTimes
  /** Port of the TCP service. */
  readonly target?: number | undefined
}

const { state, relays, times, target } = settings<SessionServiceSettings>()
const node = await createNode({ store: fileStore(state), transports: [tcp()] })
const identity = await node.createIdentity({ name: 'service' })
await node.listenSecureChannels('api', { identity, trust: trustEveryone() })
const outlet = target === undefined ? undefined : await createTcpOutlet(node, 'outlet', { to: target, allow: trustEveryone() })
const registered = await Promise.all(
  relays.map(({ address, identifier }) =>
    node.createRelay(`${address}/secure/relay-api`, {
      name: 'service',
      identity,
      trust: trustIdentifier(identifier),
      ping: times.ping,
      backoff: times.backoff,
    }),
  ),
)

answerParent(
  {
    states: () => registered.map(({ session }) => session?.state),
    channels: () => node.channels.channels().length,
    portal: () => outlet?.statistics(),
  },
  identity.identifier.toString(),
)
