/**
 * Decides about a peer by what it showed in the handshake, in this order: history and attestation hold and name the Noise static key, the trust policy
 * agrees, the history is stored, credentials are looked at. Nothing of a stranger is stored before trust has spoken (security rule 10). A policy that can
 * refuse by the identifier alone is asked whether it does before a long history is verified, and again, for good, afterwards.
 */

import type { CredentialVerifier, Identifier, Identities, OckamError, PresentedIdentity, TrustPolicy, VerifiedPeer } from '@ockam/core'
import { channelError } from '../error.ts'
import type { IdentityPayload } from '../protocol/identity-payload.ts'
import { couldTrust } from '../trust-policy.ts'

export interface PeerCheckOptions {
  readonly identities: Identities
  readonly trust: TrustPolicy
  readonly verifier: CredentialVerifier | undefined
  /** The peer has proved who it is; whether it is welcome is decided afterwards. */
  readonly onProved: (identifier: Identifier) => void
}

/**
 * @param payload its arrays may be views.
 * @throws {OckamError} `secure-channel/invalid-identity`, `secure-channel/untrusted-peer`, `secure-channel/credentials-refused`, each with its cause.
 */
export async function checkPeer(
  { identities, trust, verifier, onProved }: PeerCheckOptions,
  { changeHistory, attestation, credentials }: IdentityPayload,
  noiseStaticKey: Uint8Array,
): Promise<VerifiedPeer> {
  const peer = await verifiedPeer(identities, trust, { changeHistory, attestation, noiseStaticKey })
  const { identifier } = peer
  onProved(identifier)
  if ((await isTrusted(trust, peer)) !== true) throw untrusted(`is ${identifier}`, trust)
  try {
    await peer.accept()
  } catch (error) {
    throw invalidIdentity(error)
  }
  if (verifier !== undefined && credentials.length > 0) {
    try {
      await verifier.present({ identifier }, credentials)
    } catch (error) {
      throw channelError('secure-channel/credentials-refused', `The credentials of ${identifier} were refused.`, error)
    }
  }
  return peer
}

async function verifiedPeer(identities: Identities, trust: TrustPolicy, presented: PresentedIdentity): Promise<VerifiedPeer> {
  let refused: Identifier | undefined
  const couldBe = (claimed: Identifier): boolean => {
    if (couldTrust(trust, claimed)) return true
    refused = claimed
    return false
  }
  try {
    return await identities.verifyPeer({ ...presented, couldBe })
  } catch (error) {
    throw refused === undefined ? invalidIdentity(error) : untrusted(`claims to be ${refused}`, trust)
  }
}

function invalidIdentity(cause: unknown): OckamError {
  return channelError('secure-channel/invalid-identity', 'The identity a peer showed in the handshake does not hold.', cause)
}

function untrusted(who: string, { description }: TrustPolicy): OckamError {
  return channelError('secure-channel/untrusted-peer', `The peer ${who}, whom the trust policy (${description}) refuses.`)
}

async function isTrusted(trust: TrustPolicy, { identifier }: VerifiedPeer): Promise<boolean> {
  try {
    return await trust.isTrusted({ identifier })
  } catch (error) {
    throw channelError(
      'secure-channel/untrusted-peer',
      `The trust policy (${trust.description}) failed on ${identifier}, which counts as a refusal.`,
      error,
    )
  }
}
