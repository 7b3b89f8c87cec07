/**
 * Decides about a peer by what it showed in the handshake, in this order: history and attestation hold and name the Noise static key, the trust policy
 * agrees, the history is stored, credentials are looked at. Nothing of a stranger is stored before trust has spoken (security rule 10).
 */

import type { CredentialVerifier, Identifier, Identities, TrustPolicy, VerifiedPeer } from '@ockam/core'
import { channelError } from '../error.ts'
import type { IdentityPayload } from '../protocol/identity-payload.ts'

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
  const peer = await verified(identities.verifyPeer({ changeHistory, attestation, noiseStaticKey }))
  const { identifier } = peer
  onProved(identifier)
  if ((await isTrusted(trust, peer)) !== true) {
    throw channelError('secure-channel/untrusted-peer', `The peer is ${identifier}, whom the trust policy (${trust.description}) refuses.`)
  }
  await verified(peer.accept())
  if (verifier !== undefined && credentials.length > 0) {
    try {
      await verifier.present({ identifier }, credentials)
    } catch (error) {
      throw channelError('secure-channel/credentials-refused', `The credentials of ${identifier} were refused.`, error)
    }
  }
  return peer
}

async function verified<T>(verification: Promise<T>): Promise<T> {
  try {
    return await verification
  } catch (error) {
    throw channelError('secure-channel/invalid-identity', 'The identity a peer showed in the handshake does not hold.', error)
  }
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
