/** The channel slot: X25519 (RFC 7748), static and ephemeral keys in a {@link KeyRing}. */

import type { Cancellable, ChannelVault, DhKey, PersistentChannelVault, Random } from '@ockam/core'
import { requireBytes } from './argument.ts'
import { vaultError } from './error.ts'
import { KeyRing, type KeyRingServices, sampleSecret } from './key-ring.ts'

export class ChannelSlot implements ChannelVault, PersistentChannelVault {
  readonly #services: KeyRingServices
  readonly #injectedRandom: Random | undefined
  readonly #ring: KeyRing<DhKey>

  /** @param injectedRandom ephemeral keys come from it; undefined: the back end makes them faster from its own source. */
  constructor(services: KeyRingServices, injectedRandom: Random | undefined) {
    this.#services = services
    this.#injectedRandom = injectedRandom
    this.#ring = new KeyRing(services, 'static', ({ publicKey }) =>
      Object.freeze({ kind: 'dh-key', publicKey: Uint8Array.from(publicKey) }),
    )
  }

  async generateStaticKey(options?: Cancellable): Promise<DhKey> {
    return this.#ring.create('x25519', options)
  }

  async generateEphemeralKey(options?: Cancellable): Promise<DhKey> {
    options?.signal?.throwIfAborted()
    const { backend } = this.#services
    if (this.#injectedRandom === undefined) return this.#ring.addEphemeral(backend.generateX25519())
    const secret = sampleSecret('x25519', this.#injectedRandom)
    try {
      return this.#ring.addEphemeral(backend.importKey('x25519', secret))
    } finally {
      secret.fill(0)
    }
  }

  async dh(key: DhKey, publicKey: Uint8Array, options?: Cancellable): Promise<Uint8Array> {
    options?.signal?.throwIfAborted()
    const privateKey = this.#ring.use(key)
    if (!(publicKey instanceof Uint8Array) || publicKey.length !== 32) {
      throw vaultError('vault/invalid-key', "dh: the peer's X25519 public key must be 32 bytes.")
    }
    const shared = privateKey.dh(publicKey)
    if (shared === undefined) {
      throw vaultError(
        'vault/invalid-key',
        "dh: the peer's X25519 public key is of small order; the shared secret would be known to everyone.",
      )
    }
    return shared
  }

  async deleteDhKey(key: DhKey): Promise<boolean> {
    return this.#ring.delete(key)
  }

  async findStaticKey(publicKey: Uint8Array): Promise<DhKey | undefined> {
    requireBytes('findStaticKey: publicKey', publicKey, 32)
    return this.#ring.find('x25519', publicKey)
  }

  close(): void {
    this.#ring.close()
  }
}
