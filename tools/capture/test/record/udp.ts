/** UDP: the datagrams a Rust node sends for messages of different sizes, and that another Rust node puts them together again. */

import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { hex, rust } from '../../../interop/test/fixture/world.ts'
import type { Recording } from './recording.ts'

const LENGTHS = [0, 10, 400, 493, 600, 1500]

export async function recordDatagrams(): Promise<Recording> {
  const { peer: receiver } = await rust()
  const bound = await receiver.ask('udp.bind')
  await receiver.ask('worker.start', { address: 'inbox', kind: 'inbox', consumerOf: [bound.flowControlId] })
  const tap = await tapTo(bound.address)
  const { peer } = await rust()
  const sender = await peer.ask('udp.bind')
  const cases: object[] = []
  for (const [at, length] of LENGTHS.entries()) {
    const payload = hex(new Uint8Array(length).fill(0x61 + at))
    const before = tap.datagrams.length
    await peer.ask('message.send', { route: [sender.worker, `2#${tap.address}`, 'inbox'], return: ['client'], payload })
    const arrived = await receiver.event('message')
    if (arrived.payload !== payload) throw new Error('UDP brought something else.')
    const datagrams = tap.datagrams.slice(before).map((datagram) => numbered(datagram, 0x1000 + at))
    cases.push({ onward: ['inbox'], back: ['client'], length, fill: 0x61 + at, datagrams })
  }
  tap.close()
  return {
    file: 'packages/core/test/vectors/rust/datagram.json',
    content: 'UDP datagrams of a Rust node, one message after the other over one socket; another Rust node took them.',
    notes: [
      'The content of a message is length times the byte fill.',
      'Messages are numbered from what the socket makes up; here from 4096 on, which takes three bytes.',
    ],
    cases,
  }
}

/** `[version, number, offset, count, part]` with another number. */
export function numbered(datagram: string, number: number): string {
  return datagram.replace(/^8501(?:19....|18..|[01].)/, `850119${number.toString(16)}`)
}

/** A socket that passes everything on, and keeps it. */
async function tapTo(target: string) {
  const [host = '', port = ''] = target.split(':')
  const socket = createSocket('udp4')
  const datagrams: string[] = []
  socket.on('message', (bytes) => {
    datagrams.push(hex(bytes))
    socket.send(bytes, Number(port), host)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return { datagrams, address: `127.0.0.1:${socket.address().port}`, close: () => void socket.close() }
}
