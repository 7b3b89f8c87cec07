/** A source that shows one credential, as long as it holds, and only for its own subject: nobody is helped by credentials of others. */

import { type Clock, type CredentialSource, type Identifier, systemClock } from '@ockam/core'
import { decodeCredential } from './credential.ts'

/**
 * @param credential CBOR, or its hexadecimal text.
 * @throws {OckamError} `credentials/invalid-credential`
 */
export function fixedCredential(credential: Uint8Array | string, clock: Pick<Clock, 'now'> = systemClock): CredentialSource {
  const { encoded, data } = decodeCredential(credential)
  return {
    credentials: async (of: Identifier) => {
      const isShown = data.subject?.equals(of) === true && clock.now() < data.expiresAt * 1000
      return isShown ? [new Uint8Array(encoded)] : []
    },
  }
}
