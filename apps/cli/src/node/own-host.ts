/** A node inside the command's own process, for the length of one piece of work: what a message or a trace without a background node is sent from. */

import { silentDiagnostics } from '@ockam/core'
import type { Home } from '../home.ts'
import { EventLog } from './event-log.ts'
import { type Host, openHost } from './host.ts'
import { identityOrDefault, openIdentity } from './own-identity.ts'

/** @param identity name of the identity it speaks as; undefined for the default one, made if there is none. */
export async function withOwnHost<T>(home: Home, identity: string | undefined, work: (host: Host) => Promise<T>): Promise<T> {
  const { name } = await identityOrDefault(home, identity)
  const { access } = await openIdentity(home, name)
  const host = await openHost({
    name: 'command',
    identities: access,
    events: new EventLog(silentDiagnostics),
    identity: name,
    tcpListenerAddress: undefined,
    authorized: [],
  })
  try {
    return await work(host)
  } finally {
    await host.close()
  }
}
