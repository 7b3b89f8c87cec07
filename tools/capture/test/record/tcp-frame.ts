/** Frames over TCP: what a Rust node writes as it is asked to send messages, and which forms of a message it takes and answers. */

import { hex, rust, utf8 } from '../../../interop/test/fixture/world.ts'
import { RawSocket } from './raw-socket.ts'
import { framed, type Recording } from './recording.ts'

interface Sent {
  readonly onward: readonly string[]
  readonly back: readonly string[]
  readonly payload: string
}

const bytes = (length: number): string => hex(new Uint8Array(length).fill(0x61))

const MESSAGES: readonly Sent[] = [
  ...[0, 1, 23, 24, 255, 256].map((length) => ({ onward: ['echo'], back: ['client'], payload: bytes(length) })),
  { onward: ['a', 'b', 'c'], back: [], payload: '00' },
  { onward: ['2#127.0.0.1:4000', 'echo'], back: ['x', '1#localhost:4000'], payload: '01' },
  { onward: ['e'.repeat(23), 'e'.repeat(24), 'e'.repeat(250)], back: ['client'], payload: '02' },
  { onward: Array.from({ length: 24 }, (_, at) => String(at)), back: ['client'], payload: '03' },
]

const trace = hex(utf8(`{"traceparent":"00-${'a'.repeat(32)}-${'b'.repeat(16)}-01"}`))

/** To `echo`, return `client`, payload `0568656c6c6f`. */
const FORMS: readonly (readonly [string, string])[] = [
  ['three elements', '83 81 8200446563686f 81 820046636c69656e74 46 0568656c6c6f'],
  ['a null tracing field', '84 81 8200446563686f 81 820046636c69656e74 46 0568656c6c6f f6'],
  ['an empty tracing object', '84 81 8200446563686f 81 820046636c69656e74 46 0568656c6c6f 627b7d'],
  ['a trace', `84 81 8200446563686f 81 820046636c69656e74 46 0568656c6c6f 78${(trace.length / 2).toString(16)} ${trace}`],
  ['tracing that is no JSON', '84 81 8200446563686f 81 820046636c69656e74 46 0568656c6c6f 63787878'],
  ['a fifth element', '85 81 8200446563686f 81 820046636c69656e74 46 0568656c6c6f f6 18ff'],
  ['an unknown element inside an address', '83 81 8300446563686f01 81 820046636c69656e74 46 0568656c6c6f'],
  ['indefinite arrays', '9f 9f 8200446563686f ff 9f 820046636c69656e74 ff 46 0568656c6c6f ff'],
  ['a byte behind it', '83 81 8200446563686f 81 820046636c69656e74 46 0568656c6c6f 00'],
  ['long forms of lengths', '83 9801 82 1800 58046563686f 81 820046636c69656e74 5806 0568656c6c6f'],
]

export async function recordTcpFrames(): Promise<Recording> {
  return {
    file: 'packages/transport-tcp/test/vectors/rust/frame.json',
    content:
      'TCP connections of a Rust node: the stream it writes when it connects and sends messages, and frames it takes, with its answers.',
    notes: [
      'stream begins with the version, and so does what answers. The tracing field of all that a Rust node writes is the text {}.',
      'Frames taken go to an echo that answers to the return route.',
    ],
    cases: [await recordSent(), ...(await recordTaken())],
  }
}

async function recordSent(): Promise<object> {
  const { target, accepted } = await RawSocket.listen()
  const { peer } = await rust()
  const { worker } = await peer.ask('tcp.connect', { to: target })
  const socket = await accepted
  let stream = await socket.take(1)
  for (const { onward, back, payload } of MESSAGES) {
    await peer.ask('message.send', { route: [worker, ...onward], return: back, payload })
    stream += await socket.takeFrame()
  }
  return { name: 'a stream of messages', messages: MESSAGES, stream }
}

async function recordTaken(): Promise<object[]> {
  const { peer, socket, flow } = await rust()
  await peer.ask('worker.start', { address: 'echo', kind: 'echo', consumerOf: [flow] })
  const cases: object[] = []
  for (const [name, form] of FORMS) {
    const client = await RawSocket.to(socket)
    const taken = `01${framed(form)}`
    client.write(taken)
    cases.push({ name, taken, answered: (await client.take(1)) + (await client.takeFrame()) })
  }
  return cases
}
