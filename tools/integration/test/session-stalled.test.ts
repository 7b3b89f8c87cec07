/** Sessions outlive what nobody tells: a network that drops everything, and processes that are suspended. With `npm run soak` for a whole minute. */

import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { SUSPENDED_MS, SessionWorld, TEST_MS } from './fixture/session-world.ts'
import { StallingProxy } from './fixture/stalling-proxy.ts'

let world: SessionWorld
const proxies: StallingProxy[] = []

beforeEach(async () => {
  world = await SessionWorld.create()
})

afterEach(async () => {
  await world.end()
  for (const proxy of proxies.splice(0)) proxy.close()
})

async function proxyTo(address: string): Promise<StallingProxy> {
  const proxy = await StallingProxy.to(address)
  proxies.push(proxy)
  return proxy
}

test(
  'the network between device and relay drops everything and tells nobody, then passes again: the same channel goes on',
  async () => {
    const relay = await world.startRelay(0)
    const proxy = await proxyTo(relay.address)
    await world.startDevice([proxy.address], await world.startService([relay]))
    const { binding } = await world.status()
    proxy.stall()
    await world.until(({ state }) => state !== 'up', 'the silence was noticed')
    proxy.pass()
    await world.works()
    expect((await world.status()).binding).toBe(binding)
  },
  TEST_MS,
)

test(
  'the network between service and relay drops everything and tells nobody, then passes again: the name is the same identity’s, so it moves',
  async () => {
    const relay = await world.startRelay(0)
    const proxy = await proxyTo(relay.address)
    const service = await world.startService([{ ...relay, address: proxy.address }])
    await world.startDevice([relay.address], service)
    proxy.stall()
    await world.until(({ state }) => state !== 'up', 'the silence was noticed')
    proxy.pass()
    await world.works()
  },
  TEST_MS,
)

test(
  'a router on both sides of the relay forgets all connections and tells nobody: both sides connect anew, and the same channel goes on',
  async () => {
    const relay = await world.startRelay(0)
    const [near, far] = [await proxyTo(relay.address), await proxyTo(relay.address)]
    await world.startDevice([near.address], await world.startService([{ ...relay, address: far.address }]))
    const { binding } = await world.status()
    near.forget()
    far.forget()
    await world.until(({ downs }) => downs > 0, 'the silence was noticed')
    await world.works()
    expect((await world.status()).binding).toBe(binding)
  },
  TEST_MS,
)

test(
  'the device is suspended: it judges nothing of a time in which it did not run',
  async () => {
    const relay = await world.startRelay(0)
    const device = await world.startDevice([relay.address], await world.startService([relay]))
    const before = await world.status()
    device.suspend()
    await sleep(SUSPENDED_MS)
    device.resume()
    await world.works()
    expect(await world.status()).toEqual(before)
  },
  TEST_MS,
)

for (const name of ['relay', 'service'] as const) {
  test(
    `the ${name} is suspended: the device notices, and requests work again when the ${name} goes on`,
    async () => {
      const relay = await world.startRelay(0)
      await world.startDevice([relay.address], await world.startService([relay]))
      const suspended = name === 'relay' ? world.relays[0] : world.service
      suspended?.suspend()
      await world.until(({ state }) => state !== 'up', 'the silence was noticed')
      await sleep(SUSPENDED_MS)
      suspended?.resume()
      await world.works()
    },
    TEST_MS,
  )
}
