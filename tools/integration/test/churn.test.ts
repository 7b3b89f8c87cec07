/** Channels and handshakes come and go by the thousand: nothing of them stays (threat model, row 19). */

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { dropPressure, type FlowControls } from '@ockam/core'
import { createNode, type OckamNode, trustEveryone } from '@ockam/node'
import { memoryNetwork } from '@ockam/transport-memory'
import { afterEach, expect, test } from 'vitest'
import { MIB } from './fixture/bound.ts'
import { until } from './fixture/child.ts'

const nodes: OckamNode[] = []

afterEach(async () => {
  for (const node of nodes.splice(0)) await node.close()
})

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** Bytes in use, objects and buffers, after everything that is garbage has gone. */
async function bytesInUse(): Promise<number> {
  for (let i = 0; i < 4; i++) {
    collectGarbage()
    await new Promise((resolve) => setImmediate(resolve))
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

async function twoNodes(handshakeTimeoutMs = 60_000) {
  const network = memoryNetwork()
  const [client, server]: [OckamNode, OckamNode] = [
    await createNode({ transports: [network.transport('client')] }),
    await createNode({ transports: [network.transport('server')] }),
  ]
  nodes.push(client, server)
  const [identity, serverIdentity] = [await client.createIdentity(), await server.createIdentity()]
  const listener = await server.listenSecureChannels('api', { identity: serverIdentity, trust: trustEveryone(), handshakeTimeoutMs })
  await server.listen('/memory/server')
  const connection = await client.connect('/memory/server')
  return { client, server, identity, listener, connection }
}

/** What each node holds: workers, and rights of flow control. */
function heldBy(node: OckamNode): { readonly workers: number; readonly consumers: number; readonly waiting: number } {
  const { workers, waitingMessages } = node.router.statistics()
  const { consumerCount } = node.router.flowControls as FlowControls & { readonly consumerCount: number }
  expect(consumerCount).toBeTypeOf('number')
  return { workers, consumers: consumerCount, waiting: waitingMessages }
}

test('5000 channels opened, used and closed leave no worker, no consumer and no memory behind', async () => {
  const { client, server, identity, listener, connection } = await twoNodes()
  const before = [heldBy(client), heldBy(server)]
  const open = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i += 50) {
      await Promise.all(
        Array.from({ length: 50 }, async () => {
          const channel = await client.openSecureChannel([connection.address, 'api'], { identity, trust: trustEveryone() })
          await channel.request('echo', new Uint8Array(1000))
          await channel.close()
        }),
      )
    }
    await until(
      () => [heldBy(client), heldBy(server)],
      (now) => JSON.stringify(now) === JSON.stringify(before),
      'workers and consumers are those of the beginning',
    )
  }
  await open(500)
  const bytesBefore = await bytesInUse()
  await open(4500)
  // A channel that stayed would hold several KiB: 4500 of them more than twice this.
  expect((await bytesInUse()) - bytesBefore).toBeLessThan(8 * MIB)
  expect(listener.statistics()).toMatchObject({ halfOpen: 0, channels: 0, accepted: 5000, evicted: 0 })
  expect([client, server].map((node) => node.channels.channels())).toEqual([[], []])
}, 120_000)

test('20 000 handshakes begun by somebody who never goes on are bounded while they last, and leave nothing behind', async () => {
  const { client, server, identity, listener, connection } = await twoNodes(3000)
  const before = heldBy(server)
  const bytesBefore = await bytesInUse()
  let most = 0
  for (let i = 0; i < 20_000; i++) {
    // The handshake's first message is a key in clear: any 32 bytes will do.
    const pressure = client.send([connection.address, 'api'], crypto.getRandomValues(new Uint8Array(32)))
    if (pressure !== undefined) await pressure
    if (i % 200 === 0) await new Promise((resolve) => setImmediate(resolve))
    most = Math.max(most, listener.statistics().halfOpen)
  }
  expect(most).toBeGreaterThan(100)
  expect(most).toBeLessThanOrEqual(512)
  const honest = await client.openSecureChannel([(await client.connect('/memory/server')).address, 'api'], {
    identity,
    trust: trustEveryone(),
  })
  await honest.request('echo', new Uint8Array(1))
  await honest.close()
  dropPressure(client.send([connection.address, 'api'], new Uint8Array(31)))
  await until(
    () => listener.statistics(),
    ({ halfOpen, channels, ignored }) => halfOpen === 0 && channels === 0 && ignored === 1,
    'no handshake is half open',
  )
  await until(
    () => heldBy(server),
    ({ workers, consumers }) => workers === before.workers + 1 && consumers === before.consumers,
    'only the second connection is left',
  )
  expect((await bytesInUse()) - bytesBefore).toBeLessThan(8 * MIB)
}, 120_000)
