/** What the vault kit is told about a vault, and how each check gets a fresh one. */

import type { AeadAlgorithm, SigningKeyType, Vault, VerifyingVault } from '@ockam/core'
import type { ConformanceCheck } from '../check.ts'
import { assert } from './assertion.ts'

/** The slots that are to be checked; the others may be absent. */
export interface VaultUnderTest extends Partial<Vault> {
  /** May be called twice. */
  close?(): Promise<void>
}

export interface VaultConformanceOptions {
  /** A fresh vault with no keys, independent of all earlier ones. Called once or twice per check; closed afterwards. */
  create(): Promise<VaultUnderTest>
  /**
   * Closes a vault and opens it again over the same storage, as a restart would. Give it when keys persist: it adds the checks of
   * `PersistentSigningVault` and `PersistentChannelVault` across a restart.
   */
  reopen?(vault: VaultUnderTest): Promise<VaultUnderTest>
  /** Default: all four. A slot named here must be there. */
  readonly slots?: readonly (keyof Vault)[]
  /** Default: both. Other types must be refused with `vault/unsupported`. */
  readonly signingKeyTypes?: readonly SigningKeyType[]
  /** Default: both. */
  readonly aeadAlgorithms?: readonly AeadAlgorithm[]
  /** Verifies what the vault signs. Default: the vault's own verifying slot, which has checks of its own. */
  readonly verifier?: VerifyingVault
}

/** A slot that the check needs; it fails when the vault lacks it. */
export function slotOf<Slot extends keyof Vault>(vault: VaultUnderTest, slot: Slot): Vault[Slot] {
  const found = vault[slot]
  assert(found !== undefined, `it has the slot "${slot}"`)
  return found as Vault[Slot]
}

/** A check on a fresh vault, which is closed whatever happens. */
export function checkWith(
  options: VaultConformanceOptions,
  name: string,
  run: (vault: VaultUnderTest) => void | Promise<void>,
): ConformanceCheck {
  return {
    name,
    run: async () => {
      const vault = await options.create()
      try {
        await run(vault)
      } finally {
        await vault.close?.()
      }
    },
  }
}
