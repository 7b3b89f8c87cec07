/** The signing slot: Ed25519 (RFC 8032) and ECDSA over P-256 with SHA-256 (FIPS 186-5), keys in a {@link KeyRing}. */

import type { Cancellable, PersistentSigningVault, Signature, SigningKey, SigningKeyType, SigningVault, VerifyingKey } from '@ockam/core'
import { requireBytes } from './argument.ts'
import { vaultError } from './error.ts'
import { KeyRing, type KeyRingServices } from './key-ring.ts'

const PUBLIC_KEY_LENGTH: Record<SigningKeyType, number> = { ed25519: 32, p256: 65 }

export class SigningSlot implements SigningVault, PersistentSigningVault {
  readonly #ring: KeyRing<SigningKey>

  constructor(services: KeyRingServices) {
    this.#ring = new KeyRing(services, 'signing', ({ type, publicKey }) =>
      Object.freeze({
        kind: 'signing-key',
        verifyingKey: Object.freeze({ type: type as SigningKeyType, bytes: Uint8Array.from(publicKey) }),
      }),
    )
  }

  async generateSigningKey(type: SigningKeyType, options?: Cancellable): Promise<SigningKey> {
    requireKnownType(type)
    return this.#ring.create(type, options)
  }

  async sign(key: SigningKey, message: Uint8Array, options?: Cancellable): Promise<Signature> {
    options?.signal?.throwIfAborted()
    const privateKey = this.#ring.use(key)
    requireBytes('sign: message', message)
    return { type: privateKey.type as SigningKeyType, bytes: privateKey.sign(message) }
  }

  async deleteSigningKey(key: SigningKey): Promise<boolean> {
    return this.#ring.delete(key)
  }

  async findSigningKey(of: VerifyingKey): Promise<SigningKey | undefined> {
    requireKnownType(of.type)
    requireBytes('findSigningKey: key', of.bytes, PUBLIC_KEY_LENGTH[of.type])
    return this.#ring.find(of.type, of.bytes)
  }

  close(): void {
    this.#ring.close()
  }
}

/** @throws {OckamError} `vault/unsupported`. */
export function requireKnownType(type: SigningKeyType): void {
  if (!Object.hasOwn(PUBLIC_KEY_LENGTH, type))
    throw vaultError('vault/unsupported', `This vault has no signing keys of type "${String(type)}".`)
}
