/** Relays: the frames between the owner of a name and a relay, and between the relay and somebody who sends through it; all three are Rust nodes. */

import { rust } from '../../../interop/test/fixture/world.ts'
import { proxyTo } from './proxy.ts'
import { AddressNames, type Recording, until } from './recording.ts'

export async function recordRelays(): Promise<Recording> {
  return {
    file: 'packages/routing/test/vectors/rust/relay.json',
    content:
      'Frames of an owner that registers with a relay, is sent a message through it, and answers; of a Rust owner, relay and sender.',
    notes: [
      'Frames are without their length. Addresses that nodes made up are numbers of 32 digits, in order of appearance.',
      'The tracing field of all frames is the text {}.',
    ],
    cases: [await record('a static relay', 'db'), await record('an ephemeral relay', null)],
  }
}

async function record(name: string, alias: string | null): Promise<object> {
  const relay = await rust()
  await relay.peer.ask('relay.serve', { consumerOf: [relay.flow] })
  const [near, far] = [await proxyTo(relay.socket), await proxyTo(relay.socket)]
  const { peer: owner } = await rust()
  const { worker } = await owner.ask('tcp.connect', { to: near.socket })
  const { address, flowControlId } = await owner.ask('relay.create', { route: [worker], alias })
  await owner.ask('worker.start', { address: 'echo', kind: 'echo', consumerOf: [flowControlId] })
  const { peer: sender } = await rust()
  const sending = await sender.ask('tcp.connect', { to: far.socket })
  await sender.ask('message.request', { route: [sending.worker, address, 'echo'], payload: '0568656c6c6f' })
  await until(() => near.frames.length === 4 && far.frames.length === 2, 'all six frames have passed')
  const names = new AddressNames()
  const [registration, registered, forwarded, replied] = near.frames
  const [asked, answered] = far.frames
  const inOrder = { registration, registered, asked, forwarded, replied, answered }
  return {
    name,
    alias,
    frames: Object.fromEntries(Object.entries(inOrder).map(([step, frame]) => [step, names.fix(frame?.bytes ?? new Uint8Array())])),
    address: Buffer.from(names.fix(new TextEncoder().encode(address)), 'hex').toString(),
  }
}
