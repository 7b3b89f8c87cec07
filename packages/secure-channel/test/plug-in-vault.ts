/** A real vault with AEAD keys as somebody else may have made them: the four methods every key has, some of them replaced or joined by others. */

import type { AeadKey, Vault } from '@ockam/core'
import { softwareVault } from '@ockam/vault-software'

/** What a key does otherwise than it should, or beyond it. @param real the key underneath, which keeps its promises. */
export type KeyChange = (real: AeadKey) => Readonly<Record<string, unknown>>

export function plugInKey(real: AeadKey, change: KeyChange): AeadKey {
  return {
    sealInto: (...args) => real.sealInto(...args),
    openInto: (...args) => real.openInto(...args),
    rekey: () => plugInKey(real.rekey(), change),
    destroy: () => real.destroy(),
    ...change(real),
  }
}

export function plugInVault(change: KeyChange): Vault {
  const real = softwareVault()
  return { ...real, primitives: { ...real.primitives, aeadKey: (...args) => plugInKey(real.primitives.aeadKey(...args), change) } }
}

/** What is no `true`, but true enough for an `if`. */
export const almostTrue: readonly unknown[] = [Promise.resolve(true), 1, 'true', { valid: true }]
