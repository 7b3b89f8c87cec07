/** Sends numbered streams as fast as they are taken: each over a connection of its own, waiting whenever it is asked to. */

import { createNode, trustEveryone } from '@ockam/node'
import { type Address, Route } from '@ockam/core'
import { tcp } from '@ockam/transport-tcp'
import { MemoryWatch } from './control/memory-watch.ts'
import { answerParent, settings } from './control/parent.ts'
import { type StreamProgress, StreamWriter } from './stream/numbered-stream.ts'

export interface SourceSettings {
  /** The sink's node, or the relay's. */
  readonly to: string
  readonly way: 'direct' | 'relay' | 'channel'
  /** Bytes of payload to send, for each flow. */
  readonly totalBytes: readonly number[]
}

const { to, way, totalBytes } = settings<SourceSettings>()
const node = await createNode({ transports: [tcp()] })
const memory = new MemoryWatch()
const identity = await node.createIdentity()

async function firstHops(flow: number): Promise<readonly (Address | string)[]> {
  if (way === 'channel') {
    const listener = `${to}/service/forward_to_sink-${flow}/secure/api`
    return [(await node.openSecureChannel(listener, { identity, trust: trustEveryone() })).address]
  }
  const { address } = await node.connect(to)
  return way === 'direct' ? [address] : [address, `forward_to_sink-${flow}`]
}

const streams = await Promise.all(
  totalBytes.map(async (total, i) => ({
    total,
    route: Route.of(...(await firstHops(i)), `flow-${i}`),
    writer: new StreamWriter(),
    waits: 0,
    problem: undefined as string | undefined,
  })),
)

async function pump(stream: (typeof streams)[number]): Promise<void> {
  try {
    while (stream.writer.progress.bytes < stream.total) {
      const pressure = node.send(stream.route, stream.writer.next())
      if (pressure === undefined) continue
      stream.waits++
      await pressure
    }
  } catch (error) {
    stream.problem = String(error)
  }
}

let pumping: Promise<unknown> = Promise.resolve()

answerParent({
  /** Answers at once; the test watches the progress. */
  start: () => {
    pumping = Promise.all(streams.map(pump))
  },
  progress: (): readonly StreamProgress[] => streams.map(({ writer, problem }) => ({ ...writer.progress, problem })),
  /** Answers when everything was accepted, or failed. */
  finished: () => pumping,
  waits: () => streams.map(({ waits }) => waits),
  digests: () => streams.map(({ writer }) => writer.digest()),
  markMemory: () => memory.mark(),
  memory: () => memory.report(),
  statistics: () => node.router.statistics(),
})
