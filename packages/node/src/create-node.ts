/**
 * `createNode()`: router, identities, secure channels and a vault put together with good defaults. Everything it composes can be used without it.
 *
 * Default deny: workers are reachable through secure channels only, unless they say otherwise; who is trusted has no default anywhere.
 */

import {
  type Clock,
  type Diagnostics,
  memoryStore,
  mergeMultiAddrProtocols,
  multiAddrProtocols,
  type Random,
  type Store,
  type TransportFactory,
  type Turns,
  type Vault,
} from '@ockam/core'
import { type CreateIdentitiesOptions, createIdentities } from '@ockam/identity'
import { createRouter, createSessions, type RouterOptions, startEcho } from '@ockam/routing'
import { createSecureChannels } from '@ockam/secure-channel'
import { type SoftwareVault, type SoftwareVaultOptions, softwareVault, type VaultProtection } from '@ockam/vault-software'
import { OckamNode } from './node.ts'

export interface NodeOptions
  extends Pick<RouterOptions, 'maxAddresses' | 'maxForwards' | 'maxConnections' | 'maxWaitingBytes' | 'deadlockTimeoutMs'> {
  readonly transports?: readonly TransportFactory[]
  /** Where identities and software keys are kept. Default: in memory; identities then live as long as the process. Closed with the node. */
  readonly store?: Store
  /** Slots that are not given are filled from the software vault. */
  readonly vault?: Partial<Vault>
  /** How software keys are protected in the store; see `@ockam/vault-software`. */
  readonly protection?: VaultProtection
  /** What makes the software vault's AEAD keys, such as `findNativeAead()` of `@ockam/aead-native`. Default: the vault itself. */
  readonly aead?: SoftwareVaultOptions['aead']
  /** `identity/…` settings that rarely change. */
  readonly identities?: Pick<
    CreateIdentitiesOptions,
    'attestationValidForMs' | 'expiredIdentity' | 'allowExpiredPreviousKey' | 'verificationCacheSize'
  >
  /** Whether the raw `echo` service answers anyone: Rust nodes ping it to see that a session lives. Default true. */
  readonly hasEcho?: boolean
  readonly clock?: Clock
  readonly random?: Random
  readonly turns?: Turns
  /** Default: none. {@link printDiagnostics} makes one that a person can read. */
  readonly diagnostics?: Diagnostics
}

/**
 * Opens what is needed and returns a running node. It keeps the process alive only while it listens or is connected.
 * @throws {OckamError} `vault/unlock-failed` for a wrong passphrase, `store/…`, `transport/…`; the store is closed then.
 */
export async function createNode(options: NodeOptions = {}): Promise<OckamNode> {
  const { random, protection, aead } = options
  const store = options.store ?? memoryStore()
  let software: SoftwareVault | undefined
  const release = async (): Promise<void> => {
    try {
      await software?.close()
    } finally {
      await store.close()
    }
  }
  try {
    software = softwareVault({ store, aead, ...(random && { random }), ...(protection && { protection }) })
    // A wrong passphrase shows here, not at the first handshake.
    await software.open()
    return compose(options, store, software, release)
  } catch (error) {
    await release()
    throw error
  }
}

function compose(options: NodeOptions, store: Store, software: SoftwareVault, release: () => Promise<void>): OckamNode {
  const {
    transports = [],
    clock,
    random,
    turns,
    diagnostics,
    maxAddresses,
    maxForwards,
    maxConnections,
    maxWaitingBytes,
    deadlockTimeoutMs,
  } = options
  const platform = { ...(clock && { clock }), ...(random && { random }), ...(diagnostics && { diagnostics }) }
  const vault: Vault = {
    signing: options.vault?.signing ?? software.signing,
    verifying: options.vault?.verifying ?? software.verifying,
    channel: options.vault?.channel ?? software.channel,
    primitives: options.vault?.primitives ?? software.primitives,
  }
  const protocols = mergeMultiAddrProtocols(multiAddrProtocols, ...transports.map((transport) => transport.protocols))
  const router = createRouter({
    transports,
    ...platform,
    ...(turns && { turns }),
    ...(maxAddresses !== undefined && { maxAddresses }),
    ...(maxForwards !== undefined && { maxForwards }),
    ...(maxConnections !== undefined && { maxConnections }),
    ...(maxWaitingBytes !== undefined && { maxWaitingBytes }),
    ...(deadlockTimeoutMs !== undefined && { deadlockTimeoutMs }),
  })
  const identities = createIdentities({ vault, store, ...platform, ...options.identities })
  const channels = createSecureChannels({ router, vault, identities })
  if (options.hasEcho !== false) startEcho(router)
  return new OckamNode({ router, identities, channels, vault, sessions: createSessions(router), protocols, release })
}
