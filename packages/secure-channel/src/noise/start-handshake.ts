/** The only ways into a handshake. What follows is in the types. */

import type { HandshakeOptions, Turn } from './handshake.ts'
import { HandshakeState } from './handshake-state.ts'
import type { Pattern } from './protocol.ts'

/** @throws {OckamError} `secure-channel/invalid-argument`, `secure-channel/vault-failed` */
export function startInitiator<P extends Pattern>(options: HandshakeOptions<P>): Turn<P, true> {
  return HandshakeState.start('initiator', options) as unknown as Turn<P, true>
}

/** @throws {OckamError} `secure-channel/invalid-argument`, `secure-channel/vault-failed` */
export function startResponder<P extends Pattern>(options: HandshakeOptions<P>): Turn<P, false> {
  return HandshakeState.start('responder', options) as unknown as Turn<P, false>
}
