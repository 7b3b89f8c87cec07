/** Two nodes of a network in memory whose time only moves when a test says so. */

import { ManualClock, RecordingServices } from '@ockam/conformance'
import { type Connection, dropPressure, MultiAddr, mergeMultiAddrProtocols, multiAddrProtocols, Route, type Transport } from '@ockam/core'
import { type MemoryNetwork, type MemoryNetworkOptions, memoryNetwork } from '../src/index.ts'

export interface Node {
  readonly services: RecordingServices
  readonly transport: Transport
}

export class Laboratory {
  readonly clock: ManualClock = new ManualClock()
  readonly network: MemoryNetwork

  constructor(options: MemoryNetworkOptions = {}) {
    this.network = memoryNetwork({ clock: this.clock, ...options })
  }

  node(name: string): Node {
    const services = new RecordingServices(this.clock)
    return { services, transport: this.network.transport(name).create(services) }
  }

  /** Lets time pass, with all that comes due. */
  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed++) {
      this.clock.advance(1)
      await turns()
    }
  }

  /** A connection from `alice` to `bob`, and the side of it that bob has. */
  async connect(alice: Node, bob: Node): Promise<{ dialled: Connection; accepted: Connection }> {
    const listener = await bob.transport.listen(memory(`listener-of-${bob.services.acceptances.length}`))
    const attempt = alice.transport.connect(listener.address)
    await this.pass(50)
    const dialled = await attempt
    await listener.close()
    const [acceptance] = bob.services.acceptances.slice(-1)
    return { dialled, accepted: acceptance?.connection as Connection }
  }
}

/** Several turns of the event loop. */
export async function turns(): Promise<void> {
  for (let i = 0; i < 6; i++) await new Promise((resolve) => setImmediate(resolve))
}

const protocols = mergeMultiAddrProtocols(multiAddrProtocols, memoryNetwork().transport().protocols)

export const memory = (name: string): MultiAddr => MultiAddr.parse(`/memory/${encodeURIComponent(name)}`, protocols)

export const numbered = (index: number) => ({
  onwardRoute: Route.of('receiver'),
  returnRoute: Route.of('sender'),
  payload: Uint8Array.of(index >> 8, index),
})

export const sendNumbers = (connection: Connection, count: number, first = 0): void => {
  for (let index = first; index < first + count; index++) dropPressure(connection.send(numbered(index)))
}

export const numbersAt = ({ services }: Node): readonly number[] =>
  services.deliveries.map(({ message: { payload } }) => ((payload[0] as number) << 8) | (payload[1] as number))

export const upTo = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index)
