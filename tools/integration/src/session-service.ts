/** A service that cannot be dialled: registered at relays, through a secure channel to each, and reached through a second channel behind it. */

import { createNode, trustEveryone, trustIdentifier } from '@ockam/node'
import { fileStore } from '@ockam/storage-file'
import { tcp } from '@ockam/transport-tcp'
import { answerParent, settings } from './control/parent.ts'
import type { SessionTimes } from './control/session-times.ts'

export interface SessionServiceSettings {
  readonly state: string
  readonly relays: readonly { readonly address: string; readonly identifier: string }[]
  readonly times: SessionTimes
}

const { state, relays, times } = settings<SessionServiceSettings>()
const node = await createNode({ store: fileStore(state), transports: [tcp()] })
const identity = await node.createIdentity({ name: 'service' })
await node.listenSecureChannels('api', { identity, trust: trustEveryone() })
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
  { states: () => registered.map(({ session }) => session?.state), channels: () => node.channels.channels().length },
  identity.identifier.toString(),
)
