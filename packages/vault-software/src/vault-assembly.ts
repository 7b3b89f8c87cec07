/** Puts a software vault together on a given back end. Apart from `software-vault.ts` so that tests can run every promise on both back ends. */

import {
  type ChannelVault,
  type PersistentChannelVault,
  type PersistentSigningVault,
  type Random,
  type SigningVault,
  type Store,
  systemRandom,
  type Vault,
} from '@ockam/core'
import { checkedRandom } from './argument.ts'
import type { Backend } from './backend.ts'
import { ChannelSlot } from './channel-slot.ts'
import { vaultError } from './error.ts'
import { oneAtATime } from './one-at-a-time.ts'
import { type AeadSource, createPrimitives } from './primitives.ts'
import type { VaultProtection } from './protection.ts'
import { SealedKeys } from './sealed-keys.ts'
import { SigningSlot } from './signing-slot.ts'
import { VerifyingSlot } from './verifying-slot.ts'

export interface SoftwareVaultOptions {
  /** Where signing keys and static channel keys are kept. The caller closes it, after the vault. Without it, keys live as long as the vault. */
  readonly store?: Store
  /** How stored keys are locked (default `'none'`: as safe as the store itself). */
  readonly protection?: VaultProtection
  /** Source of all keys and nonces (default: the platform's). For tests: a predictable source makes predictable keys. */
  readonly random?: Random
  /**
   * Makes the AEAD keys of `primitives`, and so those of secure channels: `nativeAead()` of `@ockam/aead-native`. Algorithms that it refuses with
   * `vault/unsupported` are the vault's own, as are all when it is undefined. Stored keys are sealed by the vault itself in any case.
   */
  readonly aead?: AeadSource | undefined
}

export interface SoftwareVault extends Vault, AsyncDisposable {
  readonly signing: SigningVault & PersistentSigningVault
  readonly channel: ChannelVault & PersistentChannelVault
  /**
   * Unlocks the stored keys now instead of at first use, to learn of a wrong passphrase early. Without a store it does nothing.
   * @throws {OckamError} `vault/unlock-failed`.
   */
  open(): Promise<void>
  /**
   * Seals all stored keys anew, under a new data key, with another protection; atomic. Copies of the store made before still open with the old one.
   * @throws {OckamError} `vault/unsupported` without a store, `vault/conflict`, `vault/corrupt-record`.
   */
  changeProtection(protection: VaultProtection): Promise<void>
  /** Wipes what is in memory. Signing, finding and Diffie-Hellman then throw `vault/closed`; verifying and primitives go on. */
  close(): Promise<void>
}

export function assembleVault(backend: Backend, { store, protection, random, aead }: SoftwareVaultOptions): SoftwareVault {
  if (store === undefined && protection !== undefined) {
    throw vaultError('vault/invalid-argument', 'protection is for stored keys: give a store too, or leave protection out.')
  }
  const primitives = createPrimitives(backend, aead)
  const injectedRandom = random === undefined ? undefined : checkedRandom(random)
  const secureRandom = injectedRandom ?? systemRandom
  const sealedKeys =
    store === undefined ? undefined : new SealedKeys(backend, store, secureRandom, protection === undefined ? 'none' : protection)
  const inTurn = oneAtATime()
  const services = { backend, random: secureRandom, sealedKeys, inTurn }
  const signing = new SigningSlot(services)
  const channel = new ChannelSlot(services, injectedRandom)

  const close = (): Promise<void> => {
    signing.close()
    channel.close()
    // After the operations under way, which may still need the data key.
    return inTurn(async () => sealedKeys?.close())
  }
  return Object.freeze({
    signing,
    verifying: new VerifyingSlot(backend),
    channel,
    primitives,
    open: () => inTurn(async () => sealedKeys?.open()),
    changeProtection: async (next: Parameters<SoftwareVault['changeProtection']>[0]): Promise<void> => {
      if (sealedKeys === undefined)
        throw vaultError('vault/unsupported', 'This vault has no store, so there are no stored keys to protect.')
      await inTurn(() => sealedKeys.changeProtection(next))
    },
    close,
    [Symbol.asyncDispose]: close,
  })
}
