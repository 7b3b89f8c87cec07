/** Rust inlets that are paused and led along another route, as their sessions do when a connection is replaced. */

import { createTcpOutlet } from '@ockam/portals'
import { expect, test } from 'vitest'
import { FrameProxy } from './fixture/frame-proxy.ts'
import { dial, isOver, readAll, startTarget } from './fixture/tcp-program.ts'
import { hex, ours, rust, socketOf } from './fixture/world.ts'

/** The onward route of a Ping: `outlet`, once or twice. */
const ONCE = /^84818200466f75746c657481.*4100627b7d$/
const TWICE = /^84828200466f75746c65748200466f75746c657481.*4100627b7d$/

test('a Rust inlet drops clients while it is paused; then its Pings name the outlet twice when it was given the whole route, and ours answers', async () => {
  const target = await startTarget((socket) => socket.end('served'))
  const node = await ours()
  await createTcpOutlet(node, 'outlet', { to: target, allowAnyone: true, from: 'anyone' })
  const { address } = await node.listen('/ip4/127.0.0.1/tcp/0')
  const proxy = await FrameProxy.to(socketOf(address))
  const { peer } = await rust()
  const first = await peer.ask('tcp.connect', { to: proxy.socket })
  const inlet = await peer.ask('portal.inlet', { route: [first.worker, 'outlet'] })
  const port = Number(inlet.address.split(':')[1])
  const served = async (): Promise<string> => String(await readAll(await dial(port)))
  const pings = (): readonly string[] =>
    proxy
      .messages('sent')
      .map(hex)
      .filter((message) => message.endsWith('4100627b7d'))
  expect(await served()).toBe('served')
  expect(pings()).toEqual([expect.stringMatching(ONCE)])

  await peer.ask('portal.pause_inlet', { worker: inlet.worker })
  await isOver(await dial(port))
  expect(pings()).toHaveLength(1)

  const second = await peer.ask('tcp.connect', { to: proxy.socket })
  await peer.ask('portal.resume_inlet', { worker: inlet.worker, route: [second.worker] })
  expect(await served()).toBe('served')
  await peer.ask('portal.resume_inlet', { worker: inlet.worker, route: [second.worker, 'outlet'] })
  expect(await served()).toBe('served')
  expect(pings().slice(1)).toEqual([expect.stringMatching(ONCE), expect.stringMatching(TWICE)])
})
