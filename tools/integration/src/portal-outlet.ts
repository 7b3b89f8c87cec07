/** A node that cannot be dialled: registered at a relay, it offers outlets to TCP services, as the test asks. */

import { createNode, trustIdentifiers } from '@ockam/node'
import { createTcpOutlet, type TcpOutlet, type TcpOutletOptions } from '@ockam/portals'
import { tcp } from '@ockam/transport-tcp'
import { heldBy } from './control/held.ts'
import { MemoryWatch } from './control/memory-watch.ts'
import { answerParent, settings } from './control/parent.ts'

export interface PortalOutletSettings {
  readonly relay: string
  /** The identities that are let in. */
  readonly clients: readonly string[]
}

/** What the test asks for. */
export interface OutletWish extends Pick<TcpOutletOptions, 'to' | 'isExtended' | 'keepAliveMs'> {
  readonly name: string
}

const { relay, clients } = settings<PortalOutletSettings>()
const node = await createNode({ transports: [tcp()] })
const identity = await node.createIdentity()
const outlets = new Map<string, TcpOutlet>()
const memory = new MemoryWatch()
await node.listenSecureChannels('api', { identity, trust: trustIdentifiers(clients) })
await node.createRelay(relay, { name: 'service' })

answerParent(
  {
    offer: async ({ name, ...options }: OutletWish) => {
      outlets.set(name, await createTcpOutlet(node, name, { ...options, allow: clients }))
    },
    portal: (name: string) => outlets.get(name)?.statistics(),
    held: () => heldBy(node.router),
    markMemory: () => memory.mark(),
    memory: () => memory.report(),
  },
  identity.identifier.toString(),
)
