/** Access control of workers by the identity at the other end of the channel a message came through. Without such an identity: no access. */

import { type AccessControl, Identifier, peerOf } from '@ockam/core'

/** One identity. @throws {OckamError} `core/invalid-identifier` */
export const allowIdentifier = (identifier: Identifier | string): AccessControl => allowIdentifiers([identifier])

/** Any of these identities. @throws {OckamError} `core/invalid-identifier` */
export function allowIdentifiers(identifiers: readonly (Identifier | string)[]): AccessControl {
  const allowed = new Set(identifiers.map((identifier) => Identifier.from(identifier).toString()))
  return {
    description: `from a channel with ${[...allowed].join(' or ')}`,
    isAllowed: (message) => {
      const peer = peerOf(message)
      return peer !== undefined && allowed.has(peer.identifier.toString())
    },
  }
}

/** Any identity at all, as long as there is one. */
export const allowAnyIdentifier = (): AccessControl => ({
  description: 'from any secure channel',
  isAllowed: (message) => peerOf(message) !== undefined,
})
