/** The relay: knows nobody's keys. It prints everything it can see of what it passes on. */

import { closeOnSignal, createNode } from '@ockam/node'
import { tcp } from '@ockam/transport-tcp'
import { observed } from './observed-transport.ts'

const show = (onward: string, back: string, bytes: number, start: string): void =>
  console.log(`sees ${bytes} bytes ${start}…  to ${onward}  back to ${back}`)

const node = await createNode({ transports: [observed(tcp(), show)] })
node.startRelayService({ maxRelays: 1000 })
const listener = await node.listen(process.env.LISTEN ?? '/ip4/127.0.0.1/tcp/4000')
console.log(`listens on ${listener.address}`)
closeOnSignal(node)
