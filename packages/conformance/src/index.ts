export type { ConformanceCheck } from './check.ts'
export { storeConformance, type StoreConformanceOptions } from './store/store-conformance.ts'
export { vaultConformance } from './vault/vault-conformance.ts'
export type { VaultConformanceOptions, VaultUnderTest } from './vault/vault-under-test.ts'
