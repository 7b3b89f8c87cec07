/** A relay on a port of the test's choosing, with an identity that it keeps. */

import { createNode, trustEveryone } from '@ockam/node'
import { fileStore } from '@ockam/storage-file'
import { tcp } from '@ockam/transport-tcp'
import { answerParent, settings } from './control/parent.ts'

export interface SessionRelaySettings {
  readonly state: string
  readonly port: number
}

const { state, port } = settings<SessionRelaySettings>()
const node = await createNode({ store: fileStore(state), transports: [tcp()] })
const identity = await node.createIdentity({ name: 'relay' })
await node.listenSecureChannels('relay-api', { identity, trust: trustEveryone() })
const service = node.startRelayService()
const listener = await node.listen(`/ip4/127.0.0.1/tcp/${port}`)

answerParent({ relays: () => service.relays }, { address: listener.address.toString(), identifier: identity.identifier.toString() })
