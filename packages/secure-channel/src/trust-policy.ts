/**
 * Trust policies: with whom a channel may exist, by identifier. Whatever a policy cannot decide is refused. Those that decide by the identifier alone can
 * say no before it is proved.
 */

import { type ClaimTrustPolicy, Identifier, type PeerIdentity, type TrustPolicy } from '@ockam/core'
import { channelError } from './error.ts'

/** Anybody who proves to be somebody. Workers behind such a channel must look at the peer themselves. */
export const trustEveryone = (): TrustPolicy => ({ description: 'everyone', isTrusted: () => true })

/** One identity. @throws {OckamError} `core/invalid-identifier` */
export const trustIdentifier = (identifier: Identifier | string): TrustPolicy & ClaimTrustPolicy => trustIdentifiers([identifier])

/** Any of these identities; nobody when the list is empty. @throws {OckamError} `core/invalid-identifier` */
export function trustIdentifiers(identifiers: readonly (Identifier | string)[]): TrustPolicy & ClaimTrustPolicy {
  if (!Array.isArray(identifiers)) throw channelError('secure-channel/invalid-argument', 'trustIdentifiers takes a list of identifiers.')
  const trusted = new Set(identifiers.map((identifier) => Identifier.from(identifier).toString()))
  return {
    description: trusted.size === 1 ? `identifier ${[...trusted][0]}` : `one of ${trusted.size} identifiers`,
    isTrusted: (peer) => trusted.has(peer.identifier.toString()),
    couldTrust: (claimed) => trusted.has(claimed.toString()),
  }
}

/** False when the policy is known to refuse that identifier, proved or not. */
export function couldTrust(policy: TrustPolicy & Partial<ClaimTrustPolicy>, claimed: Identifier): boolean {
  return policy.couldTrust?.(claimed) !== false
}

/** Refuses unless every policy agrees; they are asked in order, up to the first refusal. At least one is needed. */
export function allOf(...policies: readonly TrustPolicy[]): TrustPolicy & ClaimTrustPolicy {
  const couldAll = (claimed: Identifier): boolean => policies.every((policy) => couldTrust(policy, claimed))
  return combined('all', policies, couldAll, async (peer) => {
    for (const policy of policies) if ((await policy.isTrusted(peer)) !== true) return false
    return true
  })
}

/** Agrees as soon as one policy does; they are asked in order. At least one is needed. */
export function anyOf(...policies: readonly TrustPolicy[]): TrustPolicy & ClaimTrustPolicy {
  const couldAny = (claimed: Identifier): boolean => policies.some((policy) => couldTrust(policy, claimed))
  return combined('any', policies, couldAny, async (peer) => {
    for (const policy of policies) if ((await policy.isTrusted(peer)) === true) return true
    return false
  })
}

function combined(
  word: string,
  policies: readonly TrustPolicy[],
  couldTrustClaimed: ClaimTrustPolicy['couldTrust'],
  isTrusted: (peer: PeerIdentity) => Promise<boolean>,
): TrustPolicy & ClaimTrustPolicy {
  if (policies.length === 0) {
    throw channelError(
      'secure-channel/invalid-argument',
      'A combination of trust policies needs at least one: an empty one would trust by accident.',
    )
  }
  return {
    description: `${word} of (${policies.map((policy) => policy.description).join(', ')})`,
    couldTrust: couldTrustClaimed,
    isTrusted,
  }
}
