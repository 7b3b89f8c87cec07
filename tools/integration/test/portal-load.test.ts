/** Many connections at a time, and many one after the other, through inlet, relay and outlet in processes of their own. */

import { once } from 'node:events'
import { afterEach, expect, test } from 'vitest'
import type { Held } from '../src/control/held.ts'
import { MIB } from './fixture/bound.ts'
import { Child, endChildren, until } from './fixture/child.ts'
import { ask, echoesAlong, endClients, readAll } from './fixture/portal-client.ts'
import { type Portal, PortalWorld } from './fixture/portal-world.ts'

afterEach(async () => {
  endClients()
  await endChildren()
})

const KIB = 1024

test('200 connections are open together, at both ends, and carry what they are given, each its own, in both directions', async () => {
  const world = await PortalWorld.start()
  const target = await Child.start('portal-target')
  const portal = await world.portalTo(target.ready as number)
  const sockets = await Promise.all(Array.from({ length: 200 }, () => ask(portal.port, 'echo')))
  await until(
    () => portal.statistics(),
    ({ inlet, outlet }) => inlet.connections === 200 && outlet.connections === 200,
    'all are open',
  )
  expect(await target.ask('connections')).toBe(200)
  await Promise.all(sockets.map((socket, i) => echoesAlong(socket, 256 * KIB + i)))
  expect(await target.ask('served')).toBe(200)
  const { inlet } = await ended(portal)
  const bytes = 200 * (256 * KIB + 'echo\n'.length) + (199 * 200) / 2
  expect(inlet).toMatchObject({ opened: 200, sentBytes: bytes, receivedBytes: bytes - 200 * 'echo\n'.length, refused: {}, dropped: {} })
}, 60_000)

test('10,000 short connections leave no worker, right, timer, socket, open file or memory behind, at either end or at the relay', async () => {
  const world = await PortalWorld.start()
  const target = await Child.start('portal-target')
  const portal = await world.portalTo(target.ready as number)
  await shortConnections(portal, 1000)
  await ended(portal)
  const before = await heldAtRest(world)
  await shortConnections(portal, 9000)
  const { inlet, outlet } = await ended(portal)
  expect([inlet.opened, outlet.opened]).toEqual([10_000, 10_000])
  expect([inlet.refused, outlet.refused, inlet.dropped, outlet.dropped]).toEqual([{}, {}, {}, {}])
  const after = await heldAtRest(world)
  expect(after.map(({ counts }) => counts)).toEqual(before.map(({ counts }) => counts))
  // What stays of a connection would be some KiB, nine thousand times.
  for (const [i, { bytes }] of after.entries()) expect(bytes - (before[i]?.bytes ?? 0)).toBeLessThan(8 * MIB)
}, 240_000)

test('an inlet that is killed behind the relay leaves no connection at the outlet, and none at its service, though nobody says so', async () => {
  const world = await PortalWorld.start()
  const target = await Child.start('portal-target')
  const portal = await world.portalTo(target.ready as number, { outlet: { keepAliveMs: 1000 } })
  for (let i = 0; i < 10; i++) {
    const socket = await ask(portal.port, 'echo')
    socket.write('x')
    await once(socket, 'readable')
  }
  expect(await target.ask('connections')).toBe(10)
  await world.inlet.kill()
  await until(
    () => target.ask<number>('connections'),
    (connections) => connections === 0,
    'the outlet has given them up',
  )
}, 60_000)

/** 50 at a time. Every third is cut off by its client instead of ended. */
async function shortConnections({ port }: Portal, count: number): Promise<void> {
  let left = count
  const work = async (): Promise<void> => {
    while (left-- > 0) {
      const socket = await ask(port, 'echo')
      if (left % 3 === 0) {
        socket.write('x')
        await once(socket, 'readable')
        socket.resetAndDestroy()
        continue
      }
      socket.end('a short one')
      expect(String(await readAll(socket))).toBe('a short one')
    }
  }
  await Promise.all(Array.from({ length: 50 }, work))
}

async function ended(portal: Portal): ReturnType<Portal['statistics']> {
  return until(
    () => portal.statistics(),
    ({ inlet, outlet }) => [inlet, outlet].every(({ connections, lingering }) => connections + lingering === 0),
    'all connections have ended at both ends, and their sockets are closed',
  )
}

/** When nothing changes any more. */
async function heldAtRest(world: PortalWorld): Promise<readonly Held[]> {
  let last = ''
  return until(
    () => world.held(),
    (held) => {
      const counts = JSON.stringify(held.map((one) => one.counts))
      const isSame = counts === last
      last = counts
      return isSame
    },
    'what the nodes hold stays the same',
  )
}
