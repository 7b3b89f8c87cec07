/**
 * One node of the race, put together from the packages as a program would: router with TCP, software vault over a store, identities, secure channels.
 *
 * The parties of a run must know each other's identifiers before they meet. Each identity therefore follows from 32 bytes that the runner hands to
 * both processes: the key is drawn from them, its date is fixed. Everything after that, the secure-channel keys too, is random as always.
 */
import { createHash } from 'node:crypto'
import { nativeAead } from '@ockam/aead-native'
import { memoryStore } from '@ockam/core'
import { createIdentities } from '@ockam/identity'
import { createRouter } from '@ockam/routing'
import { createSecureChannels } from '@ockam/secure-channel'
import { tcp } from '@ockam/transport-tcp'
import { softwareVault } from '@ockam/vault-software'

const MADE_AT = Date.UTC(2026, 0, 1)

/** Random bytes that follow from a seed. */
function seeded(hex) {
  let count = 0
  return {
    bytes(length) {
      const out = new Uint8Array(length)
      for (let at = 0; at < length; at += 32)
        out.set(
          createHash('sha256')
            .update(`${hex} ${count++}`)
            .digest()
            .subarray(0, length - at),
          at,
        )
      return out
    },
  }
}

/** Makes the identity of a seed in a store; a node that opens the store owns it. */
async function createIdentity(seed, store) {
  const vault = softwareVault({ store, random: seeded(seed) })
  const { identifier } = await createIdentities({ vault, store, clock: { now: () => MADE_AT } }).create({ name: 'own' })
  await vault.close()
  return identifier
}

export const plainParty = () => createRouter({ transports: [tcp()] })

/** @param seeds own seed first, then the peer's. */
export async function secureParty([ownSeed, peerSeed], settings) {
  const store = memoryStore()
  const identity = await createIdentity(ownSeed, store)
  const peer = await createIdentity(peerSeed, memoryStore())
  const vault = softwareVault({ store, ...(settings.isNative && { aead: nativeAead() }) })
  const router = plainParty()
  const identities = createIdentities({ vault, store, ...(settings.forgetsVerified && { verificationCacheSize: 0 }) })
  const channels = createSecureChannels({ router, vault, identities })
  return { router, channels, identity, peer }
}
