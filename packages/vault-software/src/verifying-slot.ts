/** The verifying slot: the one signature profile of this package. Holds no secrets and works on after the vault was closed. */

import type { Signature, VerifyingKey, VerifyingVault } from '@ockam/core'
import { requireBytes } from './argument.ts'
import type { Backend } from './backend.ts'
import { vaultError } from './error.ts'
import { requireKnownType } from './signing-slot.ts'

export class VerifyingSlot implements VerifyingVault {
  readonly #backend: Backend

  constructor(backend: Backend) {
    this.#backend = backend
  }

  async verify(key: VerifyingKey, message: Uint8Array, signature: Signature): Promise<boolean> {
    requireKnownType(key.type)
    if (key.type !== signature.type) {
      throw vaultError(
        'vault/type-mismatch',
        `A signature of type "${signature.type}" cannot be verified with a key of type "${key.type}".`,
      )
    }
    requireBytes('verify: key', key.bytes)
    requireBytes('verify: message', message)
    requireBytes('verify: signature', signature.bytes)
    return key.type === 'ed25519'
      ? this.#backend.verifyEd25519(key.bytes, message, signature.bytes)
      : this.#backend.verifyP256(key.bytes, message, signature.bytes)
  }
}
