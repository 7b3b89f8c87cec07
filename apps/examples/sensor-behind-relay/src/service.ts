/** The service: judges readings of one device, and of nobody else. It cannot be dialled: it is reached through the relay. */

import type { Diagnostics } from '@ockam/core'
import { closeOnSignal, createNode, trustIdentifiers } from '@ockam/node'
import { fileStore } from '@ockam/storage-file'
import { tcp } from '@ockam/transport-tcp'
import { readings } from './schema.ts'
import { setting, stateFolder } from './setting.ts'

const relay = setting('RELAY', '/ip4/127.0.0.1/tcp/4000')
const device = setting('DEVICE', '$(node dist/identity.js ./device)')

let isRelayLost = false
/** What happens beside the readings: peers that are refused get no answer, but whoever runs the service sees them here. */
const diagnostics: Diagnostics = {
  event(name, details) {
    if (name === 'secure-channel/handshake-refused') {
      console.log(`refused ${shortened(String(details?.peer ?? 'a stranger'))} without a word (${details?.code})`)
    }
    if (name === 'routing/connection-closed' && details?.reason !== 'local') {
      isRelayLost = true
      console.log('lost the relay: registering again')
    }
    if (name === 'routing/session-up' && isRelayLost) {
      isRelayLost = false
      console.log('is registered with the relay again')
    }
  },
}

const node = await createNode({ store: fileStore(stateFolder('./service')), transports: [tcp()], diagnostics })
const identity = await node.createIdentity({ name: 'main' })

const worker = readings.worker(async ({ load, memory, uptimeSeconds }, { peer }) => {
  const accepted = memory < 0.95
  console.log(
    `${shortened(peer.identifier.toString())} says load ${load.toFixed(2)}, memory ${Math.round(memory * 100)} %, up ${Math.round(uptimeSeconds)} s`,
  )
  return { accepted, note: accepted ? 'all is well' : 'memory is nearly full' }
})
node.startWorker('thermostat', worker)
await node.listenSecureChannels('api', { identity, trust: trustIdentifiers([device]) })
const registered = await node.createRelay(relay, { name: 'service' })
console.log(`is ${identity.identifier}, reachable at ${registered.address.name}`)
closeOnSignal(node)

function shortened(identifier: string): string {
  return identifier.startsWith('I') ? `${identifier.slice(0, 9)}…` : identifier
}
