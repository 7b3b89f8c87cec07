/** Puts the registry of identities together from a vault and a store. */

import { type Clock, type Diagnostics, memoryStore, type Store, silentDiagnostics, systemClock, type Vault } from '@ockam/core'
import { ChannelKeys } from './channel-key.ts'
import { identityError } from './error.ts'
import { IdentityRegistry } from './identity-registry.ts'
import { IdentityStore } from './identity-store.ts'
import { OwnIdentityKeys } from './own-identity.ts'
import { VerificationCache } from './verification-cache.ts'

const DEFAULT_ATTESTATION_VALIDITY_MS = 365 * 24 * 3600 * 1000

export interface CreateIdentitiesOptions {
  readonly vault: Vault
  /** Default: in memory; identities then live as long as the process. */
  readonly store?: Store
  readonly clock?: Clock
  readonly diagnostics?: Diagnostics
  /** Life of own attestations. Default one year; always inside the identity's validity. */
  readonly attestationValidForMs?: number
  /** What to do with a peer whose latest key is not valid now by its own dates. Rust nodes do not look. Default `warn`: a diagnostics event. */
  readonly expiredIdentity?: 'warn' | 'refuse'
  /** Whether a key may be replaced after its validity ended. Default true, as in Rust nodes. */
  readonly allowExpiredPreviousKey?: boolean
  /** Verified histories and attestations to remember. Default 1024; 0 remembers none. */
  readonly verificationCacheSize?: number
}

/** @throws {OckamError} `identity/invalid-argument` */
export function createIdentities(options: CreateIdentitiesOptions): IdentityRegistry {
  const { vault, clock = systemClock, diagnostics = silentDiagnostics } = options
  const attestationValidForMs = options.attestationValidForMs ?? DEFAULT_ATTESTATION_VALIDITY_MS
  if (!(attestationValidForMs >= 1000))
    throw identityError('identity/invalid-argument', `attestationValidForMs must be at least 1000; got ${attestationValidForMs}.`)
  const { primitives } = vault
  const cache = new VerificationCache(primitives, options.verificationCacheSize ?? 1024)
  const verification = { verifying: vault.verifying, primitives, cache }
  const store = new IdentityStore(options.store ?? memoryStore(), primitives)
  const nowSeconds = (): number => Math.floor(clock.now() / 1000)
  const own = { signing: vault.signing, primitives, store, nowSeconds }
  const keys = new OwnIdentityKeys(own)
  const attestationValidForSeconds = Math.floor(attestationValidForMs / 1000)
  const channelKeys = new ChannelKeys({ ...own, channel: vault.channel, verification, keys, attestationValidForSeconds })
  const policy = {
    allowExpiredPreviousKey: options.allowExpiredPreviousKey ?? true,
    expiredIdentity: options.expiredIdentity ?? ('warn' as const),
  }
  return new IdentityRegistry({ store, keys, channelKeys, verification, policy, nowSeconds, diagnostics })
}
