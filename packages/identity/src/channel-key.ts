/** Secure-channel keys of own identities: X25519, in the channel vault. */

import type { ChannelProof, ChannelVault, DhKey, PersistentChannelVault } from '@ockam/core'
import { CHANNEL_KEY } from './key-codec.ts'
import { type OwnPurposeKey, OwnPurposeKeys, type PurposeKeyServices } from './purpose-key.ts'

export type ChannelKeys = OwnPurposeKeys<DhKey, Uint8Array>

export function channelKeys(channel: ChannelVault & Partial<PersistentChannelVault>, services: PurposeKeyServices): ChannelKeys {
  return new OwnPurposeKeys(
    CHANNEL_KEY,
    {
      generate: () => channel.generateStaticKey(),
      publicKeyOf: ({ publicKey }) => publicKey,
      find: channel.findStaticKey?.bind(channel),
      forget: (key) => channel.deleteDhKey(key),
    },
    services,
  )
}

/** What a handshake shows. */
export function channelProofOf({ history, attestation, handle }: OwnPurposeKey<DhKey, Uint8Array>): ChannelProof {
  return {
    identifier: history.identifier,
    changeHistory: history.encoded,
    attestation: attestation.encoded,
    staticKey: handle,
  }
}
