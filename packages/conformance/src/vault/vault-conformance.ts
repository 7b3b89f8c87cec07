/**
 * The vault kit: every promise in the docstrings of core's vault interfaces, as checks for any runner. A vault with fewer slots names those it
 * has; nothing is skipped without being left out in so many words.
 */

import type { ConformanceCheck } from '../check.ts'
import { aeadChecks } from './aead-check.ts'
import { channelChecks } from './channel-check.ts'
import { persistenceChecks } from './persistence-check.ts'
import { primitiveChecks } from './primitive-check.ts'
import { signingChecks } from './signing-check.ts'
import type { VaultConformanceOptions } from './vault-under-test.ts'
import { verifyingChecks } from './verifying-check.ts'

export function vaultConformance(options: VaultConformanceOptions): readonly ConformanceCheck[] {
  const slots = options.slots ?? ['signing', 'verifying', 'channel', 'primitives']
  return [
    ...(slots.includes('signing') ? signingChecks(options) : []),
    ...(slots.includes('verifying') ? verifyingChecks(options) : []),
    ...(slots.includes('channel') ? channelChecks(options) : []),
    ...(slots.includes('primitives') ? [...primitiveChecks(options), ...aeadChecks(options)] : []),
    ...persistenceChecks(options),
  ]
}
