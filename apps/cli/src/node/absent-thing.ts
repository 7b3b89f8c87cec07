/** What is remembered and could not be made again yet, such as a listener whose port is taken: how it is named, and what is said of it. */

import * as z from 'zod'
import type { Host } from './host.ts'
import type { KeptThings } from './kept-thing.ts'

type Kept = KeptThings[number]

const NAMED = z.object({ name: z.string() })
const PARAMETERS = z.object({
  address: z.string().default(''),
  at: z.string().default(''),
  from: z.string().default(''),
  to: z.unknown().optional(),
  allow: z.array(z.string()).default([]),
  authorized: z.array(z.string()).default([]),
  relayAddress: z.string().optional(),
  identity: z.string().optional(),
})

/** Whether the parameters of a deletion name it. A listener is named by its socket address too. */
export function isNamed({ key, parameters }: Kept, deletion: unknown): boolean {
  const { data } = NAMED.safeParse(deletion)
  if (data === undefined) return false
  const bare = data.name.replace(/^\/?(?:service|worker|secure)\//, '').replace(/^0#/, '')
  const address = PARAMETERS.safeParse(parameters).data?.address
  return [data.name, bare].some((name) => name === key || name === address)
}

/** What deleting it answers: the same members as when it had been made. */
export async function absentThing({ method, key, parameters }: Kept, host: Host): Promise<unknown> {
  const { address, at, from, to, allow, authorized, relayAddress, identity } = PARAMETERS.parse(parameters)
  const unused = { connections: 0, sent_bytes: 0, received_bytes: 0 }
  switch (method) {
    case 'tcp-listener.create':
      return { socket_address: address, multiaddr: key }
    case 'tcp-inlet.create':
      return { alias: key, bind_addr: from, outlet_addr: to, status: 'down', ...unused }
    case 'tcp-outlet.create':
      return { address: key, worker_address: `/service/${key}`, to, allowed_identifiers: allow, ...unused }
    case 'relay.create': {
      const remote = `forward_to_${relayAddress ?? key}`
      return { name: key, remote_address: remote, multiaddr: `/service/${remote}`, at, status: 'down' }
    }
    default: {
      const own = await host.identityNamed(identity).catch(() => undefined)
      const identifier = own?.identifier.toString() ?? ''
      return { address: key, multiaddr: `/service/${key}`, identifier, authorized_identifiers: authorized }
    }
  }
}
