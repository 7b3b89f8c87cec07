/** Counters of portals beyond 65 536 Payloads: what a Rust outlet accepts when they begin anew, and that Rust ends go on sending. */

import { createTcpInlet, createTcpOutlet } from '@ockam/portals'
import { describe, expect, test } from 'vitest'
import { FrameProxy } from './fixture/frame-proxy.ts'
import { dial, readAll, startTarget } from './fixture/tcp-program.ts'
import { hex, ours, rust, socketOf, unhex } from './fixture/world.ts'

/** One more than there are counters. */
const COUNT = 65_537
/** The peer makes a Payload of each byte. */
const ONE_BYTE_EACH = { OCKAM_TCP_PORTAL_PAYLOAD_LENGTH: '1' }

/** The end of a frame with a Payload of one byte that has no counter. */
const ONE_BYTE = /430301..627b7d$/

/** A Payload of one byte with a counter, two bytes, the less significant first. */
const counted = (counter: number): Uint8Array => Uint8Array.of(3, 1, 0x61, 1, counter & 0xff, (counter >> 8) & 0xff)

describe('counters', () => {
  test('begin anew after 65 535 at a Rust outlet, which goes on to check them', async () => {
    const received: Promise<Buffer>[] = []
    const target = await startTarget((socket) => void received.push(readAll(socket)))
    const { peer, address, flow } = await rust()
    await peer.ask('portal.outlet', { address: 'outlet', to: `127.0.0.1:${target}`, consumerOf: [flow] })
    const node = await ours()
    const connection = await node.connect(address)
    const mailbox = node.router.createMailbox('inlet', { from: 'anyone' })
    await mailbox.send([connection.address, 'outlet'], unhex('00'))
    const { returnRoute } = await mailbox.receive()
    for (let number = 0; number < COUNT; number++) await mailbox.send(returnRoute, counted(number))
    // The next would be 1.
    await mailbox.send(returnRoute, counted(2))
    expect(hex((await mailbox.receive()).payload)).toBe('02')
    expect(await received[0]).toHaveLength(COUNT)
  }, 120_000)

  test.each(['inlet', 'outlet'])(
    'do not end what a Rust %s sends in more than 65 536 Payloads',
    async (end) => {
      const received: Promise<Buffer>[] = []
      const all = Buffer.from(Array.from({ length: COUNT }, (_, at) => at % 251))
      const target = await startTarget((socket) => {
        if (end === 'inlet') received.push(readAll(socket))
        else socket.end(all)
      })
      const { peer, socket: listener, flow } = await rust(ONE_BYTE_EACH)
      const node = await ours()
      let proxy: FrameProxy
      if (end === 'outlet') {
        await peer.ask('portal.outlet', { address: 'outlet', to: `127.0.0.1:${target}`, consumerOf: [flow] })
        proxy = await FrameProxy.to(listener)
        const inlet = await createTcpInlet(node, { listen: 0, to: `${proxy.address}/service/outlet` })
        received.push(readAll(await dial(inlet.port as number)))
      } else {
        await createTcpOutlet(node, 'outlet', { to: target, allowAnyone: true, from: 'anyone' })
        const listening = await node.listen('/ip4/127.0.0.1/tcp/0')
        proxy = await FrameProxy.to(socketOf(listening.address))
        const { worker } = await peer.ask('tcp.connect', { to: proxy.socket })
        const inlet = await peer.ask('portal.inlet', { route: [worker, 'outlet'] })
        const client = await dial(Number(inlet.address.split(':')[1]))
        client.end(all)
      }
      await expect.poll(() => received.length).toBe(1)
      expect(all.equals((await received[0]) as Buffer)).toBe(true)
      const messages = proxy.messages(end === 'inlet' ? 'sent' : 'answered').map(hex)
      expect(messages.filter((message) => ONE_BYTE.test(message))).toHaveLength(COUNT)
    },
    120_000,
  )
})
