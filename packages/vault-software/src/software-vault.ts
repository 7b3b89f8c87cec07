/**
 * `softwareVault()`: all four slots of a node's vault in software, on the back end that suits the platform.
 *
 * What it cannot do: keep keys from whoever controls the process, or promise constant time where JavaScript computes (the noble back end).
 */

import { createBackend } from '#primitives'
import { assembleVault, type SoftwareVault, type SoftwareVaultOptions } from './vault-assembly.ts'

export function softwareVault(options: SoftwareVaultOptions = {}): SoftwareVault {
  return assembleVault(createBackend(), options)
}
