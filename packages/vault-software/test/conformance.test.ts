import { vaultConformance } from '@ockam/conformance'
import { memoryStore } from '@ockam/core'
import { describe, test } from 'vitest'
import { softwareVault } from '../src/index.ts'
import { assembleVault } from '../src/vault-assembly.ts'
import { backends } from './back-end.ts'

describe('softwareVault() on the back end of this platform keeps every promise of the vault kit', () => {
  for (const check of vaultConformance({ create: async () => softwareVault() })) test(check.name, check.run)
})

for (const [name, createBackend] of backends) {
  describe(`a vault with a store on ${name} keeps every promise of the vault kit`, () => {
    const stores = new WeakMap<object, ReturnType<typeof memoryStore>>()
    const open = (store = memoryStore()) => {
      const vault = assembleVault(createBackend(), { store })
      stores.set(vault, store)
      return vault
    }
    const checks = vaultConformance({
      create: async () => open(),
      reopen: async (vault) => {
        await vault.close?.()
        return open(stores.get(vault))
      },
    })
    for (const check of checks) test(check.name, { timeout: 30_000 }, check.run)
  })
}
