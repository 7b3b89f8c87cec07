/** The relay: knows nobody's keys but its own. It prints everything it can see of what it passes on. */

import { closeOnSignal, createNode } from '@ockam/node'
import { fileStore } from '@ockam/storage-file'
import { tcp } from '@ockam/transport-tcp'
import { observed } from './observed-transport.ts'
import { stateFolder } from './setting.ts'

const show = (onward: string, back: string, bytes: number, start: string): void =>
  console.log(`sees ${bytes} bytes ${start}…  to ${onward}  back to ${back}`)

const node = await createNode({ store: fileStore(stateFolder('./relay')), transports: [observed(tcp(), show)] })
// To be known by, over restarts too. What it passes on needs no identity of a relay.
const { identifier } = await node.createIdentity({ name: 'main' })
node.startRelayService({ maxRelays: 1000 })
const listener = await node.listen(process.env.LISTEN ?? '/ip4/127.0.0.1/tcp/4000')
console.log(`is ${identifier}, listens on ${listener.address}`)
closeOnSignal(node)
