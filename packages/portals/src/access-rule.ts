/** What `allow` may be, as the one interface that portals ask: an access control. Whatever cannot be decided is refused. */

import { type AccessControl, Identifier, type LocalMessage, peerOf, type TrustPolicy } from '@ockam/core'
import { portalError } from './error.ts'

/** Identifiers, a trust policy (both see the identity at the other end of the secure channel), or an access control of your own. */
export type AccessRule = AccessControl | TrustPolicy | readonly (Identifier | string)[]

/** @throws {OckamError} `portals/invalid-argument`, `core/invalid-identifier` */
export function accessControlOf(rule: AccessRule): AccessControl {
  if (Array.isArray(rule)) return identifierControl(rule as readonly (Identifier | string)[])
  if (typeof (rule as AccessControl | undefined)?.isAllowed === 'function') return rule as AccessControl
  if (typeof (rule as TrustPolicy | undefined)?.isTrusted === 'function') return policyControl(rule as TrustPolicy)
  throw portalError(
    'portals/invalid-argument',
    '"allow" is a list of identifiers, a trust policy such as trustIdentifiers([…]), or an access control with isAllowed(message).',
  )
}

function identifierControl(identifiers: readonly (Identifier | string)[]): AccessControl {
  const allowed = new Set(identifiers.map((identifier) => Identifier.from(identifier).toString()))
  return {
    description: `one of ${allowed.size} identifiers`,
    isAllowed: (message: LocalMessage) => {
      const peer = peerOf(message)
      return peer !== undefined && allowed.has(peer.identifier.toString())
    },
  }
}

function policyControl(policy: TrustPolicy): AccessControl {
  return {
    description: policy.description,
    isAllowed: (message: LocalMessage) => {
      const peer = peerOf(message)
      return peer !== undefined && policy.isTrusted({ identifier: peer.identifier })
    },
  }
}
