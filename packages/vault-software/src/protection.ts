/**
 * How stored keys are locked: from what a caller says (`VaultProtection`) to the 32-byte key that wraps the data key.
 *
 * scrypt (RFC 7914) and not argon2id: Node has it built in, in C. For the same wait of an honest user a guess then costs an attacker far more than
 * it would with a function that runs in JavaScript here and in optimised C there.
 */

import { requireBytes } from './argument.ts'
import type { Backend, ScryptParameters } from './backend.ts'
import { vaultError } from './error.ts'

/**
 * - `'none'`: whoever reads the store can read the keys; what guards them is the store's own access control (file permissions). Records are
 *   sealed all the same, so protection can be added later by `changeProtection`.
 * - `passphrase`: text, normalised to NFKC. `costLog2` (14 to 20, default 17) is scrypt's N as a power of two: 128 MiB of memory at 17.
 * - `wrappingKey`: 32 random bytes from a key service or an operating system's key store; copied.
 */
export type VaultProtection = 'none' | { readonly passphrase: string; readonly costLog2?: number } | { readonly wrappingKey: Uint8Array }

/** As stored in the header. */
export type ProtectionKind = 'none' | 'passphrase' | 'wrapping-key'

const DEFAULT_COST_LOG2 = 17
const COST_LOG2_MIN = 14
const COST_LOG2_MAX = 20
const BLOCK_SIZE = 8
const PARALLELISM = 1
const WRAP_INFO = new TextEncoder().encode('ockam vault data key wrap 1')
const NO_KEY = new Uint8Array(32)

export function kindOf(protection: VaultProtection): ProtectionKind {
  if (protection === 'none') return 'none'
  return 'passphrase' in protection ? 'passphrase' : 'wrapping-key'
}

/** Checks what a caller gave, and copies it, so that it cannot change before it is used. */
export function takeProtection(protection: VaultProtection): VaultProtection {
  if (protection === 'none') return protection
  if (typeof protection === 'object' && protection !== null) {
    if ('passphrase' in protection) {
      const { passphrase, costLog2 = DEFAULT_COST_LOG2 } = protection
      if (typeof passphrase !== 'string' || passphrase.length === 0) {
        throw vaultError('vault/invalid-argument', 'protection.passphrase must be a text of at least one character.')
      }
      if (!Number.isInteger(costLog2) || costLog2 < COST_LOG2_MIN || costLog2 > COST_LOG2_MAX) {
        throw vaultError(
          'vault/invalid-argument',
          `protection.costLog2 must be from ${COST_LOG2_MIN} to ${COST_LOG2_MAX}, got ${costLog2}.`,
        )
      }
      return { passphrase, costLog2 }
    }
    if ('wrappingKey' in protection) {
      requireBytes('protection.wrappingKey', protection.wrappingKey, 32)
      return { wrappingKey: Uint8Array.from(protection.wrappingKey) }
    }
  }
  throw vaultError('vault/invalid-argument', "protection must be 'none', { passphrase } or { wrappingKey }.")
}

/** Wipes the copy that {@link takeProtection} made. A passphrase is a string, which JavaScript cannot wipe. */
export function wipeProtection(protection: VaultProtection): void {
  if (protection !== 'none' && 'wrappingKey' in protection) protection.wrappingKey.fill(0)
}

/** The scrypt parameters to write for a protection; undefined where there is no passphrase. */
export function scryptParametersOf(protection: VaultProtection): ScryptParameters | undefined {
  if (protection === 'none' || !('passphrase' in protection)) return undefined
  return { costLog2: protection.costLog2 ?? DEFAULT_COST_LOG2, r: BLOCK_SIZE, p: PARALLELISM }
}

/** Bounds on what a header may demand, so that an altered one can neither weaken the lock nor exhaust memory. */
export function areParametersAcceptable({ costLog2, r, p }: ScryptParameters): boolean {
  return costLog2 >= COST_LOG2_MIN && costLog2 <= COST_LOG2_MAX && r === BLOCK_SIZE && p === PARALLELISM
}

/** The key that wraps the data key: HKDF over scrypt's output, or over the caller's key. The caller wipes it. */
export async function deriveWrappingKey(
  backend: Backend,
  protection: VaultProtection,
  salt: Uint8Array,
  parameters: ScryptParameters | undefined,
): Promise<Uint8Array<ArrayBuffer>> {
  if (protection === 'none') return backend.hkdfSha256(salt, NO_KEY, WRAP_INFO, 32)
  if ('wrappingKey' in protection) return backend.hkdfSha256(salt, protection.wrappingKey, WRAP_INFO, 32)
  if (parameters === undefined) throw vaultError('vault/unlock-failed', 'The header of the stored keys names no passphrase parameters.')
  const password = new TextEncoder().encode(protection.passphrase.normalize('NFKC'))
  const stretched = await backend.scrypt(password, salt, parameters)
  const key = backend.hkdfSha256(salt, stretched, WRAP_INFO, 32)
  password.fill(0)
  stretched.fill(0)
  return key
}
