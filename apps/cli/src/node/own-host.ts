/** A node inside the command's own process, for the length of one piece of work: what a message or a trace without a background node is sent from. */

import { silentDiagnostics } from '@ockam/core'
import type { State } from '../state/state.ts'
import { EventLog } from './event-log.ts'
import { type Host, openHost } from './host.ts'
import { identityOrDefault, openVaultOf } from './own-identity.ts'
import type { SecretSources } from '../state/vault-secret.ts'

/** @param identity name of the identity it speaks as; undefined for the default one, made if there is none. */
export async function withOwnHost<T>(
  state: State,
  sources: SecretSources,
  identity: string | undefined,
  work: (host: Host) => Promise<T>,
): Promise<T> {
  const { name } = await identityOrDefault(state, sources, identity)
  const host = await openHost({
    name: 'this command',
    vault: await openVaultOf(state, sources, name),
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
