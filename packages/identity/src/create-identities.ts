/** Puts the registry of identities together from a vault and a store. */

import { type Clock, type Diagnostics, memoryStore, type Store, silentDiagnostics, systemClock, type Vault } from '@ockam/core'
import { channelKeys } from './channel-key.ts'
import { credentialKeys } from './credential-key.ts'
import { identityError } from './error.ts'
import { IdentityRegistry } from './identity-registry.ts'
import { IdentityStore } from './identity-store.ts'
import { OwnIdentityKeys } from './own-identity.ts'
import { PeerIdentities } from './peer-identity.ts'
import { VerificationCache } from './verification-cache.ts'

const DEFAULT_ATTESTATION_VALIDITY_MS = 365 * 24 * 3600 * 1000
const DEFAULT_CACHE_SIZE = 1024

export interface CreateIdentitiesOptions {
  /** Holds the private keys. With a vault that forgets them, a stored identity can no longer be used (`identity/key-missing`). */
  readonly vault: Vault
  /** Default: in memory; identities then live as long as the process. The caller closes it. */
  readonly store?: Store
  /** Default: the machine's. */
  readonly clock?: Pick<Clock, 'now'>
  /** Receives `identity/conflicting-history`, `identity/not-valid-now`, `identity/renewal-failed`. Default: nobody. */
  readonly diagnostics?: Diagnostics
  /** Life of own attestations. Default one year; always inside the identity's validity. */
  readonly attestationValidForMs?: number
  /**
   * What to do with an imported or refreshed history whose latest key is not valid now, by its own dates. Rust nodes do not look. Default `warn`:
   * a diagnostics event. In a handshake there is no choice, because there the attestation must be inside these dates, and valid now.
   */
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
  const cacheSize = options.verificationCacheSize ?? DEFAULT_CACHE_SIZE
  if (!Number.isSafeInteger(cacheSize) || cacheSize < 0)
    throw identityError('identity/invalid-argument', `verificationCacheSize must be a whole number, 0 or more; got ${cacheSize}.`)
  const { primitives } = vault
  const cache = new VerificationCache(primitives, cacheSize)
  const verification = { verifying: vault.verifying, primitives, cache }
  const store = new IdentityStore(options.store ?? memoryStore(), primitives)
  const nowSeconds = (): number => Math.floor(clock.now() / 1000)
  const services = { signing: vault.signing, primitives, store, nowSeconds, diagnostics }
  const keys = new OwnIdentityKeys(services)
  const purposeKeys = { ...services, verification, keys, attestationValidForSeconds: Math.floor(attestationValidForMs / 1000) }
  const policy = {
    allowExpiredPreviousKey: options.allowExpiredPreviousKey ?? true,
    expiredIdentity: options.expiredIdentity ?? ('warn' as const),
  }
  const peers = new PeerIdentities({ store, keys, verification, policy, nowSeconds, diagnostics })
  return new IdentityRegistry({
    store,
    keys,
    channelKeys: channelKeys(vault.channel, purposeKeys),
    credentialKeys: credentialKeys(purposeKeys),
    peers,
    verification,
    nowSeconds,
  })
}
