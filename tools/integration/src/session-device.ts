/** Keeps a session with a service, through one relay or several, and asks it what the test wants. */

import { dropPressure } from '@ockam/core'
import { createNode, trustIdentifier } from '@ockam/node'
import { createTcpInlet } from '@ockam/portals'
import { tcp } from '@ockam/transport-tcp'
import { answerParent, settings } from './control/parent.ts'
import type { SessionTimes } from './control/session-times.ts'

export interface SessionDeviceSettings {
  /** Addresses of the relays' nodes. */
  readonly relays: readonly string[]
  readonly service: string
  readonly times: SessionTimes
  /** Whether TCP clients are carried to the service's outlet, at the port that the test is told: along the session, or along the inlet's own. */
  readonly inlet?: 'session' | 'address' | undefined
}

export interface DeviceStatus {
  readonly state: string
  readonly way: number | undefined
  /** How often the session went up, and how often down. */
  readonly ups: number
  readonly downs: number
  /** Hash of the channel's handshake: the same as long as it is the same channel. */
  readonly binding: string | undefined
  readonly channels: number
  readonly connections: number
}

const { relays, service, times, inlet: kind } = settings<SessionDeviceSettings>()
const node = await createNode({ transports: [tcp()] })
const identity = await node.createIdentity()
const trust = trustIdentifier(service)
const session = node.openSession(
  relays.map((relay) => `${relay}/service/forward_to_service/secure/api`),
  { identity, trust, ...times },
)
const inletTo = {
  session: { to: session, outlet: 'outlet' },
  address: { to: `${relays[0]}/service/forward_to_service/secure/api/service/outlet`, identity, trust },
}
const inlet = kind && (await createTcpInlet(node, { listen: 0, ...inletTo[kind] }))
let ups = 0
let downs = 0
session.on('up', () => ups++)
session.on('down', () => downs++)

const answers = {
  /** One request; answers with the length of what came back. */
  ask: async (timeoutMs: number) => (await session.request('echo', new Uint8Array(100), { timeoutMs })).length,
  status: (): DeviceStatus => {
    const binding = session.channel?.channel.channelBinding()
    return {
      state: session.state,
      way: session.way,
      ups,
      downs,
      binding: binding === undefined ? undefined : Buffer.from(binding).toString('hex'),
      channels: node.channels.channels().length,
      connections: node.router.statistics().connections,
    }
  },
  portal: () => inlet?.statistics(),
  /** So many messages to nobody in particular. */
  send: (count: number) => {
    for (let i = 0; i < count; i++) dropPressure(session.send('nobody', new Uint8Array(1)))
  },
  close: () => session.close(),
}
answerParent(answers, inlet?.port)
