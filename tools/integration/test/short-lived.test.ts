/**
 * What ended is garbage that costs next to nothing: a young collection frees it. Objects that outlive two of those are copied twice, then lie in memory
 * until a whole collection, which is what most of collecting garbage costs where channels come and go.
 *
 * V8 makes a function that is assigned to a property, `this.#end = () => …`, in the old generation at once: it takes it for a method. What such a function
 * refers to lives until a whole collection. A function that is the initial value of a field, or comes by way of a variable, does not have that effect.
 */

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { memoryStore, Route } from '@ockam/core'
import { createNode, type OckamNode, trustEveryone } from '@ockam/node'
import { createRouter } from '@ockam/routing'
import { type MemoryNetwork, memoryNetwork } from '@ockam/transport-memory'
import { afterEach, describe, expect, test } from 'vitest'
import { MIB } from './fixture/bound.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as (options?: { readonly type: 'minor' }) => void

const ROUNDS = 60
/** Bytes of each ballast; of all of them much less than a young generation has room for. */
const BALLAST = 80_000
const ballast = (): unknown[] => new Array(BALLAST / 8).fill(0)

const nodes: OckamNode[] = []

afterEach(async () => {
  for (const node of nodes.splice(0)) await node.close()
})

async function createSide(network: MemoryNetwork, name: string): Promise<OckamNode> {
  const node = await createNode({ transports: [network.transport(name)], store: memoryStore() })
  nodes.push(node)
  return node
}

/** Until timers and immediates of everything so far have run. */
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5))

/** Bytes that are still there after so many times `step` and one young collection. */
async function bytesKept(step: () => void | Promise<void>): Promise<number> {
  const run = async (): Promise<void> => {
    for (let i = 0; i < ROUNDS; i++) {
      await step()
      await settled()
    }
  }
  await run()
  collectGarbage()
  await settled()
  collectGarbage()
  const before = process.memoryUsage().heapUsed
  await run()
  collectGarbage({ type: 'minor' })
  return process.memoryUsage().heapUsed - before
}

describe('after a young collection', () => {
  test('the measure sees what is kept', async () => {
    class Kept {
      readonly end: () => unknown
      constructor(of: unknown) {
        this.end = () => of
      }
    }
    expect(await bytesKept(() => void new Kept(ballast()))).toBeGreaterThan((ROUNDS * BALLAST) / 2)
  })

  test('nothing is left of workers that were closed', async () => {
    const router = createRouter()
    const step = async (): Promise<void> => {
      const handler = { handleMessage: () => undefined, ballast: ballast() }
      await router.startWorker(undefined, handler).close()
    }
    expect(await bytesKept(step)).toBeLessThan(MIB)
    await router.close()
  })

  test('nothing is left of requests that were answered', async () => {
    const router = createRouter()
    router.startWorker('echo', (message, context) => context.send(message.returnRoute, message.payload), { from: 'local' })
    const step = async (): Promise<void> => {
      const signal = Object.assign(new AbortController().signal, { ballast: ballast() })
      await router.context.request('echo', new Uint8Array(1), { signal })
    }
    expect(await bytesKept(step)).toBeLessThan(MIB)
    await router.close()
  })

  test('nothing is left of channels at the side that closed them', async () => {
    const network = memoryNetwork()
    const [client, server] = [await createSide(network, 'client'), await createSide(network, 'server')]
    const [identity, serverIdentity] = [await client.createIdentity(), await server.createIdentity()]
    await server.listenSecureChannels('api', { identity: serverIdentity, trust: trustEveryone() })
    await server.listen('/memory/server')
    const { address } = await client.connect('/memory/server')
    const step = async (): Promise<void> => {
      const trust = { ...trustEveryone(), ballast: ballast() }
      const channel = await client.openSecureChannel(Route.of(address, 'api'), { identity, trust })
      await channel.close()
    }
    expect(await bytesKept(step)).toBeLessThan(3 * MIB)
  })
})
