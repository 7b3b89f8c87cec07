/** What becomes of connections through our inlet when the Rust node with the outlet, or a relay on the way, goes away and comes back. */

import { trustIdentifier } from '@ockam/node'
import { createTcpInlet } from '@ockam/portals'
import { expect, test } from 'vitest'
import { FrameProxy } from './fixture/frame-proxy.ts'
import { RustPeer } from './fixture/rust-peer.ts'
import { dial, isOver, readAll, startTarget } from './fixture/tcp-program.ts'
import { multiAddr, ours, rust } from './fixture/world.ts'

/** The same identity each time. */
const KEY = { secret: '07'.repeat(32), validFrom: 1_700_000_000, validUntil: 4_000_000_000 }

/** A Rust node that offers `target` through channels, listening at `socket`. */
async function startService(socket: string, target: number) {
  const peer = await RustPeer.start()
  const { address, flowControlId } = await peer.ask('tcp.listen', { address: socket })
  const { identifier } = await peer.ask('identity.create', KEY)
  const channels = (await peer.ask('channel.listen', { identifier, consumerOf: [flowControlId] })).flowControlId
  await peer.ask('worker.start', { address: 'echo', kind: 'echo', consumerOf: [channels, flowControlId] })
  await peer.ask('portal.outlet', { address: 'outlet', to: `127.0.0.1:${target}`, consumerOf: [channels] })
  return { peer, socket: address, identifier }
}

test('our inlet ends what it carried and finds the outlet again when the Rust node was started anew', { timeout: 90_000 }, async () => {
  const target = await startTarget((socket) => socket.on('data', (chunk) => socket.end(chunk)))
  const first = await startService('127.0.0.1:0', target)
  const node = await ours()
  const identity = await node.createIdentity()
  const to = `${multiAddr(first.socket)}/secure/api/service/outlet`
  const inlet = await createTcpInlet(node, { listen: 0, to, identity, trust: trustIdentifier(first.identifier) })
  const ask = async (text: string): Promise<string> => {
    const socket = await dial(inlet.port as number)
    socket.write(text)
    return String(await readAll(socket))
  }
  expect(await ask('before')).toBe('before')
  const standing = await dial(inlet.port as number)
  await expect.poll(() => inlet.statistics().opened).toBe(2)
  await first.peer.stop()
  await isOver(standing)
  expect((await startService(first.socket, target)).identifier).toBe(first.identifier)
  expect(await ask('after')).toBe('after')
})

test('our inlet ends what it carried and goes on when its connection to a Rust relay was cut', { timeout: 90_000 }, async () => {
  const target = await startTarget((socket) => socket.on('data', (chunk) => socket.end(chunk)))
  const relay = await rust()
  await relay.peer.ask('relay.serve', { consumerOf: [relay.flow] })
  const service = await startService('127.0.0.1:0', target)
  const { worker } = await service.peer.ask('tcp.connect', { to: relay.socket })
  const registered = await service.peer.ask('relay.create', { route: [worker], alias: 'service' })
  await service.peer.ask('flow.add_consumer', { address: 'api', consumerOf: [registered.flowControlId] })
  const proxy = await FrameProxy.to(relay.socket)
  const node = await ours()
  const identity = await node.createIdentity()
  const to = `${proxy.address}/service/forward_to_service/secure/api/service/outlet`
  const inlet = await createTcpInlet(node, { listen: 0, to, identity, trust: trustIdentifier(service.identifier) })
  const standing = await dial(inlet.port as number)
  await expect.poll(() => inlet.statistics().opened).toBe(1)
  proxy.cut()
  await isOver(standing)
  const socket = await dial(inlet.port as number)
  socket.write('after')
  expect(String(await readAll(socket))).toBe('after')
})
