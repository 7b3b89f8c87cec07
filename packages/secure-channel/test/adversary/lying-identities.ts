import type { ChannelProof, Identifier } from '@ockam/core'
import type { IdentityRegistry, TestNodeOptions } from '../world.ts'

/** Identities that show something else than they should, and verify like everybody. */
export const lying =
  (change: (proof: ChannelProof) => ChannelProof | Promise<ChannelProof>): NonNullable<TestNodeOptions['lie']> =>
  (identities: IdentityRegistry) => ({
    channelProof: async (identifier: Identifier) => change(await identities.channelProof(identifier)),
    verifyPeer: (...args) => identities.verifyPeer(...args),
    updatePeer: (...args) => identities.updatePeer(...args),
  })
