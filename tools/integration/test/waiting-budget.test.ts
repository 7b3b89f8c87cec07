/** Hundreds of connections that bring more than anybody takes: what waits in all mailboxes together is bounded, over real sockets. */

import { createNode, type OckamNode } from '@ockam/node'
import { tcp } from '@ockam/transport-tcp'
import { afterEach, expect, test } from 'vitest'
import { MIB } from './fixture/bound.ts'
import { until } from './fixture/child.ts'

const CONNECTIONS = 500
const MESSAGES = 8
const MESSAGE = 64 * 1024

const nodes: OckamNode[] = []

afterEach(async () => {
  for (const node of nodes.splice(0)) await node.close()
})

test('500 connections with big messages are paused at the budget of the node, others are served meanwhile, and everything arrives in the end', async () => {
  const maxWaitingBytes = 96 * MIB
  const server = await createNode({ transports: [tcp()], maxWaitingBytes })
  const client = await createNode({ transports: [tcp()] })
  nodes.push(server, client)
  const { address } = await server.listen('/ip4/127.0.0.1/tcp/0')
  let open: () => void = () => undefined
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  let handled = 0
  const handle = async (): Promise<void> => {
    await opened
    handled++
  }
  // None of these mailboxes is ever full by its own bounds.
  for (let i = 0; i < CONNECTIONS; i++) server.startWorker(`slow${i}`, handle, { from: 'anyone' })
  const payload = new Uint8Array(MESSAGE)
  const routes: string[][] = []
  for (let i = 0; i < CONNECTIONS; i++) routes.push([(await client.connect(address)).address.name, `slow${i}`])
  await Promise.all(
    routes.map(async (route) => {
      for (let i = 0; i < MESSAGES; i++) await client.send(route, payload)
    }),
  )
  await until(
    () => server.router.statistics().waitingBytes,
    (bytes) => bytes >= maxWaitingBytes / 2,
    'half of the budget is used',
  )
  const { address: other } = await client.connect(address)
  let most = 0
  for (let i = 0; i < 200; i++) {
    await client.request([other, 'echo'], new Uint8Array(1000))
    most = Math.max(most, server.router.statistics().waitingBytes)
  }
  expect(most).toBeLessThanOrEqual(maxWaitingBytes)
  // Paused, not lost: far from all of it has been taken.
  expect(server.router.statistics().waitingMessages).toBeLessThan((CONNECTIONS * MESSAGES) / 2)
  expect(handled).toBe(0)
  open()
  await until(
    () => handled,
    (count) => count === CONNECTIONS * MESSAGES,
    'everything has arrived',
  )
  expect(server.router.statistics()).toMatchObject({ dropped: {}, waitingBytes: 0 })
}, 60_000)
