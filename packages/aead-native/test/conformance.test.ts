import { vaultConformance } from '@ockam/conformance'
import { memoryStore } from '@ockam/core'
import { softwareVault } from '@ockam/vault-software'
import { describe, expect, test } from 'vitest'
import { nativeAead } from '../src/index.ts'
import { NativeAeadKey } from '../src/native-aead-key.ts'
import { isBuilt, secret } from './addon.ts'

describe.skipIf(!isBuilt)('a software vault with the native AEAD keeps every promise of the vault kit', () => {
  const stores = new WeakMap<object, ReturnType<typeof memoryStore>>()
  const openVault = (store = memoryStore()) => {
    const vault = softwareVault({ store, aead: nativeAead() })
    stores.set(vault, store)
    return vault
  }
  const checks = vaultConformance({
    create: async () => openVault(),
    reopen: async (vault) => {
      await vault.close?.()
      return openVault(stores.get(vault))
    },
  })
  for (const check of checks) test(check.name, { timeout: 30_000 }, check.run)

  test('and its keys are native', () => {
    const { primitives } = openVault()
    for (const algorithm of [undefined, 'aes-256-gcm', 'chacha20-poly1305'] as const) {
      const key = primitives.aeadKey(secret, algorithm)
      expect(key).toBeInstanceOf(NativeAeadKey)
      expect(key.rekey()).toBeInstanceOf(NativeAeadKey)
    }
  })
})
