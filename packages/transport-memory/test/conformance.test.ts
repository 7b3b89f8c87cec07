import { RecordingServices, transportConformance } from '@ockam/conformance'
import { MultiAddr, multiAddrProtocols } from '@ockam/core'
import { describe, test } from 'vitest'
import { memoryNetwork } from '../src/index.ts'

for (const encode of [false, true]) {
  describe(`A network in memory${encode ? ' that encodes every message' : ''} keeps the promises of a transport`, () => {
    const network = memoryNetwork({ encode })
    let listeners = 0
    const checks = transportConformance({
      factory: network.transport(),
      listenAt: () => `/memory/${++listeners}`,
      silentAddress: async () => {
        const factory = network.transport('void')
        const address = MultiAddr.parse('/memory/void', [...multiAddrProtocols, ...factory.protocols])
        await factory.create(new RecordingServices()).listen(address)
        network.configure({ isPartitioned: true }, { to: 'void' })
        return address.toString()
      },
    })
    for (const check of checks) test(check.name, check.run)
  })
}
