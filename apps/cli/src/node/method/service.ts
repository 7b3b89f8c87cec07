/** Services and workers of a node. */

import { startHop } from '@ockam/routing'
import * as z from 'zod'
import type { Host } from '../host.ts'
import { type Method, method, nothing, text } from './method.ts'

export interface ServiceInfo {
  readonly addr: string
  readonly type: string
}

export const listServices = (host: Host): readonly ServiceInfo[] => [
  ...host.things.services.entries().map(([addr, { type }]) => ({ addr, type })),
  ...host.things.channelListeners.entries().map(([addr]) => ({ addr, type: 'secure_channel_listener' })),
]

export const serviceMethods: Readonly<Record<string, Method>> = {
  'service.list': method(nothing, (_, host) => listServices(host)),
  'service.start-hop': method(
    z.strictObject({ address: text }),
    ({ address }, host) => {
      host.things.services.requireFree(address)
      const worker = startHop(host.node.router, address, { from: 'anyone' })
      host.things.services.add(address, { type: 'hop', close: () => worker.close() })
      return { addr: address, type: 'hop' } satisfies ServiceInfo
    },
    { kept: (parameters) => ({ key: parameters.address, parameters }) },
  ),
  'worker.list': method(nothing, (_, host) => host.node.router.addresses().map((address) => ({ addr: address.name }))),
}
