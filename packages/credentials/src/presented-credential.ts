/**
 * What secure channels hand on when a peer shows credentials: each is verified for that peer, and what an accepted authority says is kept. One that does not
 * hold changes nothing and ends nothing, as with Rust nodes; it is reported.
 */

import { type CredentialVerifier, type Diagnostics, type Identifier, OckamError, type PeerIdentity } from '@ockam/core'
import type { AttributeStore } from './attribute-store.ts'
import type { VerifiedCredential } from './verification.ts'

/** Rust nodes show one. Each may cost two signatures. */
const MAX_PRESENTED = 16

export interface PresentationServices {
  readonly verify: (credential: Uint8Array, subject: Identifier) => Promise<VerifiedCredential>
  readonly attributes: Pick<AttributeStore, 'put'>
  readonly diagnostics: Diagnostics
}

export class PresentedCredentials implements CredentialVerifier {
  readonly #services: PresentationServices

  constructor(services: PresentationServices) {
    this.#services = services
  }

  /** See {@link CredentialVerifier.present}. @throws what the store throws: then nothing is known, and the peer may try again. */
  async present({ identifier }: PeerIdentity, credentials: readonly Uint8Array[]): Promise<void> {
    const { verify, attributes, diagnostics } = this.#services
    const refusals: string[] = []
    for (const credential of credentials.slice(0, MAX_PRESENTED)) {
      try {
        await attributes.put(await verify(credential, identifier))
      } catch (error) {
        if (!OckamError.is(error) || !error.code.startsWith('credentials/')) throw error
        refusals.push(error.code)
      }
    }
    const leftOut = Math.max(0, credentials.length - MAX_PRESENTED)
    if (refusals.length + leftOut === 0) return
    // One event, however many there are: strangers may be let in, and they choose how many they show.
    diagnostics.event('credentials/credential-refused', { peer: identifier.toString(), code: refusals[0], count: refusals.length, leftOut })
  }
}
