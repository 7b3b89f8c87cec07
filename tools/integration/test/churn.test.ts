/**
 * Channels and handshakes come and go by the thousand: nothing of them stays (threat model, row 19). Counted on both nodes: workers, connections, rights of
 * flow control, waiting messages and bytes, timers, live channels, entries of the store; and bytes of memory in use.
 */

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import {
  type Clock,
  type ConnectionHandle,
  dropPressure,
  type FlowControls,
  memoryStore,
  type Store,
  systemClock,
  type Timer,
} from '@ockam/core'
import { createNode, type OckamNode, type OwnIdentity, trustEveryone } from '@ockam/node'
import type { ChannelListener } from '@ockam/secure-channel'
import { type MemoryNetwork, memoryNetwork } from '@ockam/transport-memory'
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

/** The system's clock, with a count of the timers that are set. */
class CountingClock implements Clock {
  readonly #set = new Set<Timer>()

  get timers(): number {
    return this.#set.size
  }

  now(): number {
    return systemClock.now()
  }

  monotonic(): number {
    return systemClock.monotonic()
  }

  schedule(delayMs: number, task: () => void, options?: { readonly isBackground?: boolean }): Timer {
    const run = (): void => {
      this.#set.delete(timer)
      task()
    }
    const inner = systemClock.schedule(delayMs, run, options)
    const timer = {
      cancel: () => {
        this.#set.delete(timer)
        inner.cancel()
      },
    }
    this.#set.add(timer)
    return timer
  }
}

interface Side {
  readonly node: OckamNode
  readonly clock: CountingClock
  readonly store: Store
}

async function createSide(network: MemoryNetwork, name: string): Promise<Side> {
  const [clock, store] = [new CountingClock(), memoryStore()]
  const node = await createNode({ transports: [network.transport(name)], clock, store })
  nodes.push(node)
  return { node, clock, store }
}

async function twoNodes(handshakeTimeoutMs = 60_000) {
  const network = memoryNetwork()
  const sides = [await createSide(network, 'client'), await createSide(network, 'server')] as const
  const [{ node: client }, { node: server }] = sides
  const [identity, serverIdentity] = [await client.createIdentity(), await server.createIdentity()]
  const listener = await server.listenSecureChannels('api', { identity: serverIdentity, trust: trustEveryone(), handshakeTimeoutMs })
  await server.listen('/memory/server')
  const connection = await client.connect('/memory/server')
  return { sides, client, server, identity, listener, connection }
}

/** What a node holds. */
async function heldBy({ node, clock, store }: Side): Promise<Readonly<Record<string, number>>> {
  const { workers, connections, waitingMessages, waitingBytes } = node.router.statistics()
  const { consumerCount } = node.router.flowControls as FlowControls & { readonly consumerCount: number }
  expect(consumerCount).toBeTypeOf('number')
  let entries = 0
  for await (const _ of store.scan('')) entries++
  const channels = node.channels.channels().length
  return { workers, connections, consumers: consumerCount, waitingMessages, waitingBytes, timers: clock.timers, channels, entries }
}

/** Opens a channel, asks something through it, closes it. */
async function useChannel(client: OckamNode, { address }: ConnectionHandle, identity: OwnIdentity): Promise<void> {
  const channel = await client.openSecureChannel([address, 'api'], { identity, trust: trustEveryone() })
  await channel.request('echo', new Uint8Array(1000))
  await channel.close()
}

/** What both nodes hold when nothing is left of the channels so far. */
async function heldAtRest(sides: readonly Side[], listener: ChannelListener) {
  await until(
    () => listener.statistics(),
    ({ channels, halfOpen }) => channels === 0 && halfOpen === 0,
    'the server has seen all goodbyes',
  )
  return heldOf(sides)
}

/** What looks at a connection that was held up looks once more when it no longer is, 833 ms later at most (deadlock-watch.ts). */
const REST_MS = 1200

/** What both nodes hold when nothing has changed for a while. */
function heldOf(sides: readonly Side[]) {
  let last = ''
  let sinceMs = 0
  return until(
    () => Promise.all(sides.map(heldBy)),
    (now) => {
      const text = JSON.stringify(now)
      if (text !== last) sinceMs = performance.now()
      last = text
      return performance.now() - sinceMs >= REST_MS
    },
    'nothing changes any more',
  )
}

test('ten thousand channels opened, used and closed leave no worker, right, timer, entry or memory behind', async () => {
  const { sides, client, identity, listener, connection } = await twoNodes()
  const open = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i += 50) await Promise.all(Array.from({ length: 50 }, () => useChannel(client, connection, identity)))
  }
  // What the first handshakes of two nodes leave for all others is there afterwards: own proofs, the peer's history.
  await open(500)
  const before = await heldAtRest(sides, listener)
  const bytesBefore = await bytesInUse()
  await open(9500)
  expect(await heldAtRest(sides, listener)).toEqual(before)
  expect(before).toMatchObject(Array(2).fill({ connections: 1, channels: 0, waitingMessages: 0, waitingBytes: 0 }))
  // A channel that stayed would hold several KiB: 9500 of them more than four times this.
  expect((await bytesInUse()) - bytesBefore).toBeLessThan(8 * MIB)
  expect(listener.statistics()).toMatchObject({ halfOpen: 0, channels: 0, accepted: 10_000, evicted: 0 })
}, 120_000)

test('a million messages through one channel leave nothing behind: what is in use does not grow with their number', async () => {
  const { sides, client, server, identity, listener, connection } = await twoNodes()
  let received = 0
  server.startWorker('count', ({ payload }) => {
    // In order, so that none is counted for another.
    if (new DataView(payload.buffer, payload.byteOffset).getUint32(0) === received) received++
  })
  const channel = await client.openSecureChannel([connection.address, 'api'], { identity, trust: trustEveryone() })
  let sent = 0
  const send = async (count: number): Promise<void> => {
    for (const end = sent + count; sent < end; sent++) {
      const payload = new Uint8Array(16)
      new DataView(payload.buffer).setUint32(0, sent)
      const pressure = channel.send('count', payload)
      if (pressure !== undefined) await pressure
    }
    await until(
      () => received,
      (seen) => seen === sent,
      'everything was received',
    )
  }
  // Tables and buffers have their size afterwards, and the code is compiled.
  await send(100_000)
  const before = await heldOf(sides)
  const bytesBefore = await bytesInUse()
  for (let i = 0; i < 9; i++) await send(100_000)
  expect(await heldOf(sides)).toEqual(before)
  // Three bytes that each message left behind would be more.
  expect((await bytesInUse()) - bytesBefore).toBeLessThan(1.5 * MIB)
  expect(listener.statistics()).toMatchObject({ channels: 1 })
}, 300_000)

test('20 000 handshakes begun by somebody who never goes on are bounded while they last, and leave nothing behind', async () => {
  const { sides, client, identity, listener, connection } = await twoNodes(3000)
  await useChannel(client, connection, identity)
  const [, before] = await heldAtRest(sides, listener)
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
  const second = await client.connect('/memory/server')
  await useChannel(client, second, identity)
  await second.close()
  dropPressure(client.send([connection.address, 'api'], new Uint8Array(31)))
  await until(
    () => listener.statistics(),
    ({ ignored }) => ignored === 1,
    'what is no first message was ignored',
  )
  expect((await heldAtRest(sides, listener))[1]).toEqual(before)
  expect((await bytesInUse()) - bytesBefore).toBeLessThan(8 * MIB)
}, 120_000)
