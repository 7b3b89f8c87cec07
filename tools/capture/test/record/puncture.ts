/** How two Rust nodes behind address translators find each other through a rendezvous, open a puncture, and send a message through it and back. */

import { TransportMessageDecoder } from '@ockam/core'
import { hex, rust } from '../../../interop/test/fixture/world.ts'
import { Nat } from './nat.ts'
import { proxyTo } from './proxy.ts'
import type { Recording } from './recording.ts'
import { numbered } from './udp.ts'

const decoder = new TransportMessageDecoder()

export async function recordPuncture(): Promise<Recording> {
  const { peer: rendezvous } = await rust()
  const server = await rendezvous.ask('udp.bind')
  await rendezvous.ask('udp.rendezvous', { address: 'rendezvous', consumerOf: [server.flowControlId] })
  const port = Number(server.address.split(':')[1])
  const [near, far] = [await Nat.of(port), await Nat.of(port)]
  near.other = far
  far.other = near

  const listening = await rust()
  const { flowControlId } = await listening.peer.ask('udp.listen_punctures', {
    address: 'udp',
    rendezvous: [`2#127.0.0.1:${far.inner}`, 'rendezvous'],
    consumerOf: [listening.flow],
  })
  await listening.peer.ask('worker.start', { address: 'echo', kind: 'echo', consumerOf: [flowControlId] })
  const proxy = await proxyTo(listening.socket)
  const { peer } = await rust()
  const { worker } = await peer.ask('tcp.connect', { to: proxy.socket })
  const opened = await peer.ask('udp.puncture', {
    route: [worker, 'udp'],
    rendezvous: [`2#127.0.0.1:${near.inner}`, 'rendezvous'],
    timeoutMs: 20_000,
  })
  await peer.ask('message.request', { route: [opened.worker, 'echo'], payload: '0568656c6c6f' })

  const [initiate, acknowledge] = proxy.frames.map(({ bytes }) => hex(decoder.decode(bytes, 0, bytes.length).payload))
  const datagrams = {
    asked: near.asked[0],
    told: near.told[0],
    opening: near.received.find((one) => !hasOnwardRoute(one)),
    ping: far.received.find((one) => hasOnwardRoute(one) && one.endsWith('43820080627b7d')),
    pong: near.received.find((one) => one.endsWith('43820180627b7d')),
    sent: far.received.find((one) => one.endsWith('186f627b7d')),
    answered: near.received.find((one) => one.endsWith('186f627b7d')),
  }
  return {
    file: 'packages/core/test/vectors/rust/puncture.json',
    content: 'A puncture between two Rust nodes: negotiation over TCP, and datagrams to a rendezvous and between the two.',
    notes: [
      'initiate and acknowledge: bodies over TCP. asked, told: the initiator and the rendezvous. opening, pong, answered: to the initiator.',
      'ping, sent: to the responder. All datagrams are numbered from 4096 on. Names of workers and ports are made up each time.',
    ],
    cases: [
      {
        changes: true,
        initiate,
        acknowledge,
        ...Object.fromEntries(Object.entries(datagrams).map(([name, one], at) => [name, numbered(one ?? '', 0x1000 + at)])),
      },
    ],
  }
}

/** Without one, a message only opens the way. */
const hasOnwardRoute = (datagram: string): boolean => !/^8501(?:19....|18..|[01].)000158..84808182/.test(datagram)
