/**
 * TCP connections through a portal, while a process in between is suspended or the network swallows everything: an idle one, and one that carries
 * something all the time. With `npm run soak` for a whole minute.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { until } from './fixture/child.ts'
import { EchoFlow, EchoTarget } from './fixture/echo-flow.ts'
import { BACK_WITHIN_MS, SessionWorld, SUSPENDED_MS, TEST_MS } from './fixture/session-world.ts'
import { StallingProxy } from './fixture/stalling-proxy.ts'

let world: SessionWorld
let target: EchoTarget
const flows: EchoFlow[] = []
const proxies: StallingProxy[] = []

beforeEach(async () => {
  world = await SessionWorld.create()
  target = await EchoTarget.start()
})

afterEach(async () => {
  for (const flow of flows.splice(0)) flow.close()
  await world.end()
  for (const proxy of proxies.splice(0)) proxy.close()
  target.close()
})

/** A portal through one relay, with a network between device and relay, and another one between service and relay. */
async function startPortal(): Promise<{ readonly near: StallingProxy; readonly far: StallingProxy }> {
  const relay = await world.startRelay(0)
  const [near, far] = [await StallingProxy.to(relay.address), await StallingProxy.to(relay.address)]
  proxies.push(near, far)
  const service = await world.startService([{ ...relay, address: far.address }], target.port)
  await world.startDevice([near.address], service, 'session')
  return { near, far }
}

const soon = (isDone: () => boolean, what: string): Promise<unknown> => until(isDone, Boolean, what, BACK_WITHIN_MS / 25)

async function newFlow(): Promise<EchoFlow> {
  const flow = await EchoFlow.connect(world.device?.ready as number)
  flows.push(flow)
  return flow
}

/** Two connections that have carried something already. */
async function idleAndBusy(): Promise<{ readonly idle: EchoFlow; readonly busy: EchoFlow }> {
  const [idle, busy] = [await newFlow(), await newFlow()]
  idle.send(100)
  busy.start()
  await soon(() => idle.isComplete && busy.echoedBytes > 1_000_000, 'both carry something')
  return { idle, busy }
}

async function goesOn(flow: EchoFlow): Promise<void> {
  flow.send(100_000)
  await soon(() => flow.isComplete || flow.isOver, 'what it carries comes back')
  expect([flow.isOver, flow.isGarbled, flow.isComplete]).toEqual([false, false, true])
}

/** What was under way is there, or the connection has ended at both sides; nothing hangs, nothing else came than was sent. */
async function goesOnOrEnds(busy: EchoFlow, others: number): Promise<void> {
  busy.stop()
  await soon(() => busy.isComplete || (busy.isOver && target.connections === others), 'it goes on, or has ended at both sides')
  expect(busy.isGarbled).toBe(false)
}

/** New connections work within the bound. One that began on a way that was just lost is made again. */
async function newOnesWork(): Promise<void> {
  const endsAtMs = performance.now() + BACK_WITHIN_MS
  while (performance.now() < endsAtMs) {
    const flow = await newFlow()
    flow.send(10_000)
    await until(() => flow.isComplete || flow.isOver, Boolean, 'it works', 200).catch(() => undefined)
    const hasWorked = flow.isComplete
    flow.close()
    if (hasWorked) return
  }
  throw new Error(`No new connection worked within ${BACK_WITHIN_MS} ms.`)
}

test(
  'the device is suspended: both connections go on, and new ones work',
  async () => {
    await startPortal()
    const { idle, busy } = await idleAndBusy()
    const before = await world.status()
    world.device?.suspend()
    await sleep(SUSPENDED_MS)
    world.device?.resume()
    await newOnesWork()
    await goesOn(idle)
    const { echoedBytes } = busy
    await soon(() => busy.echoedBytes > echoedBytes + 1_000_000, 'the busy one carries on')
    busy.stop()
    await goesOn(busy)
    expect(await world.status()).toEqual(before)
  },
  TEST_MS,
)

for (const name of ['relay', 'service'] as const) {
  test(
    `the ${name} is suspended for longer than it takes to notice: the idle connection goes on, the busy one goes on or ends at both sides, new ones work`,
    async () => {
      await startPortal()
      const { idle, busy } = await idleAndBusy()
      const suspended = name === 'relay' ? world.relays[0] : world.service
      suspended?.suspend()
      await world.until(({ state }) => state !== 'up', 'the silence was noticed')
      await sleep(SUSPENDED_MS)
      suspended?.resume()
      await newOnesWork()
      await goesOn(idle)
      await goesOnOrEnds(busy, 1)
    },
    TEST_MS,
  )
}

for (const side of ['near', 'far'] as const) {
  const where = side === 'near' ? 'device and relay' : 'service and relay'
  test(
    `the network between ${where} drops everything, then passes again: the idle connection goes on, the busy one goes on or ends at both sides, new ones work`,
    async () => {
      const networks = await startPortal()
      const { idle, busy } = await idleAndBusy()
      networks[side].stall()
      await world.until(({ state }) => state !== 'up', 'the silence was noticed')
      await sleep(SUSPENDED_MS)
      networks[side].pass()
      await newOnesWork()
      await goesOn(idle)
      await goesOnOrEnds(busy, 1)
    },
    TEST_MS,
  )

  test(
    `the network between ${where} stands still for a moment that nobody notices: both connections go on`,
    async () => {
      const networks = await startPortal()
      const { idle, busy } = await idleAndBusy()
      const before = await world.status()
      networks[side].stall()
      const { echoedBytes } = busy
      await soon(() => busy.sentBytes - echoedBytes > 100_000, 'something waits')
      networks[side].pass()
      await soon(() => busy.echoedBytes > echoedBytes + 1_000_000, 'the busy one carries on')
      busy.stop()
      await goesOn(busy)
      await goesOn(idle)
      expect(await world.status()).toEqual(before)
    },
    TEST_MS,
  )
}
