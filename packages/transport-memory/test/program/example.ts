import { RecordingServices } from '@ockam/conformance'
import { MultiAddr, Route } from '@ockam/core'
import { memoryNetwork } from '@ockam/transport-memory'

const network = memoryNetwork({ seed: 7, link: { delayMs: 5, lossRate: 0.5 } })
const bob = new RecordingServices()
const listener = await network.transport('bob').create(bob).listen(MultiAddr.parse('/memory/api', network.transport().protocols))
const alice = network.transport('alice').create(new RecordingServices())
const connection = await alice.connect(listener.address)

for (const payload of [1, 2, 3, 4].map((byte) => Uint8Array.of(byte))) {
  await connection.send({ onwardRoute: Route.of('echo'), returnRoute: Route.empty, payload })
}
await new Promise((resolve) => setTimeout(resolve, 50))
console.log(`arrived: ${bob.deliveries.map(({ message }) => message.payload[0]).join(' ')}, lost: ${network.counters.lost}`)
