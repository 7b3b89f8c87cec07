/** Portals: what a Rust inlet and a Rust outlet say to each other while a client and a target talk through them. */

import { TransportMessageDecoder } from '@ockam/core'
import { hex, rust, utf8 } from '../../../interop/test/fixture/world.ts'
import { proxyTo } from './proxy.ts'
import { RawSocket } from './raw-socket.ts'
import { type Recording, until } from './recording.ts'

/** What the programs at the two ends do, in this order. */
type Step = { readonly client: string } | { readonly target: string }

interface Conversation {
  readonly name: string
  readonly steps: readonly Step[]
  /** Who has said all at the end. Nobody: there is no target. */
  readonly endedBy: 'client' | 'target' | 'nobody'
}

const DISCONNECT = '02'
const text = (content: string): string => hex(utf8(content))

const CONVERSATIONS: readonly Conversation[] = [
  {
    name: 'the client ends',
    steps: [{ client: text('hello') }, { target: text('good day') }, { client: text('x').repeat(300) }],
    endedBy: 'client',
  },
  {
    name: 'the target ends',
    steps: [{ target: text('welcome') }, { client: text('?') }, { target: text('y').repeat(130) }],
    endedBy: 'target',
  },
  { name: 'nobody serves the target', steps: [], endedBy: 'nobody' },
]

export async function recordPortals(): Promise<Recording> {
  const cases: object[] = []
  for (const conversation of CONVERSATIONS) cases.push(await record(conversation))
  return {
    file: 'packages/portals/test/vectors/rust/portal.json',
    content:
      'Portal messages between a Rust inlet and a Rust outlet, in the order in which they passed, and what the programs at their ends sent.',
    notes: ['from: which end said the message. Where nobody serves the target, the inlet pings, and the recording ends.'],
    cases,
  }
}

async function record({ name, steps, endedBy }: Conversation): Promise<object> {
  const target = await RawSocket.listen()
  const outlet = await rust()
  const to = endedBy === 'nobody' ? await closedPort() : target.target
  await outlet.peer.ask('portal.outlet', { address: 'outlet', to, consumerOf: [outlet.flow] })
  const proxy = await proxyTo(outlet.socket)
  const { peer } = await rust()
  const { worker } = await peer.ask('tcp.connect', { to: proxy.socket })
  const inlet = await peer.ask('portal.inlet', { route: [worker, 'outlet'] })
  const client = await RawSocket.to(inlet.address)
  if (endedBy !== 'nobody') {
    const served = await target.accepted
    for (const step of steps) {
      const [from, into, content] = 'client' in step ? ([client, served, step.client] as const) : ([served, client, step.target] as const)
      from.write(content)
      if ((await into.take(content.length / 2)) !== content) throw new Error('A portal brought something else.')
    }
    ;(endedBy === 'client' ? client : served).end()
    await Promise.all([client.closed, served.closed])
  } else await until(() => proxy.frames.length > 0, 'the inlet pings')
  const decoder = new TransportMessageDecoder()
  const passed = proxy.frames.map(({ direction, bytes }) => ({
    from: direction === 'sent' ? 'inlet' : 'outlet',
    message: hex(decoder.decode(bytes, 0, bytes.length).payload),
  }))
  // The other end may say the same, sooner or later or never.
  const end = passed.findIndex(({ message }) => message === DISCONNECT)
  const messages = end < 0 ? passed : passed.slice(0, end + 1)
  return { name, steps, endedBy, messages }
}

/** `127.0.0.1:…` where nobody listens. */
async function closedPort(): Promise<string> {
  const { target, close } = await RawSocket.listen()
  await close()
  return target
}
