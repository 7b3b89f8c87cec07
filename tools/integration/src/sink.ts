/** Receives numbered streams at the addresses `flow-0`, `flow-1`, …, each at a pace of its own that the test sets. */

import { createNode, trustEveryone } from '@ockam/node'
import { tcp } from '@ockam/transport-tcp'
import { MemoryWatch } from './control/memory-watch.ts'
import { answerParent, settings } from './control/parent.ts'
import { StreamReader } from './stream/numbered-stream.ts'
import { Pace, type PaceName } from './stream/pace.ts'

export interface SinkSettings {
  readonly flows: number
  /** Where to register `sink-0`, `sink-1`, …, each over a connection of its own. Undefined: the programs dial this one. */
  readonly relay?: string
}

const { flows, relay } = settings<SinkSettings>()
const node = await createNode({ transports: [tcp()] })
const memory = new MemoryWatch()
const streams = Array.from({ length: flows }, (_, i) => {
  const reader = new StreamReader()
  const pace = new Pace('open')
  node.startWorker(
    `flow-${i}`,
    ({ payload }) => {
      reader.take(payload)
      return pace.wait()
    },
    { from: 'anyone' },
  )
  return { reader, pace }
})
const identity = await node.createIdentity()
await node.listenSecureChannels('api', { identity, trust: trustEveryone() })
const listener = await node.listen('/ip4/127.0.0.1/tcp/0')
if (relay !== undefined) for (let i = 0; i < flows; i++) await node.createRelay(relay, { name: `sink-${i}` })

answerParent(
  {
    setPace: ({ flow, pace }: { readonly flow: number; readonly pace: PaceName }) => streams[flow]?.pace.set(pace),
    progress: () => streams.map(({ reader }) => reader.progress),
    digests: () => streams.map(({ reader }) => reader.digest()),
    markMemory: () => memory.mark(),
    memory: () => memory.report(),
    statistics: () => node.router.statistics(),
  },
  listener.address.toString(),
)
