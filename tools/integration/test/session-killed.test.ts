/** Sessions outlive the end of processes: `kill -9` of a relay, of the service, and of one of two relays. */

import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Child } from './fixture/child.ts'
import { SessionWorld, TEST_MS } from './fixture/session-world.ts'

let world: SessionWorld

beforeEach(async () => {
  world = await SessionWorld.create()
})

afterEach(() => world.end())

test(
  'a relay is killed and started again on the same port: the same channel goes on, in both directions',
  async () => {
    const relay = await world.startRelay(0)
    const device = await world.startDevice([relay.address], await world.startService([relay]))
    const before = await world.status()
    expect(before).toMatchObject({ state: 'up', ups: 1, downs: 0, channels: 1 })
    for (let round = 1; round <= 3; round++) {
      await world.relays[0]?.kill()
      await world.until(({ state }) => state !== 'up', 'the device has noticed')
      await world.restartRelay(0)
      await world.works()
    }
    expect(await world.status()).toMatchObject({ state: 'up', binding: before.binding })
    // Nothing is left of attempts in vain.
    await world.until(({ channels, connections }) => channels === 1 && connections === 1, 'everything else is closed')
    await device.ask('close')
    await world.until(
      ({ state, channels, connections }) => state === 'closed' && channels + connections === 0,
      'the session has left nothing open',
    )
  },
  TEST_MS,
)

test(
  'the service is killed and started again from its store: it registers under its name, and the device opens a new channel to the same identity',
  async () => {
    const relay = await world.startRelay(0)
    const identifier = await world.startService([relay])
    await world.startDevice([relay.address], identifier)
    const before = await world.status()
    await world.service?.kill()
    await world.until(({ state }) => state !== 'up', 'the device has noticed')
    expect(await world.restartService()).toBe(identifier)
    await world.works()
    const after = await world.status()
    expect(after.binding).not.toBe(before.binding)
    await world.until(({ channels }) => channels === 1, 'the old channel is closed')
  },
  TEST_MS,
)

test(
  'one of two relays is killed: requests go through the other, and through the first again when that is back',
  async () => {
    const relays = [await world.startRelay(0), await world.startRelay(1)]
    await world.startDevice(
      relays.map(({ address }) => address),
      await world.startService(relays),
    )
    const before = await world.status()
    expect(before.way).toBe(0)
    await world.relays[0]?.kill()
    await world.until(({ state, way }) => state === 'up' && way === 1, 'the session has fallen back')
    await world.works()
    // It never went without the channel it had.
    expect((await world.status()).binding).toBe(before.binding)
    await world.restartRelay(0)
    await world.until(({ state, way }) => state === 'up' && way === 0, 'the session is back on its primary way')
    await world.works()
    // The other one may go now: nothing depends on it.
    await world.relays[1]?.kill()
    await world.works()
    expect(await world.status()).toMatchObject({ state: 'up', way: 0 })
  },
  TEST_MS,
)

test(
  'both relays are killed, and one comes back: whichever it is, requests go through it',
  async () => {
    const relays = [await world.startRelay(0), await world.startRelay(1)]
    await world.startDevice(
      relays.map(({ address }) => address),
      await world.startService(relays),
    )
    for (const back of [1, 0]) {
      await Promise.all((world.relays as readonly Child[]).map((relay) => relay.kill()))
      await world.until(({ state }) => state !== 'up', 'the device has noticed')
      await world.restartRelay(back)
      await world.works()
      expect((await world.status()).way).toBe(back)
    }
  },
  TEST_MS,
)
