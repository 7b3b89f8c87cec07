/**
 * Clients and services that do not read, at a portal from end to end: inlet, relay, outlet and service in processes of their own, a secure channel behind
 * the relay. 1 GiB is offered, 64 MiB of it are read at 8 MiB/s; `npm run soak` reads all of it so slowly, and offers eight times as much as well.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { MIB } from './fixture/bound.ts'
import { Child, endChildren, until } from './fixture/child.ts'
import { ask, DigestReader, echoes, endClients } from './fixture/portal-client.ts'
import { growthOf, PortalWorld } from './fixture/portal-world.ts'

afterEach(async () => {
  endClients()
  await endChildren()
})

const GIB = 1024 * MIB
const WARM_UP = 64 * MIB
const SLOW_PER_SECOND = 8 * MIB
/** What is offered, and what of it is read slowly, behind the first 64 MiB. */
const RUNS =
  process.env.OCKAM_SOAK === '1'
    ? [
        { what: '1 GiB, all of it slowly', offered: GIB, slow: GIB - WARM_UP },
        { what: '8 GiB, 512 MiB of it slowly', offered: 8 * GIB, slow: 512 * MIB },
      ]
    : [{ what: '1 GiB, 64 MiB of it slowly', offered: GIB, slow: 64 * MIB }]
const MAX_GROWTH = 64 * MIB
/** More than fits in between. */
const FLOOD = 256 * MIB

/** With both ends ours, and with an outlet that behaves as one of another make. */
const MAKES = [
  { name: 'two ends of ours', options: {} },
  { name: 'an end of another make', options: { outlet: { isExtended: false } } },
] as const

describe.each(MAKES)('with $name', ({ options }) => {
  test.each(RUNS)(
    'a client that reads slowly makes the service wait: no process grows, and all of it arrives unchanged ($what)',
    async ({ offered, slow }) => {
      const world = await PortalWorld.start()
      const target = await Child.start('portal-target')
      const all = { ...world.processes, target }
      const { port } = await world.portalTo(target.ready as number, options)

      const reader = new DigestReader(await ask(port, `flood ${offered}`))
      await reader.read(WARM_UP)
      for (const child of Object.values(all)) await child.ask('markMemory')
      const slowUntil = Math.min(offered, reader.bytes + slow)
      // The service still has something left to offer when half of that was read: it was made to wait.
      const half = slowUntil - slow / 2
      let offeredByHalf: number | undefined
      while (reader.bytes < slowUntil) {
        await reader.read(Math.min(SLOW_PER_SECOND / 20, slowUntil - reader.bytes))
        await sleep(50)
        if (reader.bytes >= half) offeredByHalf ??= (await target.ask<{ bytes: number }>('flooded')).bytes
      }
      expect(offeredByHalf).toBeLessThan(offered)

      const digest = await reader.finish()
      expect(reader.bytes).toBe(offered)
      expect(await target.ask('flooded')).toEqual({ bytes: offered, digest })
      for (const [name, grown] of Object.entries(await growthOf(all))) expect(grown, name).toBeLessThanOrEqual(MAX_GROWTH)
    },
    900_000,
  )
})

describe('a client that stands still', () => {
  test('costs its window, and neighbours at the same inlet go on, in both directions; it gets all when it reads again', async () => {
    const world = await PortalWorld.start()
    const target = await Child.start('portal-target')
    const { port, statistics } = await world.portalTo(target.ready as number)
    await echoes(port, MIB)
    const stuck = new DigestReader(await ask(port, `flood ${FLOOD}`))
    const held = await ask(port, 'hold')
    held.write(new Uint8Array(64 * MIB))
    // Both have come to rest when nothing is carried any more.
    let carried = -1
    let looks = 0
    await until(
      async () => {
        const { inlet } = await statistics()
        const now = inlet.sentBytes + inlet.receivedBytes
        looks = now === carried ? looks + 1 : 0
        carried = now
        return looks
      },
      (unchanged) => unchanged >= 8,
      'flood and flow to the service that holds came to rest',
    )
    expect((await target.ask<{ bytes: number }>('flooded')).bytes).toBeLessThan(FLOOD)
    await Promise.all(Array.from({ length: 20 }, () => echoes(port, 4 * MIB)))
    const { inlet, outlet } = await statistics()
    expect(inlet.connections).toBe(2)
    expect(outlet.connections).toBe(2)
    // Not a byte more of those that stand still: only what the neighbours sent and got.
    const asked = 20 * (4 * MIB + 'echo\n'.length)
    expect(inlet.sentBytes + inlet.receivedBytes - carried).toBe(asked + 20 * 4 * MIB)
    const digest = await stuck.finish()
    expect(await target.ask('flooded')).toEqual({ bytes: FLOOD, digest })
  }, 90_000)

  test('with an end of another make it is cut off after the limit, and its neighbours go on', async () => {
    const world = await PortalWorld.start()
    const target = await Child.start('portal-target')
    const { port, statistics } = await world.portalTo(target.ready as number, {
      outlet: { isExtended: false },
      inlet: { stallTimeoutMs: 1000 },
    })
    await ask(port, `flood ${FLOOD}`)
    await until(statistics, ({ inlet }) => inlet.opened === 1, 'the flood began')
    await until(statistics, ({ inlet, outlet }) => inlet.connections === 0 && outlet.connections === 0, 'it was cut off')
    await echoesOfOtherMake(port)
  }, 60_000)
})

/** An end of file is the end of both directions there: the client waits for its answer first. */
async function echoesOfOtherMake(port: number): Promise<void> {
  const socket = await ask(port, 'echo')
  const reader = new DigestReader(socket)
  socket.write(new Uint8Array(MIB))
  await reader.read(MIB)
  expect(reader.bytes).toBe(MIB)
}
