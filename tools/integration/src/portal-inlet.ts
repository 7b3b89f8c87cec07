/** A node with inlets to the outlets of another one, through a relay and a secure channel for each, as the test asks. */

import { createNode, trustIdentifier } from '@ockam/node'
import { createTcpInlet, type TcpInlet, type TcpInletOptions } from '@ockam/portals'
import { tcp } from '@ockam/transport-tcp'
import { heldBy } from './control/held.ts'
import { MemoryWatch } from './control/memory-watch.ts'
import { answerParent } from './control/parent.ts'

/** What the test asks for. */
export interface InletWish extends Pick<TcpInletOptions, 'isExtended' | 'stallTimeoutMs'> {
  /** Of the outlet. */
  readonly name: string
  readonly relay: string
  readonly service: string
}

const node = await createNode({ transports: [tcp()] })
const identity = await node.createIdentity()
const inlets = new Map<string, TcpInlet>()
const memory = new MemoryWatch()

answerParent(
  {
    /** Answers with the port. */
    open: async ({ name, relay, service, ...options }: InletWish) => {
      const to = `${relay}/service/forward_to_service/secure/api/service/${name}`
      const inlet = await createTcpInlet(node, { listen: 0, to, identity, trust: trustIdentifier(service), ...options })
      inlets.set(name, inlet)
      return inlet.port
    },
    portal: (name: string) => inlets.get(name)?.statistics(),
    held: () => heldBy(node.router),
    markMemory: () => memory.mark(),
    memory: () => memory.report(),
  },
  identity.identifier.toString(),
)
