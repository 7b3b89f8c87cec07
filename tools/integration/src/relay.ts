/** A relay between other programs. */

import { createNode } from '@ockam/node'
import { tcp } from '@ockam/transport-tcp'
import { heldBy } from './control/held.ts'
import { MemoryWatch } from './control/memory-watch.ts'
import { answerParent } from './control/parent.ts'

const node = await createNode({ transports: [tcp()] })
node.startRelayService()
const listener = await node.listen('/ip4/127.0.0.1/tcp/0')
const memory = new MemoryWatch()

answerParent(
  {
    held: () => heldBy(node.router),
    markMemory: () => memory.mark(),
    memory: () => memory.report(),
    statistics: () => node.router.statistics(),
  },
  listener.address.toString(),
)
