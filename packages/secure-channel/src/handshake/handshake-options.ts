/** What both sides of a handshake need to know, checked when it is given. */

import {
  type ChannelProof,
  type CredentialSource,
  type CredentialVerifier,
  Identifier,
  type Reachability,
  type TrustPolicy,
} from '@ockam/core'
import type { ChannelServices } from '../channel/services.ts'
import { checkedDuration } from '../checked-number.ts'
import { channelError } from '../error.ts'
import { encodeIdentityPayload } from '../protocol/identity-payload.ts'

export interface HandshakeSideOptions {
  /** Own identity to speak as. */
  readonly identity: Identifier | string
  /** Whom to trust. There is no default: `trustEveryone()` exists and must be written. */
  readonly trust: TrustPolicy
  /** Credentials to show. Default: none. */
  readonly credentials?: CredentialSource
  /** Looks at credentials peers show. Default: they are ignored. */
  readonly verifier?: CredentialVerifier
  /** Only the encryption and decryption services answer afterwards; both sides must agree. No replay protection, no new keys. Default false. */
  readonly isKeyExchangeOnly?: boolean
  /** Which sources outside of this node may send into the channel. Default `local`: none. */
  readonly from?: Reachability
  /** How long a channel lives on when its route is gone: time to move it to another. Default 60 000. */
  readonly routeGraceMs?: number
}

export interface CheckedSideOptions extends HandshakeSideOptions {
  readonly identity: Identifier
  readonly isKeyExchangeOnly: boolean
  readonly from: Reachability
  readonly routeGraceMs: number
}

/** @throws {OckamError} `secure-channel/trust-missing`, `secure-channel/invalid-argument` */
export function checkedSideOptions(options: HandshakeSideOptions): CheckedSideOptions {
  if (options?.identity === undefined || options.trust === undefined) {
    throw channelError(
      'secure-channel/trust-missing',
      'A secure channel needs to know as whom to speak and whom to trust: give identity and trust. To trust anybody, write trust: trustEveryone().',
    )
  }
  if (typeof options.trust.isTrusted !== 'function') {
    throw channelError('secure-channel/invalid-argument', 'trust is a TrustPolicy such as trustIdentifier(…).')
  }
  return {
    ...options,
    identity: Identifier.from(options.identity),
    isKeyExchangeOnly: options.isKeyExchangeOnly ?? false,
    from: options.from ?? 'local',
    routeGraceMs: checkedDuration('routeGraceMs', options.routeGraceMs ?? 60_000),
  }
}

/** What this side shows: its proof, and the encoded payload of its handshake message. */
export async function ownPayload(
  { identities }: ChannelServices,
  { identity, credentials }: CheckedSideOptions,
): Promise<{ readonly proof: ChannelProof; readonly payload: Uint8Array<ArrayBuffer> }> {
  const proof = await identities.channelProof(identity)
  const items = credentials === undefined ? [] : await credentials.credentials(identity)
  const { changeHistory, attestation } = proof
  return { proof, payload: encodeIdentityPayload({ changeHistory, attestation, credentials: items }) }
}
