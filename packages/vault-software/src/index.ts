export type { VaultErrorCode } from './error.ts'
export type { VaultProtection } from './protection.ts'
export { softwareVault } from './software-vault.ts'
export type { SoftwareVault, SoftwareVaultOptions } from './vault-assembly.ts'
